import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeAnswer, wholeCoverage } from '../fake.ts'
import { weir } from '../run.fake.ts'

const common = {
  time: '2026-08-21T12:00:00.000000000Z',
  node: 'alpha',
  count: 1,
  protocol: 'tcp',
  src_address: '192.0.2.10',
  src_port: 51_044,
  dst_address: '203.0.113.7',
  dst_port: 443,
  src_process: 'curl',
  src_pid: 31_022,
}
const events = [
  { ...common, kind: 'connection', phase: 'attempt', result: 'refused', errno: 'ECONNREFUSED' },
  { ...common, kind: 'drop', count: 231, reason: 'NETFILTER_DROP', location: 'nf_hook_slow+0x4' },
  {
    ...common,
    kind: 'reset',
    direction: 'received',
    state: 'established',
    reason: 'evil\u001b]0;x',
  },
]

const answer: FakeAnswer = ({ pathname }) => {
  if (pathname === '/api/events/top') {
    const { src_address, dst_address, dst_port, protocol } = common
    const ends = { src_address, dst_address, dst_port, protocol }
    const sums = { events: 3, count: 231, bytes: 231 * 60, first: common.time, last: common.time }
    const row = { reason: 'NETFILTER_DROP', location: 'nf_hook_slow+0x4', ...ends, ...sums }
    const totals = { groups: 30, events: 40, count: 400, bytes: 30_000 }
    return { body: { rows: [row], next: null, totals, coverage: wholeCoverage } }
  }
  return { body: { rows: events, next: null, coverage: wholeCoverage } }
}

test('events of all kinds are one list: when, what in words, between whom', async () => {
  const { out, err, asked } = await weir(
    'events --kind connection --kind drop --for 5m',
    answer,
    100,
  )
  const [head, ...lines] = out.trimEnd().split('\n')
  assert.match(head ?? '', /^AGO +KIND +COUNT +WHAT +SOURCE +DESTINATION/)
  assert.match(lines[0] ?? '', /^1 s +connection +1 +attempt refused ECONN/)
  assert.match(lines[1] ?? '', /drop +231 +NETFILTER_DROP/)
  assert.ok(!out.includes('\u001b'))
  assert.equal(err, '3 rows · last 5 min · coverage 100 %\n')
  assert.deepEqual(asked[0]?.searchParams.getAll('kind'), ['connection', 'drop'])
  assert.equal(asked[0]?.pathname, '/api/events')
})

test('an event whose result is its phase reads once: closed, not closed closed', async () => {
  const closed = { ...common, kind: 'connection', phase: 'closed', result: 'closed', errno: '' }
  const body = { rows: [closed], next: null, coverage: wholeCoverage }
  const { out } = await weir('events', () => ({ body }), 100)
  assert.match(out, / connection +1 +closed +curl/)
})

test('events for a program have the names of the fields', async () => {
  const { out } = await weir('events -o ndjson', answer)
  assert.deepEqual(JSON.parse(out.split('\n')[1] ?? '')['reason'], 'NETFILTER_DROP')
  const csv = await weir('events -o csv', answer)
  assert.match(csv.out, /^time,start,end,node,kind,phase,/)
})

test('a kind that is none and a field that events have not are refused', async () => {
  const kind = await weir('events --kind drp', answer)
  assert.equal(kind.exitCode, 64)
  assert.match(kind.err, /drop/)
  const field = await weir('events --rtt-ns 5', answer)
  assert.equal(field.exitCode, 64)
})

test('drops are lines of reason, place and ends, with the sum of all', async () => {
  const { out, err, asked } = await weir('drops --for 5m --dst-port 443', answer, 140)
  const [head, line] = out.split('\n')
  assert.match(head ?? '', /^LAST +COUNT +SIZE +REASON +WHERE +SOURCE +DESTINATION +PORT +PROTO/)
  assert.match(
    line ?? '',
    /^1 s +231 +13\.9 kB +NETFILTER_DROP +nf_hook_slow\+0x4 +192\.0\.2\.10 +203/,
  )
  assert.match(
    err,
    /^400 packets dropped · last 5 min · coverage 100 %\n1 of 30 lines; --limit shows more\nNETFILTER_DROP: A firewall rule dropped it\. .*\n {2}weir drops .*\n {2}nft list ruleset\n {2}.*\n$/,
  )
  const query = asked[0]?.searchParams
  assert.deepEqual([query?.get('kind'), query?.get('dst_port')], ['drop', '443'])
  const json = JSON.parse((await weir('drops -o json', answer)).out)
  assert.equal(json.rows[0].count, 231)
  assert.equal(json.totals.count, 400)
})

test('each line of drops says what its reason means, where there is room for it', async () => {
  const { out } = await weir('drops --by reason', answer, 120)
  const [head, line] = out.split('\n')
  assert.match(head ?? '', /REASON +WHAT IT MEANS/)
  assert.match(line ?? '', /NETFILTER_DROP +A firewall rule dropped it: nft list ruleset/)
  const narrow = await weir('drops --by reason', answer, 30)
  assert.ok(narrow.out.includes('NETFILTER_DROP') && !narrow.out.includes('WHAT IT MEANS'))
})

test('no drop is no good news where no node runs the probe', async () => {
  const none: FakeAnswer = ({ pathname }) => {
    const totals = { groups: 0, events: 0, count: 0, bytes: 0 }
    const failed = { node: 'alpha', probe: 'drop', state: 'failed' }
    const rows = pathname === '/api/programs' ? [failed] : []
    return { body: { rows, next: null, totals, coverage: wholeCoverage } }
  }
  const { out, err } = await weir('drops', none)
  assert.equal(out, '')
  assert.match(err, /^0 packets dropped .*\nno node ran the probe drop in this time: weir programs/)
})

test('a kind that no probe fills is no quiet network', async () => {
  const { err } = await weir('events --kind dns', answer)
  assert.match(err, /no probe fills the kind dns yet/)
  const filled = await weir('events --kind drop', answer)
  assert.doesNotMatch(filled.err, /no probe/)
})

test('no packet is no quiet network when no agent reports packets', async () => {
  const empty = { rows: [], next: null, coverage: wholeCoverage }
  const answer = (url: URL) => {
    if (url.pathname !== '/api/programs') return { body: empty }
    const state = url.searchParams.get('probe') === 'drop' ? 'ready' : 'off'
    return { body: { ...empty, rows: [{ state }] } }
  }
  const said = async (line: string) => (await weir(line, answer)).err
  assert.match(
    await said('events --kind packet'),
    /\nno agent reported packets in this time: weir up --xdp/,
  )
  assert.doesNotMatch(await said('events --kind drop'), /in this time/)
  assert.doesNotMatch(await said('events --kind packet --kind connection'), /in this time/)
})
