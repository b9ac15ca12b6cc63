// 待办: what the page does with citizens to be called, apart from showing them.
import type { EventType, Happened } from './events'
import type { TaskResult, TaskRow, TaskStory } from './words'

export const TASK_STATES = ['open', 'taken', 'done', 'all'] as const
export const TASK_KINDS = ['all', 'missed-call', 'follow-up'] as const
export type TaskStateChoice = (typeof TASK_STATES)[number]
export type TaskKindChoice = (typeof TASK_KINDS)[number]

/** As much of a note or a reason as the engine takes, characters. */
export const WORDS_LONGEST = 500

const CHANGES: ReadonlySet<EventType> = new Set<EventType>([
  'task-added',
  'task-taken',
  'task-let-go',
  'task-closed',
  'task-result-entered',
  'call-ended',
  'seat-answered',
  'call-dialled',
  'outside-answered',
  'dial-ended',
])

/** Whether an event may change the list: missed calls put themselves on it. */
export const changesTasks = (event: Happened): boolean => CHANGES.has(event.type)

/** In the order in which they are offered. */
export const TASK_RESULTS: readonly TaskResult[] = [
  'satisfied',
  'neutral',
  'dissatisfied',
  'no-opinion',
  'refused',
  'not-reached',
  'wrong-number',
]
/** How content a citizen is, the best first. */
export const SCORES = [5, 4, 3, 2, 1] as const

/** What a result usually means as a score, until the agent chooses; null: none is asked for. */
const USUAL: Partial<Record<TaskResult, number>> = { satisfied: 5, neutral: 3, dissatisfied: 1 }
export const usualScore = (result: TaskResult): number | null => USUAL[result] ?? null
export const isOpinion = (result: TaskResult): boolean => result in USUAL

/** Put back by this page: asked for the next, the engine gives others. Of many the last. */
const SKIPPED_MOST = 100
export const skipping = (skipped: readonly number[], task: number): number[] =>
  [...skipped.filter((one) => one !== task), task].slice(-SKIPPED_MOST)

/** The words as they are sent, or null where there are none or too many. */
export function reasonToSend(typed: string): string | null {
  const words = typed.trim()
  return words !== '' && [...words].length <= WORDS_LONGEST ? words : null
}

/** Whether the seat has the task. */
export const isMine = (task: TaskRow, seat: string | null): boolean =>
  seat !== null && task.state === 'taken' && task.seat === seat

/** Ms until the citizen may be called again; 0: now. */
export const restsFor = (task: TaskRow, now: number): number =>
  task.state === 'open' ? Math.max(0, (task.not_before ?? 0) - now) : 0

/** Whether a seat may take it now. */
export const canTake = (task: TaskRow, seat: string | null, now: number): boolean =>
  seat !== null && task.state === 'open' && restsFor(task, now) === 0

/** The number, where it is whole and can be called. */
export const numberToCall = (task: TaskStory, seat: string | null): string | null =>
  isMine(task, seat) && /^\+?\d+$/.test(task.number) ? task.number : null

/** How a number is called: by the page's own phone where it is idle, else by the engine. */
export type Way = 'page' | 'engine'
export const wayToCall = (phone: { line: string; stage: string }): Way =>
  phone.line === 'ready' && phone.stage === 'idle' ? 'page' : 'engine'

/** A number as somebody types it, or null where it is none. */
export function typedNumber(typed: string): string | null {
  const number = typed.replace(/[\s()-]/g, '')
  return /^\+?\d{5,32}$/.test(number) ? number : null
}
