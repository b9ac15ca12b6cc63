// 留言: what the page does with messages, apart from showing them.
import type { EventType, Happened } from './events'
import type { MessageRow } from './words'

/** The states one may look at; `all` leaves the choice to nobody. */
export const SHOWN = ['new', 'heard', 'done', 'all'] as const
export type Shown = (typeof SHOWN)[number]

/** As much of a note as the engine takes, characters. */
export const NOTE_LONGEST = 500

const CHANGES: ReadonlySet<EventType> = new Set<EventType>([
  'message-began',
  'message-left',
  'message-heard',
  'message-settled',
  'recording-failed',
])

/** Whether an event may change the list. */
export const changesMessages = (event: Happened): boolean => CHANGES.has(event.type)

/** What there is to hear: nothing yet, nothing any more, no word, or a message. */
export type Sound = 'unfinished' | 'lost' | 'empty' | 'whole'

export function soundOf(row: MessageRow): Sound {
  if (row.lost) return 'lost'
  if (row.ms === null) return 'unfinished'
  return row.empty ? 'empty' : 'whole'
}

/** Whether there is something to play: an empty message may still hold half a word. */
export const isPlayable = (row: MessageRow): boolean =>
  soundOf(row) === 'whole' || soundOf(row) === 'empty'

/** The note as it is sent, or null where it is too long. */
export function noteToSend(typed: string): string | null {
  const note = typed.trim()
  return [...note].length <= NOTE_LONGEST ? note : null
}
