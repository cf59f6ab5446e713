// Conditions reach the indexes of the table: what is looked up is found without reading everything.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Session } from 'chdb'
import { flowTable, parseFilter } from '../../wire/mod.ts'
import { createTableSql } from '../schema/table-sql.ts'
import { literal } from '../worker/set-statement.ts'
import type { Binder } from './binder.ts'
import { filterSql } from './filter-sql.ts'

const session = new Session()
after(() => session.close())

/** Values as literals: how they are bound is the worker's test. */
const inlineBinder: Binder = {
  params: {},
  bind: (type, value) => `CAST(${literal(String(value))}, '${type}')`,
  bindTime: (ns) => `fromUnixTimestamp64Nano(toInt64(${ns}), 'UTC')`,
}

test('looking up an address or a pid uses its index, and reads a part of the rows', () => {
  session.query(createTableSql(flowTable))
  const address =
    "toIPv6(concat('10.1.', toString(intDiv(number, 256) % 256), '.', toString(number % 256)))"
  session.query(`INSERT INTO flows (time, src_pid, dst_pid, src_address)
SELECT now64(9), number, number + 1000000, ${address} FROM numbers(200000)`)
  for (const [text, ...indexes] of [
    ['src_address = 10.1.2.3', 'seek_src_address'],
    ['address in (10.1.2.3, 2001:db8::1)', 'seek_src_address', 'seek_dst_address'],
    ['src_pid = 4242 and bytes > 0', 'seek_src_pid'],
    ['pid = 4242', 'seek_src_pid', 'seek_dst_pid'],
  ] as const) {
    const filter = parseFilter(text, { table: flowTable, nowNs: 0n })
    const where = filterSql(inlineBinder, filter)
    const plan = session.query(`EXPLAIN indexes = 1 SELECT count() FROM flows AS f WHERE ${where}`)
    for (const index of indexes) assert.ok(plan.includes(index), `${text}: ${plan}`)
    const [, read, all] = [...plan.matchAll(/Granules: (\d+)\/(\d+)/g)].at(-1) ?? []
    assert.ok(Number(read) < Number(all), `${text}: ${read} of ${all} granules`)
  }
})
