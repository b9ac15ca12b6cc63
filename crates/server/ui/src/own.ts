// An agent's own figures of today: from the rows of the list of calls, or, where that list is not
// for this person, from what happened while the page was open.
import type { Happened } from './events'
import { midnight } from './format'
import type { CallRow } from './words'

/** Answered within this counts as in time (GB/T 33358), ms. */
const IN_TIME_MS = 15_000

export interface OwnCounts {
  /** Calls answered. */
  taken: number
  /** Of these, calls whose talk has ended. */
  talked: number
  talk_ms: number
  in_time: number
  scored: number
  satisfied: number
}

export const NONE_YET: OwnCounts = {
  taken: 0,
  talked: 0,
  talk_ms: 0,
  in_time: 0,
  scored: 0,
  satisfied: 0,
}

/** The rows of this seat that were answered today, newest first as they came. */
export function ownCalls(rows: readonly CallRow[], seat: string, now: number): CallRow[] {
  const from = midnight(now)
  return rows.filter(
    (row) => row.seat === seat && row.answered_at !== null && row.answered_at >= from,
  )
}

export function countRows(own: readonly CallRow[]): OwnCounts {
  return {
    taken: own.length,
    talked: own.filter((row) => row.talk_ms !== null).length,
    talk_ms: own.reduce((sum, row) => sum + (row.talk_ms ?? 0), 0),
    in_time: own.filter((row) => row.wait_ms !== null && row.wait_ms <= IN_TIME_MS).length,
    scored: own.filter((row) => row.score !== null).length,
    satisfied: own.filter((row) => row.meaning === 'satisfied').length,
  }
}

/**
 * Where the rows begin, if that is later than midnight: `limit` rows were asked for and as many
 * came, so there may be older ones. Null: they cover the day.
 */
export function coveredFrom(rows: readonly CallRow[], now: number, limit: number): number | null {
  const oldest = rows[rows.length - 1]
  if (rows.length < limit || oldest === undefined) return null
  return oldest.arrived_at > midnight(now) ? oldest.arrived_at : null
}

/** Counts one more event of this seat; other seats' events change nothing. */
export function countEvent(counts: OwnCounts, event: Happened, seat: string): OwnCounts {
  if (!('seat' in event) || event.seat !== seat) return counts
  switch (event.type) {
    case 'seat-answered':
      return {
        ...counts,
        taken: counts.taken + 1,
        in_time: counts.in_time + (event.since_queue_ms <= IN_TIME_MS ? 1 : 0),
      }
    case 'talk-ended':
      return { ...counts, talked: counts.talked + 1, talk_ms: counts.talk_ms + event.talk_ms }
    case 'survey-answered':
      return {
        ...counts,
        scored: counts.scored + 1,
        satisfied: counts.satisfied + (event.meaning === 'satisfied' ? 1 : 0),
      }
    default:
      return counts
  }
}
