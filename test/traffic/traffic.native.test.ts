// The truth must be true: what the puppets say they sent is what ss and nft saw, with and without loss.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, test } from 'node:test'
import {
  closingCases,
  failureCases,
  type Lab,
  openPair,
  serverCase,
  withNamespaces,
} from './mod.ts'

const made: string[] = []

after(() => {
  for (const name of made) assert.ok(!existsSync(`/run/netns/${name}`), `${name} is still there`)
})

async function threePairs(lab: Lab): Promise<void> {
  made.push(...lab.names)
  const [client, server] = [
    await lab.peer(0, 'witness-client'),
    await lab.peer(1, 'witness-server'),
  ]
  for (const version of ['v4', 'v6', 'mapped'] as const) {
    const mapped = version === 'mapped'
    const place = { lab, name: version, client, server, mapped }
    const pair = await openPair({ ...place, version: mapped ? 'v4' : version })
    await pair.forth(300_001)
    await pair.back(2_000_003)
    await pair.settle()
    const [near, far] = await pair.look()
    assert.equal(sent(near), 300_001)
    assert.equal(near?.counters['bytes_received'], 2_000_003)
    assert.equal(sent(far), 2_000_003)
    assert.equal(far?.counters['bytes_received'], 300_001)
    await pair.client.close()
    await pair.server.close()
    const truth = await pair.ended('closed')
    assert.equal(truth.bytes, 300_001)
    assert.equal(truth.reverse_bytes, 2_000_003)
  }
}

/** Octets sent at least once: ss leaves bytes_retrans out while it is 0. */
function sent(line: { counters: Readonly<Record<string, number>> } | undefined): number {
  return (line?.counters['bytes_sent'] ?? Number.NaN) - (line?.counters['bytes_retrans'] ?? 0)
}

test('a pair sent what ss says, v4, v6 and v4-mapped', () => withNamespaces(2, threePairs))

test('a pair sent what ss says though one packet in fifty is lost', () =>
  withNamespaces(2, async (lab) => {
    await lab.loss(0, 20)
    await lab.loss(1, 20)
    const dropped = async () =>
      Number(/counter packets (\d+)/.exec(await lab.run(0, 'nft', 'list', 'ruleset'))?.[1])
    do await threePairs(lab)
    while ((await dropped()) === 0)
  }))

test('nft counts the segments that ss shows', () =>
  withNamespaces(2, async (lab) => {
    await lab.count(0)
    const [client, server] = [await lab.peer(0, 'counted'), await lab.peer(1, 'counting')]
    const pair = await openPair({ lab, name: 'counted', client, server, version: 'v4' })
    await pair.forth(1_000_000)
    await pair.back(100_000)
    await pair.settle()
    const [near] = await pair.look()
    const packets = await lab.packets(0)
    assert.equal(near?.counters['segs_out'], packets.out)
    assert.equal(near?.counters['segs_in'], packets.in)
    assert.ok(packets.out > 690, `${packets.out} packets for 1 MB: bundled`)
  }))

const sample = [
  ...closingCases('v4').slice(-3),
  ...closingCases('v6', 1).slice(0, 2),
  ...failureCases,
  serverCase('handover', 6),
  serverCase('fork', 6),
]

for (const one of sample) {
  test(`${one.name} plays to its end`, () =>
    withNamespaces(one.namespaces, async (lab) => {
      const rest = await one.begin(lab)
      const connections = await rest()
      assert.ok(connections.length > 0)
      for (const connection of connections) assert.ok(connection.src_pid > 0)
    }))
}
