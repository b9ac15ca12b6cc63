// An agent's own figures of today, counted from the rows of their calls.
import { midnight } from './format'
import type { CallRow } from './words'

/** Answered within this counts as in time (GB/T 33358), ms. */
const IN_TIME_MS = 15_000

export interface OwnFigures {
  taken: number
  talk_ms: number
  /** Null without a call. */
  mean_ms: number | null
  in_time: number
  scored: number
  satisfied: number
  /** Set where the rows do not reach back to midnight: the figures count from here. */
  since: number | null
}

/** The rows of this seat that were answered today, newest first as they came. */
export function ownCalls(rows: readonly CallRow[], seat: string, now: number): CallRow[] {
  const from = midnight(now)
  return rows.filter(
    (row) => row.seat === seat && row.answered_at !== null && row.answered_at >= from,
  )
}

/** `limit`: how many rows were asked for; as many rows mean that there may be older ones. */
export function ownFigures(
  rows: readonly CallRow[],
  seat: string,
  now: number,
  limit: number,
): OwnFigures {
  const own = ownCalls(rows, seat, now)
  const talk_ms = own.reduce((sum, row) => sum + (row.talk_ms ?? 0), 0)
  const oldest = rows[rows.length - 1]
  const cut =
    rows.length >= limit && oldest !== undefined && oldest.arrived_at > midnight(now)
  return {
    taken: own.length,
    talk_ms,
    mean_ms: own.length > 0 ? talk_ms / own.length : null,
    in_time: own.filter((row) => (row.wait_ms ?? Infinity) <= IN_TIME_MS).length,
    scored: own.filter((row) => row.score !== null).length,
    satisfied: own.filter((row) => row.meaning === 'satisfied').length,
    since: cut ? oldest.arrived_at : null,
  }
}
