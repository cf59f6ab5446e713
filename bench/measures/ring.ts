// The ring's consumer beside one in C, on the same records in the same run.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type SocketProbe, socketRecordWord } from '../../kernel/mod.ts'
import { openSocketProbe } from '../../kernel/probes/socket/socket.ts'
import { heldObjects } from '../../test/river.ts'
import { command, type Lab, withNamespaces } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { race, startServers, talk } from '../load/load.ts'
import { median, ratioInterval } from '../statistics.ts'

export const ring: Measure = { name: 'ring', run: measureRing }

const source = fileURLToPath(new URL('../c/ring.c', import.meta.url))
const headers = fileURLToPath(new URL('../../kernel/include', import.meta.url))

/** Rounds until the runtime has compiled the loop, as it has in an agent that runs for a while. */
const warmUp = 8

interface Drained {
  readonly records: number
  readonly ns: number
}

async function measureRing({ quick }: Plan): Promise<readonly Finding[]> {
  const probes = [openSocketProbe(), openSocketProbe()] as const
  try {
    return await withNamespaces(2, (lab) => measureBoth(lab, probes, quick ? 2 : 20))
  } finally {
    for (const probe of probes) probe.close()
  }
}

/** Two probes see the same ends of the same connections; one ring is drained here, the other by C. */
async function measureBoth(lab: Lab, probes: readonly SocketProbe[], rounds: number) {
  const servers = await startServers(lab)
  const program = join(lab.folder, 'ring')
  await command('gcc', ['-O2', '-I', headers, '-o', program, source, '-lbpf'])
  const c = talk(lab.start(0, program, String(ringIds().at(-1))))
  const drainC = async () => {
    c.program.stdin.write('\n')
    return (await c.line()) as unknown as Drained
  }
  const own: Drained[] = []
  const other: Drained[] = []
  for (let round = -warmUp; round < rounds; round++) {
    await race(lab, servers, 0.5)
    if (round % 2 === 0) other.push(await drainC())
    own.push(drainOwn(probes[0]!))
    if (round % 2 !== 0) other.push(await drainC())
  }
  return [finding(own.slice(warmUp), other.slice(warmUp))]
}

function finding(own: readonly Drained[], other: readonly Drained[]): Finding {
  const perRecord = (all: readonly Drained[]) => all.map(({ ns, records }) => ns / records)
  const [mine, theirs] = [perRecord(own), perRecord(other)]
  const least = Math.min(...own.map(({ records }) => records))
  const figures = `${median(mine).toFixed(0)} and ${median(theirs).toFixed(0)} ns per record`
  return {
    what: `ring drain, own/C (${own.length} rounds of at least ${least} records; ${figures})`,
    value: showInterval(ratioInterval(theirs, mine), 2),
  }
}

function drainOwn(probe: SocketProbe): Drained {
  let sum = 0
  const { sent_bytes, received_bytes, tgid } = socketRecordWord
  const begun = process.hrtime.bigint()
  const records = probe.drain((words, _octets, at) => {
    sum += words[at + sent_bytes]! + words[at + received_bytes]! + words[at + tgid]!
  })
  const ns = Number(process.hrtime.bigint() - begun)
  if (sum === 0) throw new Error('the ring held only empty records')
  return { records, ns }
}

const ringType = 27 // BPF_MAP_TYPE_RINGBUF

function ringIds(): readonly number[] {
  const rings = heldObjects(process.pid).filter(({ mapType }) => mapType === ringType)
  return rings.map(({ id }) => id).sort((a, b) => a - b)
}
