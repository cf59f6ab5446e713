// One dump of the living sockets: by the probe's slots, and the walk over the descriptors of all processes that it
// replaces. Beside both stand processes with many files, which a walk has to pass.

import { type Iterator, iterator } from '../../kernel/loader/attach/iterator.ts'
import { loadSocketObject, openSocketProbe } from '../../kernel/probes/socket/socket.ts'
import { createNamespace, type Peers, startPeers } from '../../kernel/testing/peers.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const dump: Measure = { name: 'dump', run: measureDump }

const bystanders = { processes: 200, files: 500 }
const ringBytes = 1 << 20

async function measureDump({ quick }: Plan): Promise<readonly Finding[]> {
  const namespace = createNamespace()
  const peers = startPeers(namespace)
  const others = startPeers(namespace) // without the sockets, which a fork would hold too
  const rounds = quick ? 2 : 11
  const findings: Finding[] = []
  const probe = openSocketProbe({ ringBytes })
  const walker = loadSocketObject({ ringBytes })
  try {
    probe.dump()
    const walk = walker.attach('socket_holders', iterator, { target: 'task_file' })
    let pairs = 0
    for (const sockets of quick ? [50] : [50, 2_000, 16_000]) {
      await peers.ask('many', { count: sockets / 2 - pairs })
      pairs = sockets / 2
      const alone = times(rounds, probe, walk)
      const among = await besideOthers(others, () => times(rounds, probe, walk))
      findings.push({
        what: `one dump of ${sockets} sockets, ms: all, what changed (nothing); the walk over descriptors`,
        value: `${alone.all}, ${alone.changes}; ${alone.walk}`,
      })
      findings.push({
        what: `the same beside ${bystanders.processes} processes with ${bystanders.files} files each`,
        value: `${among.all}, ${among.changes}; ${among.walk}`,
      })
    }
  } finally {
    walker.close()
    probe.close()
    await peers.stop()
    await others.stop()
    namespace.remove()
  }
  return findings
}

async function besideOthers<T>(peers: Peers, work: () => T): Promise<T> {
  await peers.ask('bystanders', bystanders)
  try {
    return work()
  } finally {
    await peers.ask('disperse')
  }
}

function times(rounds: number, probe: ReturnType<typeof openSocketProbe>, walk: Iterator) {
  const buffer = { bytes: Buffer.alloc(0) }
  const [all, changes, walked]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    const whole = time(() => probe.dump())
    walked.push(time(() => walk.read(buffer)))
    all.push(whole - (walked.at(-1) as number)) // a whole dump of the probe walks, too
    changes.push(time(() => probe.dump({ onlyChanges: true })))
  }
  const shown = (ms: readonly number[]) => median(ms).toFixed(2)
  return { all: shown(all), changes: shown(changes), walk: shown(walked) }
}

function time(work: () => unknown): number {
  const begun = performance.now()
  work()
  return performance.now() - begun
}
