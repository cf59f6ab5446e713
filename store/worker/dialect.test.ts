// The dialect without an engine: what a request asks for, and literals that nothing can break out of.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../../common/any-text.fake.ts'
import { insertTarget, readRequest } from './dialect.ts'
import { createLane } from './lane.ts'
import { literal, quoted, setStatement } from './set-statement.ts'

test('settings, parameters and the interface’s own names are told apart', () => {
  const search = new URLSearchParams(
    'query=SELECT+1&query_id=q&default_format=JSON&param_x=1&max_threads=2&wait_end_of_query=1&database=default',
  )
  const { sql, format, queryId, params, settings } = readRequest(search)
  assert.deepEqual([sql, format, queryId], ['SELECT 1', 'JSON', 'q'])
  assert.deepEqual([...params], [['x', '1']])
  assert.deepEqual([...settings], [['max_threads', '2']])
})

test('only an insert whose rows are in the body has a target', () => {
  assert.deepEqual(insertTarget('INSERT INTO flows FORMAT Native'), {
    table: 'flows',
    columns: undefined,
    format: 'Native',
  })
  assert.deepEqual(insertTarget(' insert  into table `t`\nformat JSONEachRow\n'), {
    table: 't',
    columns: undefined,
    format: 'JSONEachRow',
  })
  assert.deepEqual(insertTarget('INSERT INTO t (`a`, b ,`c`) FORMAT Native')?.columns, [
    'a',
    'b',
    'c',
  ])
  for (const sql of [
    'INSERT INTO flows (a, b FORMAT Native',
    'INSERT INTO flows (a) SELECT 1 FROM (b) FORMAT Native',
    'INSERT INTO flows SELECT 1',
    'INSERT INTO flows VALUES (1)',
    'SELECT 1 FORMAT Native',
    'INSERT INTO flows; DROP TABLE flows FORMAT Native',
  ]) {
    assert.equal(insertTarget(sql), undefined, sql)
  }
})

test('property: a literal ends where it should, and nowhere before', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const sql = literal(text)
      const inside = sql.slice(1, -1)
      assert.ok(!inside.includes('\0'))
      // Take the escapes away: no quote and no backslash may be left.
      assert.doesNotMatch(inside.replaceAll(/\\[\\'0]/g, ''), /['\\]/)
    }),
  )
})

test('names that are no identifiers never reach the SQL', () => {
  const none = new Map<string, string>()
  assert.throws(() => setStatement('id', new Map([['a = 1, b', '1']]), none), RangeError)
  assert.throws(() => setStatement('id', none, new Map([["x'", '1']])), RangeError)
  assert.equal(
    setStatement('id', new Map([['max_threads', '1']]), new Map([['x', "it's"]])),
    "SET log_comment = 'id', max_threads = '1', param_x = 'it\\'s'",
  )
  assert.equal(quoted('a`b'), '`a\\`b`')
})

test('a lane lets so many in, so many wait, and turns the rest away', async () => {
  const lane = createLane(2, 1)
  const [first, second] = [await lane.enter(), await lane.enter()]
  const third = lane.enter()
  assert.equal(lane.enter(), undefined)
  first?.()
  first?.()
  const leaveThird = await third
  assert.equal(lane.running(), 2)
  second?.()
  leaveThird?.()
  assert.equal(lane.running(), 0)
})
