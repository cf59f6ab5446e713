import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { type FakeAnswer, fakeCentral, fakeRow, fakeTerminal, wholeCoverage } from '../fake.ts'
import { flowsAnswer, rows, weir } from '../run.fake.ts'
import { runCommandLine } from '../run.ts'

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
  assert.equal(err, '2 rows · last 15 min · coverage 100 %\n')
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

test('words behind the command are a filter, and --filter is the same', async () => {
  const words = await weir('flows dst_port = 5432 and rtt > 5ms --process a', flowsAnswer)
  assert.equal(words.exitCode, 0)
  assert.equal(words.asked[0]?.searchParams.get('filter'), 'dst_port = 5432 and rtt > 5ms')
  assert.equal(words.asked[0]?.searchParams.get('process'), 'a')
  const flag = await weir('top --filter dst_port=5432', () => ({ body: {} }))
  assert.deepEqual(
    flag.asked.map((url) => url.searchParams.get('filter')),
    ['dst_port=5432', 'dst_port=5432'],
  )
  const both = await weir('flows dst_port = 5432 --filter node=a', flowsAnswer)
  assert.equal(both.exitCode, 64)
  assert.match(both.err, /--filter node=a: expected either it or words/)
})

test('a wrong filter is said as the central says it', async () => {
  const { exitCode, err } = await weir('flows dst_prot = 443', () => ({
    status: 400,
    body: {
      error: {
        code: 'bad_filter',
        message: 'the filter is wrong at character 0: "dst_prot" is no field',
        remedy: '',
        details: { parameter: 'filter', position: 0, suggestion: 'dst_port' },
      },
    },
  }))
  assert.equal(exitCode, 64)
  assert.match(err, /the filter is wrong at character 0: "dst_prot" is no field/)
  assert.match(err, /\n {2}dst_prot = 443\n {2}\^\n/)
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
  assert.match(err, /^3 rows, more: --limit · /)
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

test('a process is cut only after node, protocol and retransmits have left, and stays two', async () => {
  const pair = { src_process: 'shop-web-frontend', dst_process: 'shop-cache', dst_pid: 2237 }
  const answer: FakeAnswer = () => ({
    body: { rows: [fakeRow(pair)], next: null, coverage: wholeCoverage },
  })
  const wide = await weir('flows', answer, 120)
  assert.match(wide.out, /shop-web-frontend → shop-cache +192\.0\.2\.10:51044 +203\.0\.113\.7:443 /)
  assert.doesNotMatch(wide.out, /NODE|PROTO|RETR/)
  const narrow = await weir('flows', answer, 80)
  assert.match(narrow.out, /sh\S*…\S* → sh\S+ /)
  assert.match(narrow.out, /DESTINATION.*STATE.*SENT/)
})

test('127.0.0.1 is this host for people alone', async () => {
  const row = fakeRow({ dst_address: '127.0.0.1', src_address: '::1' })
  const answer: FakeAnswer = () => ({ body: { rows: [row], next: null, coverage: wholeCoverage } })
  assert.match((await weir('flows', answer)).out, /this host:51044 .*this host:443 /)
  assert.match((await weir('flows --raw', answer)).out, /\[::1\]:51044 .*127\.0\.0\.1:443 /)
  assert.match((await weir('flows -o csv', answer)).out, /::1,51044,127\.0\.0\.1,443/)
})

test('flows -f refuses what it would ignore', async () => {
  for (const flag of ['--to -1m', '--from -1m', '--order bytes']) {
    const { exitCode, err } = await weir(`flows -f ${flag}`, flowsAnswer)
    assert.equal(exitCode, 64)
    assert.match(err, /expected either it or --follow/)
  }
})

test('flows -f ends with --limit, and says how whole all of its time was', async () => {
  const { out, err, asked } = await weir('flows -f --limit 1 -o ndjson', flowsAnswer)
  assert.equal(out.trimEnd().split('\n').length, 1)
  assert.match(err, /^1 row, .*coverage 100 %\n$/)
  assert.equal(asked.at(-1)?.searchParams.get('limit'), '1')
})

test('--from 14:00 is a time of this clock', async () => {
  const { asked } = await weir('flows --from 11:50 --utc', flowsAnswer)
  assert.equal(asked[0]?.searchParams.get('from'), '2026-08-21T11:50:00.000Z')
})

test('--netns takes a path and asks for its inode', async () => {
  const { asked } = await weir('flows --netns /proc/self/ns/net', flowsAnswer)
  const { ino } = statSync('/proc/self/ns/net')
  assert.deepEqual(asked[0]?.searchParams.getAll('netns'), [String(ino)])
})

test('--open and ages are parameters of the API, and the line of truth says the moment', async () => {
  const { asked, err } = await weir(
    'flows --open --age-min 1h --age-max 7d --order -age',
    flowsAnswer,
  )
  const question = asked[0]?.searchParams
  assert.equal(question?.get('open'), 'true')
  assert.deepEqual([question?.get('age_min'), question?.get('age_max')], ['1h', '7d'])
  assert.equal(question?.get('order'), '-age')
  assert.match(err, /rows · open at this moment · /)
  for (const other of ['--local', '--follow']) {
    const refused = await weir(`flows --open ${other}`, flowsAnswer)
    assert.equal(refused.exitCode, 64)
    assert.match(refused.err, new RegExp(`--open.*expected either it or ${other}`))
  }
})

test('no row of an interface is no quiet network when no interface was watched', async () => {
  const answerOf = (state: string) => (url: URL) => {
    if (url.pathname !== '/api/programs') return empty
    return { body: { ...empty.body, rows: state === '' ? [] : [{ probe: 'flow', state }] } }
  }
  const empty = { body: { rows: [], next: null, coverage: wholeCoverage } }
  const unwatched = /\nno interface was watched in this time: weir up --interface eth0\n$/
  for (const state of ['', 'failed']) {
    const { err, asked } = await weir('flows --view interface', answerOf(state))
    assert.match(err, unwatched)
    assert.equal(
      asked.find(({ pathname }) => pathname === '/api/programs')?.searchParams.get('probe'),
      'flow',
    )
  }
  assert.doesNotMatch((await weir('flows --view interface', answerOf('ready'))).err, /watched/)
  assert.doesNotMatch((await weir('flows', answerOf(''))).err, /watched/)
})

test('what is open now is not said to be watched for a part of the last 15 minutes', async () => {
  const coverage = { ...wholeCoverage, watched: 0.25 }
  const answer = () => ({ body: { rows, next: null, coverage } })
  assert.match((await weir('flows', answer)).err, /watched 3 min of 15 min/)
  assert.doesNotMatch((await weir('flows --open', answer)).err, /watched/)
})
