import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fakeCentral, fakeTerminal, wholeCoverage } from './fake.ts'
import { flowsAnswer, rows, weir } from './run.fake.ts'
import { runCommandLine } from './run.ts'
import { tellRunning } from './source/running.ts'

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
  const coverage = { share: 0.99984, watched: 1, lost: { ring_full: 1212 }, gaps }
  const { err } = await weir('flows', () => ({ body: { rows, next: null, coverage } }))
  assert.equal(
    err,
    '2 rows · last 15 min · coverage 99.98 % · a gap unwatched on alpha · 1 212 lost: ring_full · weir ledger\n',
  )
})

test('on a screen the line of truth breaks between its parts, not in a word', async () => {
  const coverage = { share: 0.5, watched: 0.1, lost: { ring_full: 1212 }, gaps: [] }
  const body = { rows, next: null, coverage }
  const central = await fakeCentral(() => ({ body }))
  const terminal = fakeTerminal({ progress: true, columns: 40 })
  try {
    assert.equal(await runCommandLine(['flows', '--server', central.url], {}, terminal), 0)
  } finally {
    await central.close()
  }
  assert.equal(
    terminal.stderr(),
    '2 rows · last 15 min · coverage 50.00 %\nwatched 1 min of 15 min\n1 212 lost: ring_full · weir ledger\n',
  )
})

test('an error of the API is shown in its own words', async () => {
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

test('a running central is found without being named, the last started first', async () => {
  const central = await fakeCentral(flowsAnswer)
  const folder = mkdtempSync(join(tmpdir(), 'weir-found-'))
  try {
    tellRunning([folder], 'central', { url: central.url, ports: [] })
    const terminal = fakeTerminal({ runtimeFolders: [folder] })
    assert.equal(await runCommandLine(['flows'], {}, terminal), 0)
    assert.equal(central.asked.length, 1)
    const elsewhere = { WEIR_SERVER: 'http://127.0.0.1:1' }
    assert.equal(await runCommandLine(['flows'], elsewhere, fakeTerminal({ ...terminal })), 69)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await central.close()
  }
})

test('help, version and mistakes', async () => {
  for (const [args, exitCode, words] of [
    [
      [],
      0,
      /Try:\n {2}(?:sudo )?weir up {2}.*\n {2}(?:sudo )?weir flows --local {2}.*\n {2}.*doctor/,
    ],
    [['help'], 0, /Usage: weir COMMAND[\s\S]*\n {2}central /],
    [['help', 'flows'], 0, /^weir flows: [\s\S]*--src-port VALUE/],
    [['help', 'flwos'], 64, /did you mean flows\?/],
    [['-v'], 0, /^weir \d+\.\d+\.\d+\n$/],
    [['sidecar', '--version'], 0, /^weir \d+/],
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
    [['flows', '--from', 'yesterday'], 64, /--from yesterday: expected a time: -15m, now, 14:00/],
    [['flows', '--from', '-5m', '--to', '-10m'], 64, /a time before/],
    [['flows', '-f', '-o', 'json'], 64, /ndjson with --follow/],
    [
      ['flows', '--local', '--protocol', 'udp'],
      64,
      /"udp" is not measured\n {2}In sockets Weir measures/,
    ],
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
    ['flows --protocol UDP', /--protocol: "UDP" is not known\n {2}Did you mean udp\?/],
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

test('a fault that the API found names the flag, not the parameter', async () => {
  const details = { parameter: 'start', reason: '"x" is no time', hint: '' }
  const error = { code: 'bad_parameter', message: 'start: "x" is no time', remedy: 'r', details }
  const { err } = await weir('flows --start x', () => ({ status: 400, body: { error } }))
  assert.equal(err, 'weir: --start: "x" is no time\n  r\n')
})

test('of several running centrals one is asked to the end, and said once', async () => {
  const first = await fakeCentral(flowsAnswer)
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'weir-found-')))
  try {
    for (const folder of folders) tellRunning([folder], 'central', { url: first.url, ports: [] })
    const terminal = fakeTerminal({ runtimeFolders: folders })
    assert.equal(await runCommandLine(['flows', '-f', '-n', '1'], {}, terminal), 0)
    assert.equal(terminal.stderr().split('several centrals').length, 2)
    const mistaken = fakeTerminal({ runtimeFolders: folders })
    assert.equal(await runCommandLine(['flows', '--from', 'x'], {}, mistaken), 64)
    assert.match(mistaken.stderr(), /^weir: --from x/)
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    await first.close()
  }
})

test('with a running central the first examples ask it, typed as this shell finds weir', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-found-'))
  try {
    tellRunning([folder], 'central', { url: 'http://127.0.0.1:8181', ports: [] })
    const terminal = fakeTerminal({ runtimeFolders: [folder], program: 'bin/weir', columns: 80 })
    assert.equal(await runCommandLine([], {}, terminal), 0)
    assert.match(terminal.stdout(), /Try:\n {2}bin\/weir flows -f /)
    for (const line of terminal.stdout().split('\n')) assert.ok(line.length <= 80, line)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('--debug shows the stack', async () => {
  const terminal = fakeTerminal()
  await runCommandLine(['flows', '--from', 'x', '--debug'], {}, terminal)
  assert.match(terminal.stderr(), /\n {4}at /)
})
