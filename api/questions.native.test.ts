// docs/how-to/questions.md: every address that the page names is answered, every filter of its commands is one.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { rfc3339 } from '../common/mod.ts'
import { eventTable, flowTable, parseFilter, type Row } from '../wire/mod.ts'
import { startKnownRiver } from './known-river.fake.ts'
import { knownFlows, nowNs, rowsOf } from './known-rows.fake.ts'

const page = readFileSync(new URL('../docs/how-to/questions.md', import.meta.url), 'utf8')
const lines = page.split('\n').filter((line) => line.startsWith('| ') && line.includes('`/api/'))

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
})
after(() => river?.stop())

test('every question has an address that is answered', async () => {
  assert.equal(lines.length, 10)
  for (const line of lines) {
    const url = /`(\/api\/[^`]+)`/.exec(line)?.[1] as string
    const { status, text } = await river.ask(url)
    assert.equal(status, 200, `${url}: ${text.slice(0, 300)}`)
  }
})

test('every question has a command, and its filter is one', () => {
  for (const line of lines) {
    const command = /`(weir [^`]+)`/.exec(line)?.[1] as string
    const filter = /'([^']+)'/.exec(command)?.[1] ?? ''
    const table = command.startsWith('weir events') ? eventTable : flowTable
    assert.ok(parseFilter(filter, { table, nowNs }), command)
  }
})

test('the number of open connections is that of the rows', async () => {
  const line = lines.find((each) => each.includes('are open to')) as string
  const url = /`(\/api\/[^`]+)`/.exec(line)?.[1] as string
  const { body } = await river.ask(url)
  const newest = new Map<unknown, Row>()
  for (const row of rowsOf(knownFlows())) {
    if (`${row['time']}` < rfc3339(nowNs - 120_000_000_000n)) continue
    const known = newest.get(row['connection_id'])
    if (known && `${known['time']}` > `${row['time']}`) continue
    newest.set(row['connection_id'], row)
  }
  const open = [...newest.values()].filter(
    (row) => row['dst_address'] === '192.168.0.2' && row['end_reason'] === '',
  )
  assert.ok(open.length > 0)
  assert.equal(body.totals.connections, open.length)
})
