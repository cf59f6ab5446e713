// Steps on the real engine: whatever instant one is interrupted, doing it again ends with every row, once.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Session } from 'chdb'
import { createReporter } from '../../common/reporter/mod.ts'
import { fieldsOf, flowTable } from '../../wire/mod.ts'
import type { StoredRow } from '../reader.ts'
import { openSteps, runSteps, steps } from './migrations.ts'
import type { SchemaDoor } from './step.ts'
import { addColumnsSql, createTableSql } from './table-sql.ts'

const session = new Session()
after(() => session.close())
const reporter = createReporter('migrations', { level: 'silent' })

const door: SchemaDoor = {
  read: async (sql) => {
    const text = session.query(sql, 'JSONEachRow').trim()
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as StoredRow)
  },
  command: async (sql) => {
    session.query(sql)
  },
}

/** Flows as the first version had them: 40 rows in 4 hours of 2 days. */
async function oldFlows(): Promise<void> {
  for (const table of ['flows', 'flows_next', 'schema_steps']) {
    await door.command(`DROP TABLE IF EXISTS ${table} SYNC`)
  }
  const orderBy = 'toStartOfFiveMinutes(time), src_unit, src_process, dst_unit, dst_process, time'
  await door.command(createTableSql({ ...flowTable, fields: fieldsOf(flowTable, 1), orderBy }))
  await door.command(`INSERT INTO flows (time, node, bytes, src_netns, src_unit, src_process, connection_id)
    SELECT toDateTime64('2026-11-20 22:00:00', 9, 'UTC') + INTERVAL 6 * number MINUTE, 'a', number, number % 2,
      if(number % 4 = 1, 'nginx.service', ''), 'p', number FROM numbers(40)`)
  await door.command(addColumnsSql(flowTable))
}

async function rows(): Promise<readonly StoredRow[]> {
  return door.read(
    `SELECT count() AS rows, sum(bytes) AS bytes, uniqExact(connection_id) AS connections,
       countIf(src_workload = 'nginx.service') AS units, countIf(src_workload = 'p') AS processes,
       countIf(src_node = 'a') AS placed, countIf(counted) AS counted FROM flows`,
  )
}

const expected = {
  rows: '40',
  bytes: '780',
  connections: '40',
  units: '10',
  processes: '30',
  placed: '20',
  counted: '40',
}

/** Throws instead of running the command of that number. */
function cutAt(command: number): SchemaDoor {
  let count = 0
  return {
    read: door.read,
    command: async (sql) => {
      if (++count === command) throw new Error('interrupted')
      await door.command(sql)
    },
  }
}

test('a step that is interrupted at any command is done again from its beginning', async () => {
  let interrupted = 0
  for (let command = 1; ; command++) {
    await oldFlows()
    const open = await openSteps(door, false)
    assert.equal(open.length, steps.length)
    const isCut = await runSteps(cutAt(command), open, reporter).then(
      () => false,
      () => true,
    )
    if (isCut) {
      interrupted++
      await runSteps(door, await openSteps(door, false), reporter)
    }
    const [found] = await rows()
    const text = Object.fromEntries(Object.entries(found ?? {}).map(([k, v]) => [k, String(v)]))
    assert.deepEqual(text, expected, `command ${command}`)
    assert.deepEqual(await openSteps(door, false), [])
    if (!isCut) break
  }
  assert.ok(interrupted > 6, `${interrupted} interruptions`)
})

test('a new store needs no step', async () => {
  await door.command('DROP TABLE IF EXISTS schema_steps SYNC')
  assert.deepEqual(await openSteps(door, true), [])
  assert.deepEqual(await openSteps(door, false), [])
})
