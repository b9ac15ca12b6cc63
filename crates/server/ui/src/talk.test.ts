import { describe, expect, it } from 'vitest'
import { QUIET, type Talk, consulted, fold, foldInto, inThreeWay } from './talk'

const after = (...events: { type: string; guest?: string; mode?: string }[]): Talk =>
  events.reduce(fold, QUIET)
const called = { type: 'guest-called', guest: '1009', mode: 'monitor' }

describe('a talk', () => {
  it('has a guest who is rung, joins, changes and leaves', () => {
    expect(after(called).guests).toEqual([{ seat: '1009', mode: 'monitor', joined: false, asked: false }])
    const joined = { ...called, type: 'guest-joined' }
    expect(after(called, joined).guests).toEqual([{ seat: '1009', mode: 'monitor', joined: true, asked: false }])
    const whispers = { type: 'guest-mode-changed', guest: '1009', mode: 'whisper' }
    expect(after(called, whispers).guests).toEqual([
      { seat: '1009', mode: 'whisper', joined: false, asked: false },
    ])
    expect(after(called, joined, whispers).guests[0]?.joined).toBe(true)
    expect(after(called, joined, { ...called, type: 'guest-left' }).guests).toEqual([])
  })

  it('knows a consultation and that it was merged', () => {
    const consult = after(
      { type: 'guest-called', guest: '1002', mode: 'consult' },
      { type: 'guest-joined', guest: '1002', mode: 'consult' },
    )
    expect([consulted(consult)?.seat, inThreeWay(consult)]).toEqual(['1002', undefined])
    const merged = fold(consult, { type: 'guest-mode-changed', guest: '1002', mode: 'barge' })
    expect([consulted(merged), inThreeWay(merged)?.seat]).toEqual([undefined, '1002'])
    const barged = after({ type: 'guest-joined', guest: '1009', mode: 'barge' })
    expect(inThreeWay(barged)).toBe(undefined)
  })

  it('knows what is switched, and forgets it with the talk', () => {
    const switched = after({ type: 'card-entry-began' }, { type: 'recording-paused' })
    expect([switched.cardEntry, switched.recordingPaused]).toEqual([true, true])
    const back = [{ type: 'card-entry-ended' }, { type: 'recording-resumed' }].reduce(fold, switched)
    expect([back.cardEntry, back.recordingPaused]).toEqual([false, false])
    expect(fold(switched, { type: 'talk-ended' })).toBe(QUIET)
  })

  it('is not changed by a mode that this page does not know', () => {
    expect(after({ ...called, mode: 'hypnosis' })).toBe(QUIET)
  })
})

describe('all talks', () => {
  it('are the same object while nothing about them changes, and keep no ended call', () => {
    const none: ReadonlyMap<number, Talk> = new Map()
    expect(foldInto(none, { type: 'seat-changed' })).toBe(none)
    expect(foldInto(none, { type: 'talk-started', call: 7 })).toBe(none)
    const one = foldInto(none, { ...called, call: 7 })
    expect([none.size, one.get(7)?.guests.length]).toEqual([0, 1])
    expect(foldInto(one, { ...called, call: null })).toBe(one)
    expect(foldInto(one, { type: 'call-ended', call: 7 }).size).toBe(0)
  })
})
