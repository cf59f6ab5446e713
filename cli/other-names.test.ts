// What users of other systems type becomes a command line that Weir's parser takes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandLineOf } from './other-names.ts'
import { commandOf, valuesOf } from './parse/arguments.ts'

/** The command that `program LINE` runs, with its values. */
function read(program: string, line: string, env: Readonly<Record<string, string>> = {}) {
  const { args, all } = commandLineOf(program, line.split(' '), env)
  const { entry, rest } = commandOf(args, all)
  assert.ok(!('commands' in entry), line)
  return { name: entry.name, values: valuesOf(entry, rest, {}) }
}

test('xdt: its commands with their flags', () => {
  const attach = read('xdt', 'attach -i eth0 --object build/xdp.bpf.o')
  assert.deepEqual([attach.name, attach.values.text('mode')], ['attach', 'skb'])
  assert.equal(read('xdt', 'attach --interface eth0 --mode native').values.text('mode'), 'native')
  const add = read(
    'xdt',
    'add -i eth0 --cidr 192.0.2.0/24 --cidr 10.0.0.0/8 --label-id 7 --action drop --replace',
  )
  assert.deepEqual(add.values.list('cidr'), ['192.0.2.0/24', '10.0.0.0/8'])
  assert.equal(add.values.on('replace'), true)
  assert.equal(read('xdt', 'list -f eth0').values.text('interface'), 'eth0')
  assert.equal(read('xdt', 'log -i eth0 -f').values.on('follow'), true)
  assert.equal(read('xdt', 'detach -i eth0').name, 'detach')
})

test('xdt-agent: its flags are those of weir agent, and INTERFACE_NAME stands in for -i', () => {
  const { name, values } = read(
    'xdt-agent',
    '-i eth0 -c 192.0.2.1:50051 -p /sys/fs/bpf/x -a node-1 -n 4711 -v',
  )
  assert.equal(name, 'agent')
  assert.deepEqual(
    ['xdp', 'upstream', 'pin-root', 'node', 'netns-pid'].map((flag) => values.text(flag)),
    ['eth0', '192.0.2.1:50051', '/sys/fs/bpf/x', 'node-1', '4711'],
  )
  assert.equal(values.on('xdp-echo'), true)
  const named = read('xdt-agent', '--central 192.0.2.1:50051', { INTERFACE_NAME: 'eth1' })
  assert.equal(named.values.text('xdp'), 'eth1')
})

test('xguard: with and without its command', () => {
  const plain = read('xguard', '--interface eth0 --userspace-trace --udp')
  assert.deepEqual([plain.name, plain.values.on('udp')], ['trace', true])
  assert.equal(read('xguard', 'trace --interface eth0').values.on('userspace-trace'), true)
  assert.equal(
    read('xguard', 'trace --interface eth0 --kernel-trace').values.on('userspace-trace'),
    false,
  )
  assert.deepEqual(commandLineOf('xguard', [], {}).args, ['help', 'trace'])
})

test('under its own name nothing is translated', () => {
  assert.deepEqual(commandLineOf(undefined, ['log', '-f'], {}).args, ['log', '-f'])
})
