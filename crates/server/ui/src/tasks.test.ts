import { describe, expect, it } from 'vitest'
import type { Happened } from './events'
import { canTake, changesTasks, isMine, numberToCall, reasonToSend, restsFor, typedNumber, wayToCall } from './tasks'
import type { TaskRow } from './words'

const row: TaskRow = {
  task: 17,
  kind: 'missed-call',
  number: '138****8000',
  opened_at: 1_000,
  due_at: 1_801_000,
  late: false,
  missed: 2,
  missed_at: 61_000,
  missed_call: 5,
  missed_as: 'abandoned',
  queue: 'general',
  note: null,
  added_by: null,
  state: 'open',
  seat: null,
  taken_by: null,
  taken_until: null,
  trying: null,
  attempts: 0,
  first_try_at: null,
  last_try_at: null,
  last_result: null,
  not_before: null,
  ended_at: null,
  end: null,
  ended_by: null,
  reason: null,
  result: null,
  score: null,
  remark: null,
  result_at: null,
  result_by: null,
}
const mine: TaskRow = { ...row, state: 'taken', seat: '1001' }

describe('a task', () => {
  it('is taken by a seat, once its rest is over', () => {
    expect(canTake(row, '1001', 0)).toBe(true)
    expect(canTake(row, null, 0)).toBe(false)
    expect(canTake(mine, '1001', 0)).toBe(false)
    const rests = { ...row, not_before: 5_000 }
    expect(canTake(rests, '1001', 4_999)).toBe(false)
    expect(restsFor(rests, 4_000)).toBe(1_000)
    expect(canTake(rests, '1001', 5_000)).toBe(true)
  })

  it('is called only by whom it belongs to, and never by its masked number', () => {
    expect(isMine(mine, '1001')).toBe(true)
    expect(isMine(mine, '1002')).toBe(false)
    expect(isMine(mine, null)).toBe(false)
    const story = { ...mine, last_talk: null, may_answer: false }
    expect(numberToCall(story, '1001')).toBeNull()
    expect(numberToCall({ ...story, number: '13800138000' }, '1001')).toBe('13800138000')
    expect(numberToCall({ ...story, number: '13800138000' }, '1002')).toBeNull()
  })

  it('is called by the page where its phone is idle', () => {
    expect(wayToCall({ line: 'ready', stage: 'idle' })).toBe('page')
    expect(wayToCall({ line: 'ready', stage: 'talking' })).toBe('engine')
    expect(wayToCall({ line: 'off', stage: 'idle' })).toBe('engine')
  })
})

describe('what is typed', () => {
  it('is a reason, not nothing and not a book', () => {
    expect(reasonToSend(' 空号 ')).toBe('空号')
    expect(reasonToSend('  ')).toBeNull()
    expect(reasonToSend('字'.repeat(500))).not.toBeNull()
    expect(reasonToSend('字'.repeat(501))).toBeNull()
  })

  it('is a number', () => {
    expect(typedNumber('138 0013-8000')).toBe('13800138000')
    expect(typedNumber('1234')).toBeNull()
    expect(typedNumber('zhang')).toBeNull()
  })
})

it('the list changes with tasks and calls', () => {
  const event = (type: string) => ({ type }) as Happened
  expect(changesTasks(event('task-taken'))).toBe(true)
  expect(changesTasks(event('call-ended'))).toBe(true)
  expect(changesTasks(event('seat-changed'))).toBe(false)
})
