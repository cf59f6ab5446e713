// The words for reasons: enough of them, whole, and a question that Weir understands.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropReasons } from './drop-reasons.ts'
import { eventTable } from './event-fields.ts'
import { fieldsByName } from './names.ts'

test('sixty reasons have a title, a meaning and three steps, in whole sentences', () => {
  assert.ok(Object.keys(dropReasons).length >= 60, `${Object.keys(dropReasons).length}`)
  for (const [name, { title, meaning, next }] of Object.entries(dropReasons)) {
    assert.match(name, /^(unknown|[A-Z][A-Z0-9_]+)$/)
    assert.ok(title.length > 5 && !title.endsWith('.'), name)
    assert.match(meaning, /\.$/, name)
    assert.match(next[0], /^weir (drops|events) /, name)
    assert.ok(next[1].length > 0, name)
    assert.match(next[2], /[.?]$/, name)
  }
})

test('titles are different, and questions group by fields of events', () => {
  const titles = Object.values(dropReasons).map(({ title }) => title)
  assert.deepEqual(new Set(titles).size, titles.length)
  const names = fieldsByName(eventTable)
  for (const [name, { next }] of Object.entries(dropReasons)) {
    const [, by] = /--by (\S+)/.exec(next[0]) ?? []
    for (const field of by?.split(',') ?? []) assert.ok(names.has(field), `${name}: ${field}`)
  }
})
