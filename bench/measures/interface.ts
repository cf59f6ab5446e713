// What counting every packet of an interface takes from its traffic, and whether a blast of flows is counted whole.

import { type FlowWatcher, sumOf, watchFlows } from '../../kernel/testing/flow.ts'
import { createPair } from '../../kernel/testing/pair.ts'
import { until, withNamespaces } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { measurePairs } from '../pairs.ts'
import { median } from '../statistics.ts'

export const carried: Measure = { name: 'interface', run: measureInterface }

async function measureInterface(plan: Plan): Promise<readonly Finding[]> {
  return [await throughput(plan), await blast()]
}

/** One stream over a cable between two namespaces; the sender's end is watched, in both directions. */
function throughput({ quick }: Plan): Promise<Finding> {
  return withNamespaces(2, async (lab) => {
    const address = lab.address(1, 'v4')
    lab.start(1, 'iperf3', '-s', '-B', address).stdout.resume()
    await until('iperf3', async () => (await lab.ss(1)).some((line) => line.local[1] === 5201))
    const seconds = quick ? '1' : '2'
    let watcher: FlowWatcher | undefined
    const { ratio, noise, without } = await measurePairs({
      pairs: quick ? 2 : 20,
      measure: async () => {
        const text = await lab.run(0, 'iperf3', '-c', address, '-t', seconds, '-J')
        return (JSON.parse(text) as Said).end.sum_received.bits_per_second
      },
      on: async () => {
        watcher = await watchFlows(lab.netns(0), { interfaces: ['r0'] })
      },
      off: async () => watcher?.close(),
    })
    return {
      what: `iperf3 throughput, interface watched/not (${(median(without) / 1e9).toFixed(1)} Gbit/s without)`,
      value: showInterval(ratio),
      noise: showInterval(noise),
      goal: 'upper bound ≥ 0.97',
      holds: ratio.high >= 0.97,
    }
  })
}

interface Said {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } }
}

const ports = 65_535
const sources = [30_001, 30_002]

/** Each datagram is a flow of its own; nftables counts them on the way. */
async function blast(): Promise<Finding> {
  const pair = createPair()
  try {
    const count = '{ type filter hook prerouting priority -300; }'
    pair.far.run('nft', `add chain ip weir_test counted ${count}`)
    pair.far.run('nft', 'add rule ip weir_test counted ip protocol udp counter')
    const watcher = await watchFlows(pair.far, { interfaces: ['far0'] })
    try {
      const lines = [
        'import socket',
        `for source in (${sources.join(', ')}):`,
        ' s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
        ' s.bind(("10.77.0.1", source))',
        ` for port in range(1, ${ports + 1}): s.sendto(b"x", ("10.77.0.2", port))`,
      ]
      pair.near.run('/usr/bin/python3', '-c', lines.join('\n'))
      const { records, counters } = await watcher.dump()
      const text = pair.far.run('nft', 'list chain ip weir_test counted')
      const truth = Number(/counter packets (\d+)/.exec(text)?.[1])
      const incoming = records.filter((one) => one.protocol === 17 && one.direction === 1)
      const counted = sumOf(incoming, 'packets') + (counters['lost'] ?? 0)
      return {
        what: `${sources.length * ports} flows in one interval: packets in records or lost, of ${truth} that nftables counted (${counters['unlisted']} without a flow of their own)`,
        value: String(counted),
        goal: 'all',
        holds: counted === truth,
      }
    } finally {
      await watcher.close()
    }
  } finally {
    pair.remove()
  }
}
