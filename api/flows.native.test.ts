// GET /api/flows over the real engine: every answer is compared with what plain TypeScript makes of the
// same rows.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { appendRow, createBatch, flowTable, type JsonValue, type Row } from '../wire/mod.ts'
import { type RowsAnswer, rowsAnswer } from './contract/mod.ts'
import { assertOrdered, type Parameters, range, startKnownRiver } from './known-river.fake.ts'
import { endNs, hostileNames, knownFlows, nowNs, rowsOf } from './known-rows.fake.ts'

const rows = rowsOf(knownFlows())
const ajv = new Ajv({ strict: false, formats: { 'date-time': true } })

let river: Awaited<ReturnType<typeof startKnownRiver>>
before(async () => {
  river = await startKnownRiver()
})
after(() => river?.stop())

/** A page without the order of equal keys: rows as texts, sorted. */
function bag(some: readonly Row[]): string[] {
  return some
    .map((row) => JSON.stringify(Object.entries(withoutDerived(row)).toSorted()))
    .toSorted()
}

function withoutDerived(row: Row): Row {
  const { community_id: _, ...rest } = row
  return rest
}

async function flows(parameters: Parameters): Promise<readonly Row[]> {
  const answer = await river.get<RowsAnswer>('/api/flows', {
    ...range,
    limit: 10_000,
    ...parameters,
  })
  assert.equal(answer.next, null)
  return answer.rows
}

/** The API's rows are those of `keep`, all of them and no others. */
async function same(parameters: Parameters, keep: (row: Row) => boolean): Promise<void> {
  const wanted = rows.filter(keep)
  assert.ok(wanted.length > 0 && wanted.length < rows.length, 'the test must tell rows apart')
  assert.deepEqual(bag(await flows(parameters)), bag(wanted), JSON.stringify(parameters))
}

test('every field of every row comes back as it was sent', async () => {
  const answer = await river.get<RowsAnswer>('/api/flows', { ...range, limit: 10_000 })
  assert.deepEqual(bag(answer.rows), bag(rows))
  assert.ok(ajv.validate(rowsAnswer, answer), ajv.errorsText())
  assert.match(String(answer.rows[0]?.['community_id']), /^1:[A-Za-z0-9+/]{27}=$/)
})

test('equality, repeated values, either end, CIDR', async () => {
  await same({ dst_port: 443 }, (row) => row['dst_port'] === 443)
  await same({ dst_port: ['443', '80'] }, (row) => row['dst_port'] !== 5432)
  await same({ process: 'nginx' }, (row) =>
    [row['src_process'], row['dst_process']].includes('nginx'),
  )
  await same({ pid: '105' }, (row) => row['src_pid'] === 105 || row['dst_pid'] === 105)
  await same(
    { connection_id: '18446744073709000017' },
    (row) => row['connection_id'] === '18446744073709000017',
  )
  await same({ direction_known: 'true' }, (row) => row['direction_known'] === true)
  await same({ src_uid: 1000 }, (row) => row['src_uid'] === 1000)
  await same(
    { errno: '', node: 'node-b' },
    (row) => row['errno'] === '' && row['node'] === 'node-b',
  )
  await same({ src_address: '10.1.2.0/24' }, (row) => `${row['src_address']}`.startsWith('10.1.2.'))
  await same({ address: '0.0.0.0/0' }, (row) => !`${row['src_address']}`.includes(':'))
  await same({ address: '192.168.0.2' }, (row) => row['dst_address'] === '192.168.0.2')
  await same({ dst_address: '2001:db8::/32' }, (row) => `${row['dst_address']}`.includes(':'))
  await same({ src_address: ['2001:0db8::4:0:0:1', '10.1.1.79/31'] }, (row) =>
    ['2001:db8::4:0:0:1', '10.1.1.78', '10.1.1.79'].includes(`${row['src_address']}`),
  )
  await same({ time: `${rows[40]?.['time']}` }, (row) => row['time'] === rows[40]?.['time'])
})

test('hostile names are values, never SQL', async () => {
  for (const name of hostileNames) {
    await same({ src_process: name }, (row) => row['src_process'] === name)
    assert.deepEqual(await flows({ src_unit: `${name}x` }), [])
  }
  const [first] = await river.read('SELECT count() AS n FROM flows')
  assert.equal(first?.['n'], rows.length)
})

test('the range holds its begin and not its end', async () => {
  const [from, to] = [rows[70]?.['time'], rows[140]?.['time']].map(String) as [string, string]
  await same({ from, to }, (row) => `${row['time']}` >= from && `${row['time']}` < to)
})

for (const order of [
  '-time',
  'time',
  '-bytes',
  'rtt_ns',
  '-rtt_ns',
  'src_address',
  '-src_process',
  'start',
  'connection_id',
  '-community_id',
  'direction_known',
]) {
  test(`pages by ${order} hold every row once and in order`, async () => {
    const pages: Row[][] = []
    let next: string | null = null
    do {
      const cursor: Parameters = next === null ? {} : { cursor: next }
      const answer = await river.get<RowsAnswer>('/api/flows', {
        ...range,
        order,
        limit: 97,
        ...cursor,
      })
      pages.push(answer.rows as Row[])
      next = answer.next
    } while (next !== null && pages.length < 20)
    assert.equal(pages.length, Math.ceil(rows.length / 97))
    assert.deepEqual(bag(pages.flat()), bag(rows))
    if (order.endsWith('address')) return // The engine orders octets, not texts.
    const values = pages.flat().map((row) => row[order.replace('-', '')] as JsonValue)
    assertOrdered(values, order.startsWith('-'))
  })
}

test('rows that arrive between two pages neither repeat nor hide another', async () => {
  const first = await river.get<RowsAnswer>('/api/flows', { from: range.from, limit: 100 })
  const late = createBatch(flowTable, 2)
  for (const time of [endNs - 1n, nowNs + 5n]) appendRow(late, { time, node: 'late' })
  await river.insert(late, 'flows')
  const cursor = first.next as string
  const rest = await river.get<RowsAnswer>('/api/flows', {
    from: range.from,
    limit: 10_000,
    cursor,
  })
  assert.deepEqual(bag([...first.rows, ...rest.rows]), bag(rows))
})
