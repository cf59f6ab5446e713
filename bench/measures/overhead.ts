// What the default probes take from the traffic itself: throughput and new connections a second.

import { type Lab, until, withNamespaces } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { race, startServers } from '../load/load.ts'
import { measurePairs } from '../pairs.ts'
import { median } from '../statistics.ts'
import { startWatcher, type Watcher } from '../watcher.ts'

export const throughput: Measure = { name: 'throughput', run: measureThroughput }
export const connections: Measure = { name: 'connections', run: measureConnections }

export function withWatcher<T>(work: (lab: Lab, watcher: Watcher) => Promise<T>): Promise<T> {
  return withNamespaces(2, async (lab) => {
    const watcher = await startWatcher()
    try {
      return await work(lab, watcher)
    } finally {
      await watcher.stop()
    }
  })
}

function measureThroughput({ quick }: Plan): Promise<readonly Finding[]> {
  return withWatcher(async (lab, watcher) => {
    const address = lab.address(1, 'v4')
    lab.start(1, 'iperf3', '-s', '-B', address).stdout.resume()
    await until('iperf3', async () => (await lab.ss(1)).some((line) => line.local[1] === 5201))
    const seconds = quick ? '1' : '2'
    const measure = async () =>
      iperf(await lab.run(0, 'iperf3', '-c', address, '-t', seconds, '-J'))
    const pairs = quick ? 2 : 20
    const { ratio, noise, without } = await measurePairs({ pairs, measure, ...watcher })
    const gbit = (median(without) / 1e9).toFixed(1)
    return [
      {
        what: `iperf3 throughput, with/without (${pairs} pairs, ${gbit} Gbit/s without)`,
        value: showInterval(ratio),
        noise: showInterval(noise),
        goal: 'upper bound ≥ 0.98',
        holds: ratio.high >= 0.98,
      },
    ]
  })
}

/** Bits a second at the receiver. */
function iperf(text: string): number {
  const said = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } }
  return said.end.sum_received.bits_per_second
}

function measureConnections({ quick }: Plan): Promise<readonly Finding[]> {
  return withWatcher(async (lab, watcher) => {
    const servers = await startServers(lab)
    const seconds = quick ? 0.2 : 2
    const measure = async () => (await race(lab, servers, seconds)).perSecond
    const pairs = quick ? 2 : 20
    const { ratio, noise, without } = await measurePairs({ pairs, measure, ...watcher })
    const rate = (median(without) / 1e3).toFixed(1)
    return [
      {
        what: `connect/request/close, with/without (${pairs} pairs, ${rate} k/s without)`,
        value: showInterval(ratio),
        noise: showInterval(noise),
        goal: 'upper bound ≥ 0.96',
        holds: ratio.high >= 0.96,
      },
    ]
  })
}
