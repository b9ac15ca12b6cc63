import { describe, expect, it } from 'vitest'
import type { Happened } from './events'
import { NOTE_LONGEST, changesMessages, isPlayable, noteToSend, soundOf } from './messages'
import type { MessageRow } from './words'

const row: MessageRow = {
  id: '17-1',
  call: 17,
  message: 1,
  kind: 'voicemail',
  caller: '138****1234',
  withheld: false,
  at: 1_795_246_212_000,
  queue: 'general',
  seat: null,
  file: 'a-message-1.wav',
  ms: 12_345,
  empty: false,
  lost: false,
  ended: 'key',
  state: 'new',
  heard_at: null,
  heard_by: null,
  settled_at: null,
  settled_by: null,
  note: null,
}

describe('what there is to hear of a message', () => {
  it('is told from how it was written', () => {
    expect(soundOf(row)).toBe('whole')
    expect(soundOf({ ...row, ms: null, ended: null })).toBe('unfinished')
    expect(soundOf({ ...row, ms: 400, empty: true })).toBe('empty')
    expect(soundOf({ ...row, ms: null, lost: true })).toBe('lost')
  })

  it('is played unless there is nothing', () => {
    expect(isPlayable(row)).toBe(true)
    expect(isPlayable({ ...row, ms: 400, empty: true })).toBe(true)
    expect(isPlayable({ ...row, ms: null })).toBe(false)
    // Written half, then the disk was full: the file has no end.
    expect(isPlayable({ ...row, lost: true })).toBe(false)
  })
})

describe('a note', () => {
  it('is trimmed and may be empty', () => {
    expect(noteToSend('  已回电 ')).toBe('已回电')
    expect(noteToSend('   ')).toBe('')
  })

  it('has at most as many characters as the engine takes', () => {
    expect(noteToSend('长'.repeat(NOTE_LONGEST))).not.toBeNull()
    expect(noteToSend('长'.repeat(NOTE_LONGEST + 1))).toBeNull()
    // One character, two units of a JavaScript text.
    expect(noteToSend('𠮷'.repeat(NOTE_LONGEST))).not.toBeNull()
  })
})

it('the list is asked for again after what changes it, and only then', () => {
  const stamp = { seq: 1, at: 0, up_ms: 0, call: 17 }
  const heard: Happened = { ...stamp, type: 'message-heard', message: 1, file: 'a', by: 'lead' }
  expect(changesMessages(heard)).toBe(true)
  expect(changesMessages({ ...stamp, type: 'call-answered' })).toBe(false)
})
