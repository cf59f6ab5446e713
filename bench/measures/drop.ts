// What the drop probe costs per dropped packet in a flood, by the kernel's statistics of BPF programs; beside it what an
// empty program on the same tracepoint costs, most of which are the two clock readings of the statistics themselves.

import { closeSync } from 'node:fs'
import { tracing } from '../../kernel/loader/attach/tracing.ts'
import { bpfCall, callRefused } from '../../kernel/loader/bpf-call.ts'
import { errorText } from '../../kernel/loader/library.ts'
import type { ProgramUse } from '../../kernel/loader/program-use.ts'
import { type DropProbe, openDropProbe } from '../../kernel/probes/drop/drop.ts'
import { readDrops } from '../../kernel/testing/drop-record.ts'
import { type DropRule, dropRule, runPython, sumOf } from '../../kernel/testing/drops.ts'
import { openAttachObject } from '../../kernel/testing/loader.ts'
import { createPair, type Pair } from '../../kernel/testing/pair.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const drop: Measure = { name: 'drop', run: measureDrop }

const goalNs = 250
const emptyProgram = 'empty_drop'

interface Round {
  /** Nanoseconds per dropped packet: all programs of the probe, and the empty one. */
  readonly ns: number
  readonly emptyNs: number
  /** By program. */
  readonly parts: ReadonlyMap<string, number>
  readonly dropped: number
  readonly recorded: number
}

async function measureDrop({ quick }: Plan): Promise<readonly Finding[]> {
  const statistics = bpfCall('enableStatistics', [0])
  if (statistics < 0) throw callRefused('measuring BPF programs', errorText(statistics))
  const pair = createPair()
  const empty = openAttachObject()
  const probe = openDropProbe()
  try {
    empty.attach(emptyProgram, tracing, { tracepoint: 'kfree_skb' })
    const rule = dropRule(pair.far, 'input', 'udp dport 5002')
    const flood = { pair, probe, rule, packets: quick ? 20_000 : 200_000 }
    const emptyUse = () => empty.use().get(emptyProgram) as ProgramUse
    const rounds = Array.from({ length: quick ? 2 : 9 }, () => oneRound(flood, emptyUse))
    return [costFinding(rounds), exactFinding(rounds)]
  } finally {
    probe.close()
    empty.close()
    pair.remove()
    closeSync(statistics)
  }
}

interface Flood {
  readonly pair: Pair
  readonly probe: DropProbe
  readonly rule: DropRule
  readonly packets: number
}

function oneRound({ pair, probe, rule, packets }: Flood, emptyUse: () => ProgramUse): Round {
  probe.dump()
  const [usedBefore, emptyBefore, countedBefore] = [probe.use(), emptyUse(), rule.count().packets]
  runPython(pair, [
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((NEAR, 5001)); s.connect((FAR, 5002))',
    "send, octets = s.send, b'x' * 100",
    `for _ in range(${packets}): send(octets)`,
  ])
  const [used, empty, counted] = [probe.use(), emptyUse(), rule.count().packets]
  const records = readDrops(new Uint8Array(probe.dump()))
  const own = records.filter(({ destination_port: port }) => port === 5002)
  const parts = new Map<string, number>()
  // Other packets of the host are dropped too: per run of the program that is first on the tracepoint.
  const runs = (used.get('drop_packet')?.runs ?? 0) - (usedBefore.get('drop_packet')?.runs ?? 0)
  for (const [name, use] of used) {
    const ns = (use.runTimeNs - (usedBefore.get(name)?.runTimeNs ?? 0)) / runs
    if (name.startsWith('drop_')) parts.set(name, ns)
  }
  return {
    ns: [...parts.values()].reduce((sum, ns) => sum + ns, 0),
    emptyNs: (empty.runTimeNs - emptyBefore.runTimeNs) / (empty.runs - emptyBefore.runs),
    parts,
    dropped: counted - countedBefore,
    recorded: sumOf(own, 'count'),
  }
}

/** The parts are those of the round in the middle. */
function costFinding(rounds: readonly Round[]): Finding {
  const sorted = rounds.toSorted((a, b) => a.ns - b.ns)
  const middle = sorted[sorted.length >> 1] as Round
  const parts = [...middle.parts].map(([name, ns]) => `${name} ${ns.toFixed(0)}`).join(', ')
  const empty = median(rounds.map(({ emptyNs }) => emptyNs)).toFixed(0)
  const span = `${sorted[0]?.ns.toFixed(0)}–${sorted.at(-1)?.ns.toFixed(0)}`
  return {
    what: `ns per dropped packet of a flood (${parts}; an empty program ${empty})`,
    value: `${middle.ns.toFixed(0)} (${span})`,
    goal: `≤ ${goalNs} ns`,
    holds: middle.ns <= goalNs,
  }
}

function exactFinding(rounds: readonly Round[]): Finding {
  const [dropped, recorded] = [
    rounds.reduce((sum, round) => sum + round.dropped, 0),
    rounds.reduce((sum, round) => sum + round.recorded, 0),
  ]
  return {
    what: 'packets of the flood that were reported, of those that nftables dropped',
    value: `${recorded} of ${dropped}`,
    goal: 'all',
    holds: recorded === dropped && dropped > 0,
  }
}
