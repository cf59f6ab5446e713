// The ring's consumer beside one in C, on the same records in the same run.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSocketProbe, socketRecordWord } from '../../kernel/mod.ts'
import { command, type Lab, withNamespaces } from '../../test/traffic/mod.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { race, type Servers, startServers } from '../load/load.ts'
import { median, ratioInterval } from '../statistics.ts'

export const ring: Measure = { name: 'ring', run: measureRing }

const source = fileURLToPath(new URL('../c/ring.c', import.meta.url))

interface Drained {
  readonly records: number
  readonly ns: number
}

function measureRing({ quick }: Plan): Promise<readonly Finding[]> {
  return withNamespaces(2, async (lab) => {
    const servers = await startServers(lab)
    const program = join(lab.folder, 'ring')
    await command('gcc', ['-O2', '-o', program, source, '-lbpf'])
    const perRecord = { own: [] as number[], c: [] as number[] }
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < (quick ? 2 : 20); round++) {
      for (const kind of round % 2 === 0 ? (['own', 'c'] as const) : (['c', 'own'] as const)) {
        const { records, ns } = await drainOnce(lab, servers, kind === 'c' ? program : undefined)
        perRecord[kind].push(ns / records)
        least = Math.min(least, records)
      }
    }
    const own = median(perRecord.own).toFixed(0)
    const c = median(perRecord.c).toFixed(0)
    return [
      {
        what: `ring drain, own/C (at least ${least} records a round; ${own} and ${c} ns per record)`,
        value: showInterval(ratioInterval(perRecord.c, perRecord.own), 2),
      },
    ]
  })
}

/** Fills a fresh ring with the ends of real connections, then drains it with one of the two. */
async function drainOnce(lab: Lab, servers: Servers, program?: string): Promise<Drained> {
  const known = await ringIds()
  const probe = openSocketProbe({ netns: lab.netns(1).inode })
  try {
    await race(lab, servers, 1)
    if (program === undefined) return drainOwn(probe)
    const id = [...(await ringIds())].find((one) => !known.has(one))
    return JSON.parse(await command(program, [String(id)])) as Drained
  } finally {
    probe.close()
  }
}

function drainOwn(probe: ReturnType<typeof openSocketProbe>): Drained {
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

async function ringIds(): Promise<ReadonlySet<number>> {
  const maps = JSON.parse(await command('bpftool', ['-j', 'map', 'show'])) as {
    id: number
    type: string
    pids?: { pid: number }[]
  }[]
  const mine = maps.filter((map) => map.pids?.some((holder) => holder.pid === process.pid))
  return new Set(mine.filter(({ type }) => type === 'ringbuf').map(({ id }) => id))
}
