import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeRow } from '../fake.ts'
import { ordered } from './order.ts'
import { createRecentRows } from './recent-rows.ts'

const row = (id: string, second: number) =>
  fakeRow({ connection_id: id, time: `2026-08-21T12:00:0${second}.000000000Z` })

test('a person sees each connection once, as it was last; a program every row', () => {
  const sorted = ordered('-time', ['time'])
  const people = createRecentRows({ limit: 10, sorted, newest: true })
  const programs = createRecentRows({ limit: 10, sorted, newest: false })
  for (const recent of [people, programs]) {
    recent.add([row('1', 0), row('2', 0)])
    recent.add([row('1', 1)])
  }
  const idsOf = (recent: typeof people) => recent.rows().map((one) => one['connection_id'])
  assert.deepEqual(idsOf(people), ['1', '2'])
  assert.deepEqual(idsOf(programs), ['1', '1', '2'])
})

test('no more rows are kept than are shown, and that there were more is known', () => {
  const recent = createRecentRows({ limit: 2, sorted: ordered('-time', ['time']), newest: true })
  recent.add([row('1', 1), row('2', 2)])
  assert.equal(recent.more(), false)
  recent.add([row('3', 3)])
  assert.deepEqual(
    recent.rows().map((one) => one['connection_id']),
    ['3', '2'],
  )
  assert.equal(recent.more(), true)
})
