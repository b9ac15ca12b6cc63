// Calls of the engine's HTTP API. Every failure becomes a Problem that can be shown to a person.
import type { Happened } from './events'
import type { ConfigNote, ReloadReport } from './settings'
import type { SuperviseMode } from './talk'
import type {
  AdherenceRow,
  AnyReason,
  BlockRow,
  CallRow,
  CaseRow,
  ContractorRow,
  MessageRow,
  OfDay,
  TaskResult,
  TaskRow,
  TaskStory,
  PhonePorts,
  SeatRow,
  Session,
  Wallboard,
} from './words'

const BASE = '/api/v1'

/** An answer slower than this counts as none, ms. */
const PATIENCE_MS = 10_000
/** The same for the wallboard: whoever asks for it wants to know soon that the engine is gone. */
const WALLBOARD_PATIENCE_MS = 4_000

/** Reading every file again takes longer. */
const RELOAD_PATIENCE_MS = 30_000

/** What went wrong: the engine's own words where it sent some. */
export class Problem extends Error {
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** The engine's error code; `no-answer` or `http-NNN` where it gave none. */
    readonly code: string,
    message: string,
    readonly help: string | null,
    /** Faults of the configuration, line by line. */
    readonly notes: readonly ConfigNote[] = [],
  ) {
    super(message)
    this.name = 'Problem'
  }
}

export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem(
    0,
    'unexpected',
    thrown instanceof Error ? thrown.message : String(thrown),
    null,
  )
}

let onSignedOut: () => void = () => {}

/** Called whenever the engine says that nobody is signed in. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback
}

async function problemOf(response: Response): Promise<Problem> {
  let code = `http-${response.status}`
  let message = ''
  let help: string | null = null
  let notes: ConfigNote[] = []
  try {
    const { error, faults } = (await response.json()) as {
      error?: { code?: string; message?: string; help?: string }
      faults?: ConfigNote[]
    }
    notes = faults ?? []
    code = error?.code ?? code
    message = error?.message ?? ''
    help = error?.help ?? null
  } catch {
    // No JSON: a proxy answered, not the engine. The status says what is known.
  }
  return new Problem(response.status, code, message, help, notes)
}

async function send(
  method: string,
  path: string,
  body: unknown,
  patience: number,
): Promise<Response> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), patience)
  try {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    return await fetch(BASE + path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: abort.signal,
    })
  } catch {
    throw new Problem(0, 'no-answer', '', null)
  } finally {
    clearTimeout(timer)
  }
}

async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  patience = PATIENCE_MS,
): Promise<T> {
  const response = await send(method, path, body, patience)
  if (!response.ok) {
    const problem = await problemOf(response)
    // A refused sign-in is answered 401 too, but nobody was signed out by it.
    if (problem.status === 401 && path !== '/session') onSignedOut()
    throw problem
  }
  const text = await response.text()
  return (text === '' ? null : JSON.parse(text)) as T
}

const id = encodeURIComponent

export interface CallDetail extends CallRow {
  timeline: Happened[]
}

/** Where a call stands in line, and each reason why it waits. */
export interface WaitsInLine {
  queue: string
  position: number | null
  expected_from_ms: number | null
  expected_to_ms: number | null
  why: string[]
}

/** The page size of lists. */
export const PAGE = 50

export const api = {
  signIn: (user: string, password: string) => call<Session>('POST', '/session', { user, password }),
  whoAmI: () => call<Session>('GET', '/session'),
  signOut: () => call<null>('DELETE', '/session'),

  wallboard: () => call<Wallboard>('GET', '/wallboard', undefined, WALLBOARD_PATIENCE_MS),
  streamUrl: `${BASE}/stream`,

  seats: () => call<SeatRow[]>('GET', '/seats'),
  ready: (seat: string) => call<unknown>('POST', `/seats/${id(seat)}/ready`),
  notReady: (seat: string, reason: AnyReason) =>
    call<unknown>('POST', `/seats/${id(seat)}/not-ready`, { reason }),
  signOutSeat: (seat: string) => call<null>('POST', `/seats/${id(seat)}/sign-out`),
  transfer: (seat: string, to: string) =>
    call<unknown>('POST', `/seats/${id(seat)}/transfer`, { to }),
  /** `by`: whose phone is rung; null: that of the supervisor's own seat. */
  supervise: (seat: string, mode: SuperviseMode, by: string | null) =>
    call<null>('POST', `/seats/${id(seat)}/supervise`, by === null ? { mode } : { mode, by }),
  endSupervision: (seat: string, by: string | null) =>
    call<null>('POST', `/seats/${id(seat)}/supervise/end`, by === null ? {} : { by }),
  consult: (seat: string, to: string) => call<null>('POST', `/seats/${id(seat)}/consult`, { to }),
  emergency: (seat: string, to: string) =>
    call<null>('POST', `/seats/${id(seat)}/emergency`, { to }),
  mergeConsult: (seat: string) => call<null>('POST', `/seats/${id(seat)}/consult/merge`),
  completeConsult: (seat: string) => call<null>('POST', `/seats/${id(seat)}/consult/complete`),
  cancelConsult: (seat: string) => call<null>('POST', `/seats/${id(seat)}/consult/cancel`),
  cardEntry: (seat: string, on: boolean) =>
    call<null>('POST', `/seats/${id(seat)}/card-entry`, { on }),
  pauseRecording: (seat: string, reason: string) =>
    call<null>('POST', `/seats/${id(seat)}/recording/pause`, { reason }),
  resumeRecording: (seat: string, reason: string) =>
    call<null>('POST', `/seats/${id(seat)}/recording/resume`, { reason }),
  phone: () => call<PhonePorts>('GET', '/phone'),
  extendWrapUp: (seat: string, by_s: number) =>
    call<null>('POST', `/seats/${id(seat)}/wrap-up/extend`, { by_s }),
  endWrapUp: (seat: string) => call<unknown>('POST', `/seats/${id(seat)}/wrap-up/end`),

  /** Reads the settings again: every prompt and script is read, which takes a while. */
  reloadSettings: (dryRun: boolean) =>
    call<ReloadReport>('POST', `/config/reload${dryRun ? '?dry-run' : ''}`, undefined, RELOAD_PATIENCE_MS),

  calls: (query: { before?: number; limit?: number }) =>
    call<CallRow[]>('GET', `/calls?${search({ limit: PAGE, ...query })}`),
  call: (number: number) => call<CallDetail>('GET', `/calls/${number}`),
  waiting: (number: number) => call<WaitsInLine>('GET', `/calls/${number}/waiting`),
  prioritise: (number: number, priority: number) =>
    call<null>('POST', `/calls/${number}/priority`, { priority }),
  moveToQueue: (number: number, queue: string) =>
    call<null>('POST', `/calls/${number}/queue`, { queue }),
  giveToSeat: (number: number, seat: string) =>
    call<null>('POST', `/calls/${number}/seat`, { seat }),
  recordingUrl: (number: number) => `${BASE}/calls/${number}/recording`,

  messages: (query: { state?: MessageRow['state']; before?: string }) =>
    call<MessageRow[]>('GET', `/messages?${search({ limit: PAGE, ...query })}`),
  messageUrl: (message: string) => `${BASE}/messages/${id(message)}/recording`,
  settleMessage: (message: string, note: string) =>
    call<null>('POST', `/messages/${id(message)}/settle`, { note }),

  tasks: (query: { kind?: TaskRow['kind']; state?: TaskRow['state']; before?: number }) =>
    call<TaskRow[]>('GET', `/tasks?${search({ limit: PAGE, ...query })}`),
  task: (task: number) => call<TaskStory>('GET', `/tasks/${task}`),
  addFollowUp: (number: string, note: string, due_at: number) =>
    call<TaskRow>('POST', '/tasks', { number, note, due_at }),
  takeTask: (task: number) => call<TaskStory>('POST', `/tasks/${task}/take`),
  nextTask: (without: readonly number[]) => call<TaskStory>('POST', '/tasks/next', { without }),
  enterResult: (task: number, result: TaskResult, score: number | null, remark: string) =>
    call<null>('POST', `/tasks/${task}/result`, { result, remark, ...(score === null ? {} : { score }) }),
  revealTask: (task: number, reason: string) =>
    call<TaskStory>('POST', `/tasks/${task}/reveal`, { reason }),
  letGoOfTask: (task: number) => call<null>('POST', `/tasks/${task}/let-go`),
  closeTask: (task: number, reason: string) =>
    call<null>('POST', `/tasks/${task}/close`, { reason }),
  /** Rings the seat's phone, then calls the number. */
  dialForSeat: (seat: string, number: string, purpose: string) =>
    call<null>('POST', `/seats/${id(seat)}/dial`, { number, purpose }),

  blocks: () => call<BlockRow[]>('GET', '/blocks'),
  proposeBlock: (whom: { call: number } | { number: string }, reason: string, until: number) =>
    call<{ block: number }>('POST', '/blocks', { ...whom, reason, until }),
  approveBlock: (block: number) => call<null>('POST', `/blocks/${block}/approve`),
  refuseBlock: (block: number, reason: string) =>
    call<null>('POST', `/blocks/${block}/refuse`, { reason }),
  liftBlock: (block: number, reason: string) => call<null>('POST', `/blocks/${block}/lift`, { reason }),
  adherence: (day: string) =>
    call<OfDay<AdherenceRow>>('GET', `/adherence${day === '' ? '' : `?day=${id(day)}`}`),
  byContractor: (day: string) =>
    call<OfDay<ContractorRow>>('GET', `/kpi?${search({ by: 'contractor', day: day || undefined })}`),

  cases: (query: { before?: string }) =>
    call<CaseRow[]>('GET', `/cases?${search({ limit: PAGE, ...query })}`),
  case: (number: string) => call<CaseRow>('GET', `/cases/${id(number)}`),
}

function search(query: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined)
  return new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()
}
