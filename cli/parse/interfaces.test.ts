// --interface as flags, as one text, as a list of the configuration file: the same patterns.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentCommand } from '../commands/agent.ts'
import { valuesOf } from './arguments.ts'
import { interfacesOf } from './interfaces.ts'

const said = (args: readonly string[], env = {}) => interfacesOf(valuesOf(agentCommand, args, env))

test('no interface, no probe: the other flags alone ask for nothing', () => {
  assert.deepEqual(said(['--hook', 'tcx', '--sample', '10']), {})
})

test('interfaces may be repeated, in one text, or in the environment', () => {
  const both = { interfaces: ['all', '!lo'], hook: 'auto', sample: 1 }
  assert.deepEqual(said(['--interface', 'all', '--interface', '!lo']), both)
  assert.deepEqual(said(['--interface', 'all, !lo']), both)
  assert.deepEqual(said([], { WEIR_INTERFACES: 'all,!lo' }), both)
})

test('what can be no interface, no hook and no rate is refused', () => {
  for (const args of [
    ['--interface', ''],
    ['--interface', 'eth0,,eth1'],
    ['--interface', '../eth0'],
    ['--interface', '!'],
    ['--hook', 'xdp', '--interface', 'eth0'],
    ['--sample', '0', '--interface', 'eth0'],
  ]) {
    assert.throws(() => said(args), { code: 'bad_value' }, args.join(' '))
  }
})
