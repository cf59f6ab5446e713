// docs/how-to/questions.md: every address that the page names is answered, every filter of its commands is one.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { eventTable, flowTable, parseFilter } from '../wire/mod.ts'
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
  const { body } = await river.ask(url.replace('from=-2m', 'from=-30m'))
  const open = rowsOf(knownFlows()).filter(
    (row) => row['dst_address'] === '192.168.0.2' && row['state'] === 'established',
  )
  const ids = new Set(open.map((row) => row['connection_id']))
  assert.ok(ids.size > 0)
  assert.equal(body.totals.connections, ids.size)
})
