import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTerminal } from '../fake.ts'
import { runCommandLine } from '../run.ts'

async function explain(...args: readonly string[]) {
  const terminal = fakeTerminal()
  const exitCode = await runCommandLine(['explain', ...args], {}, terminal)
  return { exitCode, out: terminal.stdout(), err: terminal.stderr() }
}

test('a filter is shown as a tree, and each condition with its SQL and what the kernel could do', async () => {
  const { exitCode, out } = await explain('port = 5432 and rtt > 5ms or not netns = 7')
  assert.equal(exitCode, 0)
  assert.match(out, /^or\n {2}and\n {4}port = 5432\n {4}rtt_ns > 5000000\n {2}not\n {4}netns = 7\n/)
  const apart = await explain('port = 5432 and rtt > 5ms and src_netns = 7')
  assert.match(
    apart.out,
    /f\.`src_port` IN \(\{p0:UInt16\}\) OR f\.`dst_port` IN \(\{p1:UInt16\}\)/,
  )
  assert.match(apart.out, /p0 = 5432, p1 = 5432/)
  assert.equal(
    apart.out.match(/ socket: yes, connections neither end of which meets it/g)?.length,
    2,
  )
  assert.equal(apart.out.match(/ drop: yes, packets that do not meet it/g)?.length, 1)
  assert.match(
    apart.out,
    /src_netns = 7\n(?: .*\n)+ {9} drop: no, of a packet the kernel knows port/,
  )
  assert.match(
    apart.out,
    /rtt_ns > 5000000\n {2}store .*\n.*p0 = 5000000\n {2}agent {3}no: .*rtt_ns is a measurement.*\n {2}kernel {2}no: /,
  )
})

test('as JSON every value is bound, and ids are text', async () => {
  const { out } = await explain('connection_id = 18446744073709551615', '-o', 'json')
  const answer = JSON.parse(out)
  assert.equal(answer.filter, 'connection_id = 18446744073709551615')
  assert.deepEqual(answer.params, { p0: '18446744073709551615' })
  assert.deepEqual(answer.tree.fields, ['connection_id'])
  assert.deepEqual(
    answer.conditions[0].kernel.map(({ takes }: { takes: boolean }) => takes),
    [false, false],
  )
})

test('what the kernel does not take has its reason', async () => {
  for (const [filter, said] of [
    ['netns = 7', /kernel {2}socket: no, .*src_netns and dst_netns.*\n {9} drop: yes/],
    ['port = 1 or port = 2', /kernel {2}no: it is an or/],
    ['process ~ "^post"', /kernel {2}no: the kernel compares whole values/],
    ['pid = 0', /kernel {2}socket: no, 0 is also what is not known/],
    ['src_unit = a.service', /kernel {2}socket: no, the kernel knows port, address/],
    ['protocol = udp', /kernel {2}socket: yes.*\n {9} drop: yes/],
  ] as const) {
    assert.match((await explain(filter)).out, said, filter)
  }
})

test('a wrong filter says where and what was meant, by the table that is asked', async () => {
  const mistake = await explain('bytes > 1 and dst_prot = 443')
  assert.equal(mistake.exitCode, 64)
  assert.match(mistake.err, /character 14: "dst_prot" is no field; did you mean dst_port/)
  assert.ok(
    mistake.err.includes('\n  bytes > 1 and dst_prot = 443\n                ^\n'),
    mistake.err,
  )
  assert.equal((await explain('reason = NO_SOCKET')).exitCode, 64)
  const events = await explain('--table', 'events', 'reason = NO_SOCKET')
  assert.equal(events.exitCode, 0)
})

test('why an agent does not take a condition is no mistake at a place of it', async () => {
  const { out } = await explain('port = 1 and rtt > 5ms')
  assert.match(out, /agent {3}no: rtt_ns is a measurement: an agent filters by who and where\n/)
  assert.doesNotMatch(out, /wrong at character/)
})

test('a filter that an agent cannot take is refused before anything starts, with its place', async () => {
  for (const [filter, said] of [
    ['dst_prot = 1', /character 0: "dst_prot" is no field; did you mean dst_port/],
    ['port = 1 and rtt > 5ms', /character 13: rtt_ns is a measurement/],
  ] as const) {
    for (const process of ['agent', 'up']) {
      const terminal = fakeTerminal()
      const line = ['config', 'print', process, '--filter', filter]
      assert.equal(await runCommandLine(line, {}, terminal), 64)
      assert.match(terminal.stderr(), said)
    }
  }
})
