import { expect, test } from 'vitest'
import { countKinds, isSecret, shownValue } from './settings'

test('items are counted by what became of them', () => {
  const item = (kind: 'added' | 'removed' | 'changed') => ({ file: 'f', item: 'i', kind })
  expect(countKinds([item('added'), item('changed'), item('changed')])).toEqual({
    added: 1,
    removed: 0,
    changed: 2,
  })
})

test('a text is shown without its quotes, and nothing where nothing was', () => {
  expect(shownValue('"综合"')).toBe('综合')
  expect(shownValue('["a", "b"]')).toBe('["a", "b"]')
  expect(shownValue(undefined)).toBeNull()
})

test('a key without values is a secret', () => {
  expect(isSecret({ key: 'password' })).toBe(true)
  expect(isSecret({ key: 'weight', is: '2' })).toBe(false)
})
