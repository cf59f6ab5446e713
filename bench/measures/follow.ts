// What `weir flows --local -f` as ndjson takes from busy connections: it measures, writes every row, and all of it goes nowhere.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { weirProgram } from '../../test/river.ts'
import { until, withNamespaces } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { race, startServers } from '../load/load.ts'
import { measurePairs } from '../pairs.ts'
import { peakMb } from '../process-cost.ts'
import { median } from '../statistics.ts'

export const follow: Measure = { name: 'follow', run: measureFollow }

const memoryGoalMb = 150
const ratioGoal = 0.88

function measureFollow({ quick }: Plan): Promise<readonly Finding[]> {
  return withNamespaces(2, async (lab) => {
    const servers = await startServers(lab)
    const seconds = quick ? 0.2 : 2
    const pairs = quick ? 2 : 20
    const follower = createFollower()
    const measure = async () => (await race(lab, servers, seconds)).perSecond
    try {
      const { ratio, noise, without } = await measurePairs({ pairs, measure, ...follower })
      const rate = (median(without) / 1e3).toFixed(1)
      return [
        {
          what: `connect/request/close beside \`flows --local -f -o ndjson\`, with/without (${pairs} pairs, ${rate} k/s without)`,
          value: showInterval(ratio),
          noise: showInterval(noise),
          goal: `upper bound ≥ ${ratioGoal}`,
          holds: ratio.high >= ratioGoal,
        },
        {
          what: 'most memory of that command',
          value: `${follower.peakMb().toFixed(0)} MB`,
          goal: `≤ ${memoryGoalMb} MB`,
          holds: follower.peakMb() <= memoryGoalMb,
        },
      ]
    } finally {
      await follower.off()
    }
  })
}

function createFollower() {
  let child: ChildProcess | undefined
  let peak = 0

  async function on(): Promise<void> {
    const started = spawn(weirProgram, ['flows', '--local', '-f', '-o', 'ndjson'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child = started
    await until('the probes of the command', () => hasPrograms(started.pid as number), 30_000)
  }

  async function off(): Promise<void> {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null) return
    peak = Math.max(peak, peakMb(ending.pid as number))
    const ended = once(ending, 'exit')
    ending.kill('SIGINT')
    await ended
  }

  return { on, off, peakMb: () => peak }
}

/** Links into the kernel are descriptors of the process that made them. */
function hasPrograms(pid: number): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) =>
    linkOf(`/proc/${pid}/fd/${fd}`).includes('bpf'),
  )
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed meanwhile
  }
}
