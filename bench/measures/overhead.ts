// What the default probes take from the traffic itself: throughput, new connections a second, kernel time.

import { heldObjects } from '../../test/river.ts'
import { command, type Lab, until, withNamespaces } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { race, startServers } from '../load/load.ts'
import { measurePairs } from '../pairs.ts'
import { median } from '../statistics.ts'
import { startWatcher, type Watcher } from '../watcher.ts'

export const throughput: Measure = { name: 'throughput', run: measureThroughput }
export const connections: Measure = { name: 'connections', run: measureConnections }
export const kernelTime: Measure = { name: 'kernel-time', run: measureKernelTime }

function withWatcher<T>(work: (lab: Lab, watcher: Watcher) => Promise<T>): Promise<T> {
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

interface ProgramCost {
  readonly name: string
  readonly runTimeNs: number
  readonly runs: number
}

function measureKernelTime({ quick }: Plan): Promise<readonly Finding[]> {
  return withWatcher(async (lab, watcher) => {
    const servers = await startServers(lab)
    await watcher.on()
    const enabled = (await command('sysctl', ['-n', 'kernel.bpf_stats_enabled'])).trim()
    await command('sysctl', ['-qw', 'kernel.bpf_stats_enabled=1'])
    try {
      const rounds: Round[] = []
      for (let round = 0; round < (quick ? 1 : 9); round++) {
        const before = await programCosts(watcher.pid)
        const { opened } = await race(lab, servers, quick ? 0.3 : 1)
        rounds.push(roundOf(before, await programCosts(watcher.pid), opened))
      }
      return [costFinding(rounds)]
    } finally {
      await command('sysctl', ['-qw', `kernel.bpf_stats_enabled=${enabled}`])
      await watcher.off()
    }
  })
}

interface Round {
  readonly opened: number
  /** Nanoseconds and runs per connection. */
  readonly programs: readonly {
    readonly name: string
    readonly ns: number
    readonly runs: number
  }[]
  readonly ns: number
}

function roundOf(
  before: ReadonlyMap<number, ProgramCost>,
  after: ReadonlyMap<number, ProgramCost>,
  opened: number,
): Round {
  const programs = [...after].map(([id, cost]) => ({
    name: cost.name,
    ns: (cost.runTimeNs - (before.get(id)?.runTimeNs ?? 0)) / opened,
    runs: (cost.runs - (before.get(id)?.runs ?? 0)) / opened,
  }))
  return { opened, programs, ns: programs.reduce((all, { ns }) => all + ns, 0) }
}

/** The parts are those of the round in the middle. */
function costFinding(rounds: readonly Round[]): Finding {
  const sorted = rounds.toSorted((a, b) => a.ns - b.ns)
  const middle = sorted[sorted.length >> 1]!
  const parts = middle.programs
    .filter(({ runs }) => runs >= 0.1)
    .map(({ name, ns, runs }) => `${name} ${ns.toFixed(0)} ns in ${runs.toFixed(1)} runs`)
  const us = (round: Round | undefined) => ((round?.ns ?? 0) / 1000).toFixed(2)
  const opened = rounds.reduce((all, round) => all + round.opened, 0)
  return {
    what: `kernel time per connection, both ends (${opened} connections in ${rounds.length} rounds; ${parts.join(', ')})`,
    value: `${us(middle)} µs (${us(sorted[0])}–${us(sorted.at(-1))})`,
    goal: '≤ 4 µs',
    holds: middle.ns <= 4_000,
  }
}

async function programCosts(pid: number): Promise<ReadonlyMap<number, ProgramCost>> {
  const programs = JSON.parse(await command('bpftool', ['-j', 'prog', 'show'])) as {
    id: number
    name?: string
    run_time_ns?: number
    run_cnt?: number
  }[]
  const held = heldObjects(pid).filter(({ kind }) => kind === 'prog')
  const mine = programs.filter(({ id }) => held.some((one) => one.id === id))
  return new Map(
    mine.map(({ id, name = '?', run_time_ns = 0, run_cnt = 0 }) => [
      id,
      { name, runTimeNs: run_time_ns, runs: run_cnt },
    ]),
  )
}
