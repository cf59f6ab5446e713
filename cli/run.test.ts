import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { type FakeAnswer, fakeCentral, fakeRow, fakeTerminal, wholeCoverage } from './fake.ts'
import { runCommandLine } from './run.ts'

const nowMs = Date.parse('2026-08-21T12:00:01Z')

async function weir(line: string, answer: FakeAnswer, columns?: number) {
  const central = await fakeCentral(answer)
  const terminal = fakeTerminal({ columns, now: () => nowMs })
  try {
    const args = [...line.split(' '), '--server', central.url]
    const exitCode = await runCommandLine(args, {}, terminal)
    return { exitCode, out: terminal.stdout(), err: terminal.stderr(), asked: central.asked }
  } finally {
    await central.close()
  }
}

const rows = [
  fakeRow(),
  fakeRow({
    end: '2026-08-21T12:00:00.000000000Z',
    end_reason: 'refused',
    errno: 'ECONNREFUSED',
    src_process: 'evil\u001b]0;x\u0007\u202e',
    dst_address: '2001:db8::7',
    total_bytes: 0,
    total_reverse_bytes: 0,
    rtt_ns: null,
    retransmits: null,
  }),
]

const flowsAnswer: FakeAnswer = () => ({ body: { rows, next: null, coverage: wholeCoverage } })

test('flows is a table with a line of truth beside it', async () => {
  const { exitCode, out, err } = await weir('flows', flowsAnswer)
  assert.equal(exitCode, 0)
  const [head, first, second] = out.split('\n')
  assert.match(
    head ?? '',
    /^AGO {2}NODE {3}PROCESS +SOURCE +→ {2}DESTINATION +PROTO {2}STATE +SENT {2}RECEIVED +RTT {2}RETR$/,
  )
  assert.match(
    first ?? '',
    /^1 s {2}alpha {2}curl\[31022\] +192\.0\.2\.10:51044 +203\.0\.113\.7:443 +tcp +established {2}1\.10 kB +45\.1 kB {2}12\.0 ms +0$/,
  )
  assert.match(
    second ?? '',
    /evil\\x1b\]0;x\\x07\\u\{202e\}\[31022\].*\[2001:db8::7\]:443.*refused +0 +0 +– +– {2}connect: ECONNREFUSED$/,
  )
  assert.equal(err, '2 rows · last 15m · coverage 100 %\n')
})

test('flows fits the screen', async () => {
  const { out } = await weir('flows', flowsAnswer, 80)
  for (const line of out.split('\n')) assert.ok([...line].length <= 80, line)
  assert.match(out, /PROCESS.*SOURCE.*DESTINATION.*SENT/)
})

test('every field is a flag under the name of the API', async () => {
  const { asked } = await weir(
    'flows --src-port 443 --src-port 80 --process a --limit 7 --order -rtt-ns',
    flowsAnswer,
  )
  const question = asked[0]?.searchParams
  assert.deepEqual(question?.getAll('src_port'), ['443', '80'])
  assert.deepEqual(question?.getAll('process'), ['a'])
  assert.equal(question?.get('limit'), '7')
  assert.equal(question?.get('order'), '-rtt_ns')
  assert.equal(question?.get('from'), '2026-08-21T11:45:01.000Z')
})

test('pages are joined until the limit', async () => {
  const { out, err, asked } = await weir('flows -o ndjson --limit 3', (url) => {
    const next = url.searchParams.has('cursor') ? 'c2' : 'c1'
    const page = url.searchParams.get('limit') === '1' ? rows.slice(0, 1) : rows
    return { body: { rows: page, next, coverage: wholeCoverage } }
  })
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [...rows, rows[0]],
  )
  assert.deepEqual(
    asked.map((url) => url.searchParams.get('cursor')),
    [null, 'c1'],
  )
  assert.match(err, /^3 rows, there are more: --limit · /)
})

test('json is one envelope, csv has the field names', async () => {
  const json = await weir('flows --output json', flowsAnswer)
  assert.deepEqual(JSON.parse(json.out), { rows, next: null, coverage: wholeCoverage })
  const csv = await weir('flows --output csv', flowsAnswer)
  const lines = csv.out.trimEnd().split('\n')
  assert.match(lines[0] ?? '', /^time,start,end,node,/)
  assert.equal(lines.length, 3)
  assert.ok(!csv.out.includes('\u001b'))
  const empty = await weir('flows -o csv', () => ({
    body: { rows: [], next: null, coverage: wholeCoverage },
  }))
  assert.match(empty.out, /^time,start,end,/)
})

test('a loss and a gap are named with the command that explains them', async () => {
  const gaps = [{ node: 'alpha', from: '2026-08-21T11:50:00Z', to: '2026-08-21T11:51:00Z' }]
  const coverage = { share: 0.99984, lost: { ring_full: 1212 }, gaps }
  const { err } = await weir('flows', () => ({ body: { rows, next: null, coverage } }))
  assert.equal(
    err,
    '2 rows · last 15m · coverage 99.98 % · a gap without an agent on alpha · 1 212 lost: ring_full · weir ledger\n',
  )
})

test('an error of the API is told in its own words', async () => {
  const error = {
    code: 'bad',
    message: 'unknown parameter x\u001b',
    remedy: 'did you mean y?',
    details: {},
  }
  const { exitCode, err, out } = await weir('flows', () => ({ status: 400, body: { error } }))
  assert.equal(exitCode, 64)
  assert.equal(out, '')
  assert.equal(err, 'weir: unknown parameter x\\x1b\n  did you mean y?\n')
})

test('what is not Weir is said to be something else', async () => {
  for (const body of ['<html>', '[]', 'null', '{"error":1}']) {
    const { exitCode, err } = await weir('flows', () => ({ status: 404, body }))
    assert.equal(exitCode, 76, body)
    assert.match(err, /not as Weir does/)
  }
})

test('a server that is not there: what, why, what to do', async () => {
  const central = await fakeCentral(flowsAnswer)
  await central.close()
  const terminal = fakeTerminal()
  assert.equal(await runCommandLine(['flows'], { WEIR_SERVER: central.url }, terminal), 69)
  assert.match(
    terminal.stderr(),
    /^weir: no answer from http:\/\/127\.0\.0\.1:\d+: ECONNREFUSED\n {2}start one/,
  )
})

test('flows -f shows each row once, as it comes, until Ctrl-C', async () => {
  let answers = 0
  const terminal = fakeTerminal()
  const watch = setInterval(() => {
    if (terminal.stdout().includes('"src_pid":2')) terminal.interrupt()
  }, 10)
  const central = await fakeCentral(() => {
    answers += 1
    const time = new Date().toISOString()
    const page = answers === 1 ? [fakeRow({ time, src_pid: 1 })] : [fakeRow({ src_pid: 2 })]
    return { body: { rows: page, next: null, coverage: wholeCoverage } }
  })
  try {
    const args = ['flows', '-f', '-o', 'ndjson', '--server', central.url]
    assert.equal(await runCommandLine(args, {}, terminal), 0)
  } finally {
    clearInterval(watch)
    await central.close()
  }
  const pids = terminal
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).src_pid)
  assert.deepEqual(pids, [1, 2])
  assert.match(terminal.stderr(), /^2 rows · last \d+ s · coverage 100 %\n$/)
})

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
    /^DESTINATION PROCESS {2}CONNECTIONS +SENT {2}RECEIVED +RATE +RTT p95 {2}RETRANSMITS {2}FAILED$/,
  )
  assert.match(
    first ?? '',
    /^postgres +212 {2}10\.0 MB +20\.0 MB {2}4\.00 Mbit\/s {2}▁ +█ +84\.0 µs +0\.20 % +31$/,
  )
  assert.match(rest ?? '', /^\(other, 14\) +– +1\.00 MB +0 +133 kbit\/s +– +\S+ +9$/)
  assert.equal(err, '1 of 15 groups · last 1m · coverage 100 %\n')
  assert.deepEqual(asked[0]?.searchParams.getAll('by'), ['dst_process'])
})

test('the ledger is exact', async () => {
  const row = {
    node: 'alpha',
    stage: 'hook',
    unit: 'records',
    cause: '',
    entered: 12_345_678,
    left: 12_344_466,
    filtered: 0,
    sampled: 0,
    lost: 1212,
    waiting: 0,
  }
  const { out } = await weir('ledger', () => ({
    body: { rows: [row], next: null, coverage: wholeCoverage },
  }))
  assert.match(out, /12 345 678 +12 344 466 +0 +0 +1 212 +0\n$/)
})

test('help, version and mistakes', async () => {
  for (const [args, exitCode, words] of [
    [[], 0, /Try:\n {2}weir up/],
    [['--version'], 0, /^weir \d+\.\d+\.\d+\n$/],
    [['flows', '--bad', '--help'], 0, /--src-port VALUE/],
    [['flwos'], 64, /unknown command flwos; did you mean flows\?\n {2}weir --help/],
    [
      ['flows', '--src-prot', '443'],
      64,
      /weir: unknown option --src-prot; did you mean --src-port\?/,
    ],
    [['--bad'], 64, /unknown command --bad/],
    [['top', '--by', 'dst_proces'], 64, /no field of this name\n {2}The nearest: dst-process, /],
    [['flows', '--from', 'yesterday'], 64, /--from yesterday: expected RFC 3339/],
    [['flows', '--from', '-5m', '--to', '-10m'], 64, /a time before/],
    [['flows', '-f', '-o', 'json'], 64, /ndjson with --follow/],
    [['flows', '--local', '--state', 'bogus'], 64, /--state: "bogus" is not known/],
    [['flows', '--local', '--from', '-5m'], 64, /--from -5m: expected either it or --local/],
    [['central', '--listen', '0.0.0.0:8080'], 77, /refusing to listen on 0\.0\.0\.0:8080/],
    [['central', '--ingest', 'x'], 64, /unix or ADDR:PORT/],
    [['flows', '--server', 'ftp://x'], 64, /http:\/\/ADDR:PORT/],
  ] as const) {
    const terminal = fakeTerminal()
    assert.equal(await runCommandLine(args, {}, terminal), exitCode, args.join(' '))
    assert.match(terminal.stdout() + terminal.stderr(), words)
    assert.doesNotMatch(terminal.stderr(), /\n {4}at /)
  }
})

test('a value that no row can have is refused before anything is asked: 0 rows would look like calm', async () => {
  for (const [line, words] of [
    [
      'flows --protocol udp',
      /--protocol: "udp" is not measured\n {2}Weir measures TCP only so far\./,
    ],
    [
      'flows --end-reason refuse',
      /--end-reason: "refuse" is not known\n {2}Did you mean refused\?/,
    ],
    ['top --state bogus', /--state: "bogus" is not known\n {2}One of: established, /],
    [
      'flows --src-process shop-*',
      /--src-process: "shop-\*" is a pattern.*\n.*--src-process nginx/,
    ],
    ['flows --dst-port abc', /--dst-port: "abc" is no whole number\n.*For example --dst-port 443/],
    ['flows --netns /nowhere', /--netns \/nowhere: expected a number, or a path that exists/],
    ['ledger --stage hok', /--stage: "hok" is not known\n {2}Did you mean hook\?/],
    ['flows --order -rtt', /--order -rtt: .*\n {2}The nearest: -rtt-ns, -rtt-min-ns, -\S+\.\n$/],
    ['top --order -rtt', /--order -rtt: .*\n {2}The nearest: -rtt-p50-ns, -rtt-p95-ns, -\S+\.\n$/],
  ] as const) {
    const { exitCode, out, err, asked } = await weir(line, flowsAnswer)
    assert.equal(exitCode, 64, line)
    assert.match(err, words)
    assert.equal(out, '')
    assert.equal(asked.length, 0)
  }
})

test('--netns takes a path and asks for its inode', async () => {
  const { asked } = await weir('flows --netns /proc/self/ns/net', flowsAnswer)
  const { ino } = statSync('/proc/self/ns/net')
  assert.deepEqual(asked[0]?.searchParams.getAll('netns'), [String(ino)])
})

test('a fault that the API found names the flag, not the parameter', async () => {
  const details = { parameter: 'start', reason: '"x" is no time', hint: '' }
  const error = { code: 'bad_parameter', message: 'start: "x" is no time', remedy: 'r', details }
  const { err } = await weir('flows --start x', () => ({ status: 400, body: { error } }))
  assert.equal(err, 'weir: --start: "x" is no time\n  r\n')
})

test('--debug shows the stack', async () => {
  const terminal = fakeTerminal()
  await runCommandLine(['flows', '--from', 'x', '--debug'], {}, terminal)
  assert.match(terminal.stderr(), /\n {4}at /)
})
