import { describe, expect, it } from 'vitest'
import { type Guest, QUIET, type Talk, consulted, fold, foldInto, inThreeWay, numberTyped, outsideNumber } from './talk'

const after = (...events: { type: string; party?: string }[]): Talk => events.reduce(fold, QUIET)
const began = { type: 'card-entry-began' }

describe('a talk', () => {
  it('knows what is switched, and forgets it with the talk', () => {
    const switched = after({ type: 'card-entry-began' }, { type: 'recording-paused' })
    expect([switched.cardEntry, switched.recordingPaused]).toEqual([true, true])
    const back = [{ type: 'card-entry-ended' }, { type: 'recording-resumed' }].reduce(fold, switched)
    expect([back.cardEntry, back.recordingPaused]).toEqual([false, false])
    expect(fold(switched, { type: 'talk-ended' })).toBe(QUIET)
    expect(after({ type: 'party-silent', party: 'caller' }).callerSilent).toBe(true)
    expect(after({ type: 'party-silent', party: 'agent' })).toBe(QUIET)
  })
})

describe('the guests of a talk', () => {
  const guest = (seat: string, mode: Guest['mode'], asked: boolean): Guest => ({
    seat,
    mode,
    joined: true,
    asked,
  })

  it('tell of a consultation and that it was merged', () => {
    const consult = [guest('1009', 'monitor', false), guest('1002', 'consult', true)]
    expect([consulted(consult)?.seat, inThreeWay(consult)]).toEqual(['1002', undefined])
    const merged = [guest('1009', 'barge', false), guest('outside:138****8000', 'barge', true)]
    expect([consulted(merged), inThreeWay(merged)?.seat]).toEqual([undefined, 'outside:138****8000'])
  })

  it('are called by what looks like a number', () => {
    expect([numberTyped('0635-826 1234'), numberTyped('110'), numberTyped('+8653112345')]).toEqual([
      '06358261234',
      '110',
      '+8653112345',
    ])
    expect([numberTyped('12'), numberTyped('张'), numberTyped('')]).toEqual([null, null, null])
  })

  it('may be numbers outside', () => {
    expect([outsideNumber('1002'), outsideNumber('outside:***')]).toEqual([null, '***'])
  })
})

describe('all talks', () => {
  it('are the same object while nothing about them changes, and keep no ended call', () => {
    const none: ReadonlyMap<number, Talk> = new Map()
    expect(foldInto(none, { type: 'seat-changed' })).toBe(none)
    expect(foldInto(none, { type: 'talk-started', call: 7 })).toBe(none)
    const one = foldInto(none, { ...began, call: 7 })
    expect([none.size, one.get(7)?.cardEntry]).toEqual([0, true])
    expect(foldInto(one, { ...began, call: null })).toBe(one)
    expect(foldInto(one, { type: 'call-ended', call: 7 }).size).toBe(0)
    expect(foldInto(one, { type: 'dial-ended', call: 7 }).size).toBe(0)
  })
})
