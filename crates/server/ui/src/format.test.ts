import { describe, expect, it } from 'vitest'
import { caseNumber, duration, moment, offset, percent } from './format'

describe('percent', () => {
  it('never rounds a missed target up to the target', () => {
    expect(percent(0.94999)).toBe('94.9')
    expect(percent(0.9999)).toBe('99.9')
    expect(percent(1)).toBe('100.0')
  })
  it('is not fooled by binary fractions', () => {
    expect(percent(0.953)).toBe('95.3')
    expect(percent(0.57)).toBe('57.0')
    expect(percent(4_613 / 4_839)).toBe('95.3')
  })
  it('shows a dash where there is no denominator', () => {
    expect(percent(null)).toBe('—')
  })
})

describe('durations', () => {
  it('grow from minutes to hours', () => {
    expect(duration(7_900)).toBe('0:07')
    expect(duration(723_000)).toBe('12:03')
    expect(duration(3_723_000)).toBe('1:02:03')
  })
  it('do not go below zero when clocks disagree', () => {
    expect(duration(-5_000)).toBe('0:00')
    expect(offset(-1)).toBe('+0.0')
  })
  it('count from the arrival with tenths', () => {
    expect(offset(12_349)).toBe('+12.3')
    expect(offset(62_300)).toBe('+1:02.3')
  })
})

it('names the day only when it is not today', () => {
  const noon = new Date(2026, 10, 21, 12, 0, 5).getTime()
  expect(moment(noon, noon + 3_600_000)).toBe('12:00:05')
  expect(moment(noon, noon + 86_400_000)).toBe('2026-11-21 12:00:05')
})

it('groups a case number and leaves other texts alone', () => {
  expect(caseNumber('20261121153012000012')).toBe('20261121 153012 000012')
  expect(caseNumber('A-17')).toBe('A-17')
})
