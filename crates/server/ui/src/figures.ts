// The wallboard's figures, each with the counts it is made of. A ratio is always computed here from
// the two counts that are shown beside it, so what a supervisor sees can be checked by hand.
import type { MissedRow, QueueRow, SeatRow, Totals } from './words'

export const ANSWER_RATE_TARGET = 0.95
/** Below this the answer rate is no longer near its target. */
export const ANSWER_RATE_NEAR = 0.9

export type FigureId =
  | 'answer-rate'
  | 'service-level'
  | 'in-time-rate'
  | 'waiting'
  | 'longest-wait'
  | 'ready-seats'
  | 'talking'
  | 'abandoned'
  | 'participation'
  | 'satisfaction'
  | 'called-back'

export interface Figure {
  id: FigureId
  /** Numerator, or the count itself. */
  top: number
  /** Denominator; null for a plain count. */
  bottom: number | null
  /** The ratio, or the count; null where the denominator is 0. */
  value: number | null
}

export type Verdict = 'good' | 'near' | 'bad' | 'none'

export function verdict(rate: number | null): Verdict {
  if (rate === null) return 'none'
  if (rate >= ANSWER_RATE_TARGET) return 'good'
  return rate >= ANSWER_RATE_NEAR ? 'near' : 'bad'
}

function ratio(id: FigureId, top: number, bottom: number): Figure {
  return { id, top, bottom, value: bottom > 0 ? top / bottom : null }
}

function plain(id: FigureId, top: number): Figure {
  return { id, top, bottom: null, value: top }
}

const sum = <T>(rows: readonly T[], of: (row: T) => number) =>
  rows.reduce((total, row) => total + of(row), 0)

/** Takes a call now: wants one, has none, and its phone can be reached. */
export function isReady(seat: SeatRow): boolean {
  return seat.intent === 'ready' && seat.work === 'free' && seat.device === 'registered'
}

/** At work: signed in with a reachable phone, or busy with a call. */
export function isStaffed(seat: SeatRow): boolean {
  if (seat.work !== 'free') return true
  return seat.device === 'registered' && seat.reason !== 'logged-out'
}

export function isTalking(seat: SeatRow): boolean {
  return seat.work === 'talking' || seat.work === 'hold'
}

export function figures(
  totals: Totals,
  queues: readonly QueueRow[],
  seats: readonly SeatRow[],
  missed?: MissedRow,
): Record<FigureId, Figure> {
  return {
    'answer-rate': ratio('answer-rate', totals.answered, totals.inbound),
    'service-level': ratio('service-level', totals.answered_in_15s, totals.human_requests),
    'in-time-rate': ratio('in-time-rate', totals.answered_in_15s, totals.answered),
    waiting: plain(
      'waiting',
      sum(queues, (queue) => queue.waiting),
    ),
    'longest-wait': plain(
      'longest-wait',
      queues.reduce((longest, queue) => Math.max(longest, queue.longest_wait_ms), 0),
    ),
    'ready-seats': {
      ...plain('ready-seats', seats.filter(isReady).length),
      bottom: seats.filter(isStaffed).length,
    },
    talking: plain('talking', seats.filter(isTalking).length),
    abandoned: ratio('abandoned', totals.abandoned, totals.human_requests),
    participation: ratio('participation', totals.survey_answered, totals.survey_offered),
    satisfaction: ratio('satisfaction', totals.satisfied, totals.survey_answered),
    'called-back': ratio('called-back', missed?.tried_in_time ?? 0, missed?.listed ?? 0),
  }
}
