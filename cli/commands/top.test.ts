import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeAnswer, wholeCoverage } from '../fake.ts'
import { nowMs, weir } from '../run.fake.ts'

const metrics = {
  total: 30,
  bytes: 10e6,
  reverse_bytes: 20e6,
  packets: 1000,
  reverse_packets: 1000,
  retransmits: 4,
  reverse_retransmits: null,
  opened: 3,
  connections: 212,
  failed: 31,
  rtt_p50_ns: 1,
  rtt_p95_ns: 84_000,
}

const topAnswer: FakeAnswer = (url) => {
  const group = { dst_process: 'postgres', ...metrics }
  if (url.pathname === '/api/top') {
    const totals = { groups: 15, ...metrics, bytes: 11e6, failed: 40 }
    return { body: { rows: [group], next: null, totals, coverage: wholeCoverage } }
  }
  const step = (second: number, total: number) => ({
    dst_process: 'postgres',
    time: new Date(nowMs - 60_000 + second * 1000).toISOString(),
    total,
  })
  return { body: { rows: [step(0, 1), step(30, 8)], next: null, step_seconds: 3, coverage: {} } }
}

test('top shows rates, a sparkline, and what is not shown as one row', async () => {
  const { out, err, asked } = await weir('top --by dst-process --for 1m', topAnswer)
  const [head, first, rest] = out.split('\n')
  assert.match(
    head ?? '',
    /^DESTINATION {2}CONNECTIONS +SENT {2}RECEIVED +RATE {2}▁ +█ +RTT p95 {2}RETRANSMITS {2}FAILED$/,
  )
  assert.match(
    first ?? '',
    /^postgres +212 {2}10\.0 MB +20\.0 MB {2}4\.00 Mbit\/s {2}▁ +█ +84\.0 µs +0\.20 % +31$/,
  )
  assert.match(rest ?? '', /^\(other, 14\) +– +1\.00 MB +0 +133 kbit\/s +– +\S+ +9$/)
  assert.equal(err, '1 of 15 groups · last 1 min · coverage 100 %\n')
  assert.deepEqual(asked[0]?.searchParams.getAll('by'), ['dst_process'])
})

test('six minutes watched of a day are not a day, and the rate is over the six minutes', async () => {
  const coverage = { ...wholeCoverage, watched: 360 / 86_400 }
  const group = { dst_process: 'postgres', ...metrics }
  const answer: FakeAnswer = ({ pathname }) => ({
    body:
      pathname === '/api/top'
        ? { rows: [group], next: null, totals: { groups: 1, ...metrics }, coverage }
        : { rows: [], next: null, step_seconds: 3600, coverage },
  })
  const { out, err } = await weir('top --by dst_process --for 24h', answer)
  assert.equal(err, '1 of 1 group · last 24 h · coverage 100 % · watched 6 min of 24 h\n')
  assert.match(out, /667 kbit\/s/) // 30 MB in 360 s, not in 86,400
})

test('folded ports are shown as such, with the way to open them', async () => {
  const group = { dst_process: 'ftpd', dst_port: null, folded_ports: 1349, ...metrics }
  const totals = { groups: 1, folded_ports: 1349, ...metrics }
  const { out, err, asked } = await weir('top --by dst_process --by dst_port', ({ pathname }) => ({
    body:
      pathname === '/api/top'
        ? { rows: [group], next: null, totals, coverage: wholeCoverage }
        : { rows: [], next: null, step_seconds: 60, coverage: wholeCoverage },
  }))
  assert.match(out, /^DESTINATION {2}PORT .*\nftpd +:\* \(1349 ports\) /)
  assert.match(err, /\n:\* are 1 349 ephemeral ports.*; --fold none lists them\n$/)
  assert.equal(
    asked.find(({ pathname }) => pathname === '/api/top')?.searchParams.get('fold'),
    'ports',
  )
})

test('an address beside its process has a head of its own', async () => {
  const { out } = await weir('top --by dst_process,dst_address', topAnswer, 120)
  assert.match(out, /^DESTINATION {2}DESTINATION ADDRESS {2}/)
})

test('a head is never cut', async () => {
  const by = '--by dst_process_source --by src_process_source --by dst_process --by dst_port'
  for (const columns of [40, 60, 80, 120]) {
    const { out } = await weir(`top ${by}`, topAnswer, columns)
    assert.doesNotMatch(out.split('\n')[0] ?? '', /…/)
  }
})

test('what the rest of processes moved is not known, and neither is its rate', async () => {
  const { out } = await weir('top --once --rows processes', (url) => {
    if (url.pathname !== '/api/top') return { body: { rows: [], step_seconds: 1 } }
    const group = { process: 'a', ...metrics }
    return {
      body: { rows: [group], next: null, totals: { groups: 3 }, coverage: wholeCoverage },
    }
  })
  assert.match(out, /\n\(other, 2\) +– +– +– +– +– +– +–\s/)
})
