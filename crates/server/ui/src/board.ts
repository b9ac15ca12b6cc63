// The wallboard as the pages hold it: beginnings instead of durations, and rows that stay the same
// object while nothing about them changed, so that 2,000 tiles are not drawn anew five times a second.
import type { LiveCall, QueueRow, SeatRow, Totals, TrunkRow, Wallboard, Work } from './words'

/** A seat with the moment its state began, in this browser's clock. */
export type Seat = Omit<SeatRow, 'since_ms'> & { since: number }

/** A call with the moments its stage and itself began, in this browser's clock. */
export type Call = Omit<LiveCall, 'since_ms' | 'total_ms'> & { since: number; arrived: number }

/** A queue with the moment its longest wait began, in this browser's clock; null: nobody waits. */
export type Queue = QueueRow & { waiting_since: number | null }

/** A trunk with the moment its state began, in this browser's clock. */
export type Trunk = Omit<TrunkRow, 'since_ms'> & { since: number }

export interface Board {
  /** Taken at, engine's clock. */
  at: number
  /** Received at, this browser's clock. */
  received: number
  engine: Wallboard['engine']
  totals: Totals
  queues: readonly Queue[]
  seats: readonly Seat[]
  calls: readonly Call[]
  trunks: readonly Trunk[]
  raw: Wallboard
}

/**
 * Two snapshots give slightly different beginnings for the same state, by the network's jitter.
 * Within this the older one is kept, so that a ticking duration does not stumble.
 */
const JITTER_MS = 1_500

function settle(before: number | undefined, fresh: number): number {
  return before !== undefined && Math.abs(before - fresh) < JITTER_MS ? before : fresh
}

function same<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(b) as (keyof T)[]
  return keys.length === Object.keys(a).length && keys.every((key) => a[key] === b[key])
}

function sameRows<T extends object>(a: readonly T[] | undefined, b: readonly T[]): boolean {
  return a?.length === b.length && b.every((row, at) => same(a[at] ?? {}, row))
}

function keep<T extends object>(before: T | undefined, fresh: T): T {
  return before !== undefined && same(before, fresh) ? before : fresh
}

function byKey<K, T>(rows: readonly T[] | undefined, key: (row: T) => K): Map<K, T> {
  return new Map((rows ?? []).map((row) => [key(row), row]))
}

function mergeSeat(before: Seat | undefined, row: SeatRow, received: number): Seat {
  const { since_ms, ...rest } = row
  const unchanged =
    before !== undefined &&
    before.work === row.work &&
    before.call === row.call &&
    // A wish told during a call does not begin the call anew.
    (row.work !== 'free' || (before.intent === row.intent && before.reason === row.reason))
  const since = settle(unchanged ? before.since : undefined, received - since_ms)
  return keep(before, { ...rest, since })
}

function keepWait(before: LiveCall['expected_wait'], fresh: LiveCall['expected_wait']) {
  return before && fresh ? keep(before, fresh) : (fresh ?? null)
}

function mergeCall(before: Call | undefined, row: LiveCall, received: number): Call {
  const { since_ms, total_ms, ...rest } = row
  const sameStage = before !== undefined && before.stage === row.stage
  const guests = row.guests ?? []
  return keep(before, {
    ...rest,
    guests: sameRows(before?.guests, guests) ? before?.guests : guests,
    expected_wait: keepWait(before?.expected_wait, row.expected_wait),
    since: settle(sameStage ? before.since : undefined, received - since_ms),
    arrived: settle(before?.arrived, received - total_ms),
  })
}

function mergeQueue(before: Queue | undefined, row: QueueRow, received: number): Queue {
  const since = row.waiting > 0 ? received - row.longest_wait_ms : null
  const waiting_since = since === null ? null : settle(before?.waiting_since ?? undefined, since)
  return { ...row, waiting_since }
}

function mergeTrunk(before: Trunk | undefined, row: TrunkRow, received: number): Trunk {
  const { since_ms, ...rest } = row
  const unchanged = before !== undefined && before.state === row.state
  const since = settle(unchanged ? before.since : undefined, received - since_ms)
  return keep(before, { ...rest, since })
}

/** Lays a fresh wallboard over the one before. `received` is this browser's clock, ms. */
export function mergeBoard(before: Board | null, raw: Wallboard, received: number): Board {
  const seats = byKey(before?.seats, (seat) => seat.seat)
  const calls = byKey(before?.calls, (call) => call.call)
  const queues = byKey(before?.queues, (queue) => queue.queue)
  const trunks = byKey(before?.trunks, (trunk) => trunk.trunk)
  return {
    at: raw.at,
    received,
    engine: raw.engine,
    totals: raw.totals,
    queues: raw.queues.map((row) => mergeQueue(queues.get(row.queue), row, received)),
    seats: raw.seats.map((row) => mergeSeat(seats.get(row.seat), row, received)),
    calls: raw.calls.map((row) => mergeCall(calls.get(row.call), row, received)),
    trunks: (raw.trunks ?? []).map((row) => mergeTrunk(trunks.get(row.trunk), row, received)),
    raw,
  }
}

/** What a seat looks like: its work, or when it does none, why it takes no call. */
export type SeatLook = Exclude<Work, 'free'> | 'ready' | 'not-ready' | 'logged-out' | 'offline'

export const SEAT_LOOKS: readonly SeatLook[] = [
  'ready',
  'reserved',
  'ringing',
  'talking',
  'hold',
  'wrap-up',
  'busy',
  'not-ready',
  'logged-out',
  'offline',
]

export function lookOf(seat: Pick<SeatRow, 'work' | 'device' | 'intent' | 'reason'>): SeatLook {
  if (seat.work !== 'free') return seat.work
  if (seat.device === 'unregistered') return 'offline'
  if (seat.intent === 'ready') return 'ready'
  return seat.reason === 'logged-out' ? 'logged-out' : 'not-ready'
}

/**
 * The call whose talk a seat is in: with a caller, or with whom it called outside, of which only the
 * call's line tells. Null: none.
 */
export function talkOfSeat(
  seat: Pick<Seat, 'seat' | 'work' | 'call'>,
  calls: readonly Pick<Call, 'call' | 'seat' | 'stage'>[],
): number | null {
  if (seat.work === 'talking' || seat.work === 'hold') return seat.call
  if (seat.work !== 'busy') return null
  return calls.find((one) => one.seat === seat.seat && one.stage === 'talking')?.call ?? null
}

/** One point of the live line. Null: the connection was away, and the line has a gap. */
export interface Sample {
  /** This browser's clock, ms. */
  at: number
  answer_rate: number | null
  waiting: number | null
}

/** Adds a point, not oftener than every `every` ms, and forgets those older than `keepFor` ms. */
export function addSample(
  samples: readonly Sample[],
  sample: Sample,
  every: number,
  keepFor: number,
): readonly Sample[] {
  const last = samples[samples.length - 1]
  const isGap = sample.waiting === null
  if (last !== undefined && (last.waiting === null) === isGap && sample.at - last.at < every) {
    return samples
  }
  return [...samples.filter((other) => sample.at - other.at <= keepFor), sample]
}
