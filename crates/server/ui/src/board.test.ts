import { describe, expect, it } from 'vitest'
import { type Sample, type Seat, addSample, lookOf, mergeBoard, talkOfSeat } from './board'
import { figures, verdict } from './figures'
import type { LiveCall, QueueRow, SeatRow, Wallboard } from './words'

const seat = (change: Partial<SeatRow> = {}): SeatRow => ({
  seat: '1001',
  name: '王丽华',
  intent: 'ready',
  reason: null,
  work: 'free',
  device: 'registered',
  call: null,
  since_ms: 10_000,
  calls_today: 3,
  ...change,
})

const queue = (change: Partial<QueueRow> = {}): QueueRow => ({
  queue: 'general',
  name: '综合',
  waiting: 0,
  longest_wait_ms: 0,
  ready_seats: 1,
  talking: 0,
  staffed: 1,
  answer_rate: null,
  ...change,
})

const call = (change: Partial<LiveCall> = {}): LiveCall => ({
  call: 12,
  stage: 'waiting',
  caller: '138****5678',
  called: '12345',
  queue: 'general',
  seat: null,
  position: 1,
  since_ms: 4_000,
  total_ms: 9_000,
  ...change,
})

const wallboard = (change: Partial<Wallboard> = {}): Wallboard => ({
  at: 1_795_305_600_000,
  engine: { version: '0.1.0', up_s: 60, recording_gaps: 0, recordings_failed: 0, recording_space_low: false, recording_disk_stalled: false },
  totals: {
    window_s: 86_400,
    inbound: 100,
    answered: 94,
    answered_in_15s: 80,
    human_requests: 98,
    abandoned: 4,
    refused: 0,
    timed_out: 0,
    overflowed: 0,
    answer_rate: 0.94,
    in_time_rate: 80 / 94,
    survey_offered: 90,
    survey_answered: 0,
    satisfied: 0,
  },
  queues: [queue()],
  seats: [seat()],
  calls: [],
  ...change,
})

describe('the guests of a call', () => {
  const guest = { seat: '1009', mode: 'monitor', joined: true, asked: false } as const

  it('leave the row the same object while they are the same', () => {
    const of = (...guests: (typeof guest)[]) => wallboard({ calls: [call({ guests })] })
    const first = mergeBoard(null, of({ ...guest }), 1_000)
    const again = mergeBoard(first, of({ ...guest }), 1_000)
    expect(again.calls[0]).toBe(first.calls[0])
    const gone = mergeBoard(again, of(), 1_000)
    expect([again.calls[0]?.guests, gone.calls[0]?.guests]).toEqual([[guest], []])
  })

  it('may be absent, from an engine of before', () => {
    const board = mergeBoard(null, wallboard({ calls: [call()] }), 1_000)
    expect(board.calls[0]?.guests).toEqual([])
  })
})

describe('the talk of a seat', () => {
  const calls = [
    { call: 3, seat: '1002', stage: 'talking' },
    { call: 4, seat: '1001', stage: 'dialling' },
    { call: 5, seat: '1001', stage: 'talking' },
  ] as const
  const of = (work: Seat['work'], call: number | null) =>
    talkOfSeat({ seat: '1001', work, call }, calls)

  it('is with its caller, or with whom it called outside', () => {
    expect([of('talking', 9), of('hold', 9)]).toEqual([9, 9])
    expect([of('busy', null), of('ringing', 9), of('free', null)]).toEqual([5, null, null])
    expect(talkOfSeat({ seat: '1003', work: 'busy', call: null }, calls)).toBe(null)
  })
})

describe('a wallboard laid over the one before', () => {
  it('keeps an unchanged seat as the same object in spite of jitter', () => {
    const first = mergeBoard(null, wallboard(), 50_000)
    const second = mergeBoard(first, wallboard({ seats: [seat({ since_ms: 10_970 })] }), 51_200)
    expect(second.seats[0]).toBe(first.seats[0])
    expect(second.seats[0]?.since).toBe(40_000)
  })

  it('begins the duration anew when the state changes, however soon', () => {
    const first = mergeBoard(null, wallboard({ seats: [seat({ since_ms: 100 })] }), 50_000)
    const rings = seat({ work: 'ringing', call: 12, since_ms: 0 })
    const second = mergeBoard(first, wallboard({ seats: [rings] }), 50_400)
    expect(second.seats[0]?.since).toBe(50_400)
  })

  it('keeps the arrival of a call through its stages', () => {
    const first = mergeBoard(null, wallboard({ calls: [call()] }), 50_000)
    const talks = call({
      stage: 'talking',
      seat: '1001',
      position: null,
      since_ms: 0,
      total_ms: 10_100,
    })
    const second = mergeBoard(first, wallboard({ calls: [talks] }), 51_000)
    expect(second.calls[0]).toMatchObject({ arrived: 41_000, since: 51_000, stage: 'talking' })
  })

  it('ticks the longest wait only while somebody waits', () => {
    const waits = wallboard({ queues: [queue({ waiting: 2, longest_wait_ms: 7_000 })] })
    expect(mergeBoard(null, waits, 50_000).queues[0]?.waiting_since).toBe(43_000)
    expect(mergeBoard(null, wallboard(), 50_000).queues[0]?.waiting_since).toBeNull()
  })
})

it('tells what a seat looks like: work before device before intent', () => {
  expect(lookOf(seat())).toBe('ready')
  expect(lookOf(seat({ device: 'unregistered' }))).toBe('offline')
  expect(lookOf(seat({ device: 'unregistered', work: 'talking' }))).toBe('talking')
  expect(lookOf(seat({ intent: 'not-ready', reason: 'meal' }))).toBe('not-ready')
  expect(lookOf(seat({ intent: 'not-ready', reason: 'logged-out' }))).toBe('logged-out')
})

describe('figures', () => {
  it('are made of the counts shown beside them', () => {
    const board = wallboard({
      seats: [
        seat(),
        seat({ seat: '1002', work: 'talking' }),
        seat({ seat: '1003', device: 'unregistered' }),
        seat({ seat: '1004', intent: 'not-ready', reason: 'logged-out' }),
        seat({ seat: '1005', intent: 'not-ready', reason: 'meal' }),
      ],
    })
    const all = figures(board.totals, board.queues, board.seats)
    expect(all['answer-rate']).toMatchObject({ top: 94, bottom: 100, value: 0.94 })
    expect(all['service-level']).toMatchObject({ top: 80, bottom: 98 })
    expect(all['ready-seats']).toMatchObject({ top: 1, bottom: 3 })
    expect(all.talking.top).toBe(1)
    expect(all.satisfaction.value).toBeNull()
  })

  it('are judged against the target without kindness', () => {
    expect(verdict(0.95)).toBe('good')
    expect(verdict(0.949999)).toBe('near')
    expect(verdict(0.8999)).toBe('bad')
    expect(verdict(null)).toBe('none')
  })
})

it('the live line takes a point each two seconds, forgets old ones and shows gaps', () => {
  const at = (ms: number, waiting: number | null = 1): Sample => ({
    at: ms,
    waiting,
    answer_rate: waiting === null ? null : 0.95,
  })
  let line: readonly Sample[] = []
  for (const ms of [0, 500, 1_999, 2_000, 4_500]) line = addSample(line, at(ms), 2_000, 60_000)
  expect(line.map((sample) => sample.at)).toEqual([0, 2_000, 4_500])
  line = addSample(line, at(4_600, null), 2_000, 60_000)
  expect(line[line.length - 1]?.waiting).toBeNull()
  line = addSample(line, at(62_300), 2_000, 60_000)
  expect(line.map((sample) => sample.at)).toEqual([4_500, 4_600, 62_300])
})

describe('the trunks', () => {
  const trunk = (change: object = {}) => ({
    trunk: 'mobile',
    state: 'up' as const,
    detail: '',
    since_ms: 5_000,
    calls_in: 2,
    calls_out: 1,
    ...change,
  })

  it('keep their row while nothing changes, and begin anew with a new state', () => {
    const first = mergeBoard(null, wallboard({ trunks: [trunk()] }), 100_000)
    const second = mergeBoard(first, wallboard({ trunks: [trunk({ since_ms: 6_010 })] }), 101_000)
    expect(second.trunks[0]).toBe(first.trunks[0])
    expect(second.trunks[0]?.since).toBe(95_000)
    const down = trunk({ state: 'down', detail: 'no answer', since_ms: 0 })
    const third = mergeBoard(second, wallboard({ trunks: [down] }), 102_000)
    expect(third.trunks[0]).toMatchObject({ state: 'down', since: 102_000 })
  })

  it('are none from an engine that does not tell of them', () => {
    expect(mergeBoard(null, wallboard(), 1).trunks).toEqual([])
  })
})
