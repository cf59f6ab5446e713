// Whose drops are reported: network namespaces, cgroups, and the socket of a packet.

import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { doctor } from '../../mod.ts'
import type { DropRecord } from '../../testing/drop-record.ts'
import { type DropRule, dropRule, dropsOf, runPython, sumOf } from '../../testing/drops.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { type Condition, type ConditionField, numberOctets } from '../conditions.ts'

let pair: Pair
let rule: DropRule

before(() => {
  pair = createPair()
  rule = dropRule(pair.near, 'output', 'udp dport 5002')
})
after(() => pair?.remove())

/** Datagrams that do not leave the host, from a process that may be in a cgroup of its own; prints the socket's cookie. */
const send = (count: number, cgroup?: string) => [
  ...(cgroup ? [`open('${cgroup}/cgroup.procs', 'w').write(str(os.getpid()))`] : []),
  's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((NEAR, 0))',
  `for _ in range(${count}):`,
  "  try: s.sendto(b'x', (FAR, 5002))",
  '  except PermissionError: pass',
  'print(cookie(s))',
]

test('a network namespace: its drops and no others, which are counted as filtered', () => {
  const before = rule.count().packets
  const own = dropsOf({ netns: pair.near.inode }, () => void runPython(pair, send(5)))
  const other = dropsOf({ netns: pair.far.inode }, () => void runPython(pair, send(7)))
  assert.equal(rule.count().packets - before, 12)
  const ours = ({ destination_port: port }: { destination_port: number }) => port === 5002
  assert.equal(sumOf(own.records.filter(ours), 'count'), 5)
  assert.deepEqual(other.records.filter(ours), [])
  assert.ok(other.counters.filtered >= 7)
})

test('a cgroup is selected with all below it, and the rest is counted as filtered', (t) => {
  const { cgroupRoot } = doctor()
  if (cgroupRoot === '') return t.skip('this host has no cgroup2 mount')
  const parent = `${cgroupRoot}/weir-drop-test-${process.pid}`
  const child = `${parent}/inner`
  mkdirSync(parent)
  mkdirSync(child)
  try {
    const cgroupId = statSync(parent, { bigint: true }).ino
    let cookie = 0n
    const { records, counters } = dropsOf({ cgroupId, netns: pair.near.inode }, () => {
      cookie = BigInt(runPython(pair, send(6, child)))
      runPython(pair, send(9))
    })
    assert.deepEqual(
      records.map(({ count, cgroup_id: id }) => [count, id]),
      [[6, statSync(child, { bigint: true }).ino]],
    )
    assert.ok(counters.filtered >= 9)
    assert.equal(counters.seen, counters.filtered + counters.recorded)
    assert.ok(cookie > 0n)
  } finally {
    rmdirSync(child)
    rmdirSync(parent)
  }
})

const condition = (field: ConditionField, ...prefixes: Condition['prefixes']): Condition => {
  return { field, prefixes }
}
const value = (number: number) => ({ octets: numberOctets(number), bits: 128 })
const v4 = (address: string, bits: number) => ({
  octets: Uint8Array.from([...new Array(10).fill(0), 255, 255, ...address.split('.').map(Number)]),
  bits: 96 + bits,
})

test('conditions of the filter are compared with the tuple of the packet, what meets them not is filtered, and nothing else', () => {
  const cases: readonly (readonly [string, readonly Condition[], boolean])[] = [
    ['another port', [condition('port', value(5003))], false],
    ['a network around it', [condition('address', v4('10.77.0.2', 8))], true],
    ['another network', [condition('address', v4('203.0.113.0', 24))], false],
    ['no protocol at all', [condition('protocol')], false],
    ['another namespace', [condition('netns', value(pair.far.inode))], false],
    [
      'its namespace, and one of two ports',
      [condition('netns', value(pair.near.inode)), condition('port', value(1), value(5002))],
      true,
    ],
    [
      'its address and its protocol',
      [condition('address', v4('10.77.0.2', 32)), condition('protocol', value(17))],
      true,
    ],
    ['one of two', [condition('port', value(5002)), condition('protocol', value(6))], false],
  ]
  for (const [what, packetConditions, passes] of cases) {
    const before = rule.count().packets
    // Of one namespace alone: what others drop meanwhile may fill the table.
    const options = { packetConditions, ...(passes && { netns: pair.near.inode }) }
    const { records, counters } = dropsOf(options, () => void runPython(pair, send(5)))
    assert.equal(rule.count().packets - before, 5, what)
    const ours = (record: DropRecord) =>
      record.destination_port === 5002 && record.netns === pair.near.inode
    assert.equal(sumOf(records.filter(ours), 'count'), passes ? 5 : 0, what)
    if (!passes) assert.ok(counters.filtered >= 5, what)
  }
})
