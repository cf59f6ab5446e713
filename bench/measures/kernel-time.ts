// Kernel time per connection, both ends, as `kernel.bpf_stats_enabled` counts it; beside it that of tcplife, which
// hangs on the same tracepoint: the kernel's clock and memory are as slow for both.

import { existsSync } from 'node:fs'
import { heldObjects } from '../../test/river.ts'
import { command, type Lab, until } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { race, type Servers, startServers } from '../load/load.ts'
import { median, ratioInterval } from '../statistics.ts'
import { withWatcher } from './overhead.ts'

export const kernelTime: Measure = { name: 'kernel-time', run: measureKernelTime }

const tcplife = '/usr/sbin/tcplife'
const goalNs = 4_000
/** The goal was set beside 22 µs of tcplife. */
const goalRatio = 4 / 22

interface ProgramCost {
  readonly name: string
  readonly runTimeNs: number
  readonly runs: number
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

function measureKernelTime({ quick }: Plan): Promise<readonly Finding[]> {
  return withWatcher(async (lab, watcher) => {
    const servers = await startServers(lab)
    const measure = (pid: number) => oneRound(pid, lab, servers, quick ? 0.3 : 1)
    const enabled = (await command('sysctl', ['-n', 'kernel.bpf_stats_enabled'])).trim()
    await command('sysctl', ['-qw', 'kernel.bpf_stats_enabled=1'])
    try {
      const [own, peer]: [Round[], Round[]] = [[], []]
      for (let round = 0; round < (quick ? 1 : 9); round++) {
        await watcher.on()
        own.push(await measure(watcher.pid))
        await watcher.off()
        if (existsSync(tcplife)) peer.push(await withTcplife(lab, measure))
      }
      return [costFinding(own), ratioFinding(own, peer)]
    } finally {
      await command('sysctl', ['-qw', `kernel.bpf_stats_enabled=${enabled}`])
    }
  })
}

async function withTcplife<T>(lab: Lab, measure: (pid: number) => Promise<T>): Promise<T> {
  const program = lab.start(0, ...inTracefs(tcplife))
  program.stdout.resume()
  const pid = program.pid!
  await until('tcplife', async () => heldObjects(pid).some(({ kind }) => kind === 'prog'))
  try {
    return await measure(pid)
  } finally {
    program.kill('SIGKILL')
  }
}

/** libbpf finds tracepoints in tracefs, which not every host has mounted: in a mount namespace of its own it is. */
function inTracefs(program: string): [string, ...string[]] {
  const mounted = `mount -t tracefs none /sys/kernel/tracing && exec "$0"`
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounted, program]
}

async function oneRound(pid: number, lab: Lab, servers: Servers, seconds: number): Promise<Round> {
  const before = await programCosts(pid)
  const { opened } = await race(lab, servers, seconds)
  const after = await programCosts(pid)
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
    holds: middle.ns <= goalNs,
  }
}

function ratioFinding(own: readonly Round[], peer: readonly Round[]): Finding {
  if (peer.length === 0) {
    return { what: 'the same, own/tcplife', value: `no ${tcplife} (package libbpf-tools)` }
  }
  const costs = (rounds: readonly Round[]) => rounds.map(({ ns }) => ns)
  const ratio = ratioInterval(costs(peer), costs(own))
  return {
    what: `the same, own/tcplife (${(median(costs(peer)) / 1000).toFixed(1)} µs)`,
    value: showInterval(ratio),
    goal: `≤ ${goalRatio.toFixed(3)}`,
    holds: ratio.low <= goalRatio,
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
