// A handshake that is completed twice. When a SYN-ACK was lost, the timers of both sides send one again after the same second.
// On two CPUs both are answered at once, and each answer makes a socket; the kernel throws the second one away.

import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { after, before, describe, type TestContext, test } from 'node:test'
import { besideProcessOne } from '../../../common/process-one.fake.ts'
import { until } from '../../../common/until.fake.ts'
import { tracing } from '../../loader/attach/tracing.ts'
import type { LoadedObject } from '../../loader/object.ts'
import type { SocketProbe } from '../../mod.ts'
import { openSurplusObject } from '../../testing/loader.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import { readRecord, type SocketRecord } from '../../testing/record.ts'
import { openSocketProbe } from './socket.ts'

const count = 200
const roundsMax = 10
const loss = 'chain inet loss answers'
const skip = availableParallelism() < 2 && 'two ACKs at once need two CPUs'

describe('a socket that loses the race for its connection', { skip }, () => {
  let namespace: Namespace
  let peers: Peers
  let probe: SocketProbe
  let observer: LoadedObject

  before(() => {
    namespace = createNamespace()
    namespace.run('nft', 'add table inet loss')
    namespace.run('nft', `add ${loss} { type filter hook output priority 0; }`)
    peers = startPeers(namespace)
    observer = openSurplusObject()
    observer.variables().set('netns', BigInt(namespace.inode))
    observer.attach('count_surplus', tracing, { tracepoint: 'inet_sock_set_state' })
    probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 })
  })
  after(async () => {
    probe?.close()
    observer?.close()
    await peers?.stop()
    namespace?.remove()
  })

  /** Where packets are taken in: on the CPUs of the mask, or, without one, where they were sent. */
  function takeInOn(mask: string): void {
    const file = '/sys/class/net/lo/queues/rx-0/rps_cpus'
    namespace.run('ip', 'netns', 'exec', namespace.name, 'sh', '-c', `echo ${mask} > ${file}`)
  }

  /** How many SYN-ACKs were dropped. */
  function dropped(): number {
    return Number(/counter packets (\d+)/.exec(namespace.run('nft', `list ${loss}`))?.[1])
  }

  /** The ends of connections whose first SYN-ACK was lost. */
  async function play(mask: string, meanwhile: () => void): Promise<readonly SocketRecord[]> {
    // The timer of the handshake belongs to the CPU that takes in the SYN, that of the attempt to the one that sends it.
    takeInOn(mask)
    namespace.run(
      'nft',
      `add rule inet loss answers tcp flags & (syn | ack) == syn | ack counter drop`,
    )
    const { port } = await peers.ask<{ port: number }>('dial', { count })
    await until('the loss of every SYN-ACK', () => dropped() >= count)
    meanwhile()
    takeInOn('0')
    namespace.run('nft', `flush ${loss}`)
    await peers.ask('meet')
    const filter = `sport = :${port} or dport = :${port}`
    await until('the last end', () => {
      return namespace.run('ss', '-Htan', 'exclude', 'time-wait', filter).trim() === ''
    })
    const records: SocketRecord[] = []
    probe.drain((_, octets, word) => records.push(readRecord(octets, word * 4)), 1e6)
    return records
  }

  /** Plays until the kernel has thrown a socket away; every time there must be the ends of the connections alone. */
  async function race(t: TestContext, meanwhile: () => void): Promise<void> {
    const surplus = () => observer.variables().get('surplus')
    const before = surplus()
    const { mask } = await peers.ask<{ mask: string }>('other_cpus')
    for (let round = 0; round < roundsMax && surplus() === before; round++) {
      const ends = await besideProcessOne(async () => {
        const records = await play(mask, meanwhile)
        const found = Map.groupBy(records, (one) => `${one.local_port} ${one.remote_port}`)
        assert.equal(found.size, 2 * count)
        return [...found.values()]
      })
      assert.deepEqual(
        ends.filter(({ length }) => length > 1),
        [],
      )
    }
    if (surplus() === before)
      t.skip(`no two ACKs at once in ${roundsMax} times ${count} handshakes`)
  }

  test('it is no end', (t) => race(t, () => {}))

  test('it is no end when it has the cookie of the connection', (t) =>
    race(t, () => void namespace.run('ss', '-Htan', 'state', 'syn-recv')))
})
