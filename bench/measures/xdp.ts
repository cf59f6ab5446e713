// What the XDP program costs per packet with 0, 1, 1,000 and 100,000 rules, less what an empty program costs in the
// same rounds (BPF_PROG_TEST_RUN); how long 100,000 prefixes take from text to force; drops a second on a veth pair
// beside nftables at its ingress hook, with the same 1,000 addresses.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLibbpf } from '../../kernel/loader/library.ts'
import { openTestRun, type TestRun } from '../../kernel/loader/test-run.ts'
import { loadNothing } from '../../kernel/loader/trial-program.ts'
import { placeOf } from '../../kernel/probes/xdp/attach.ts'
import { attachPinnedXdp, detachPinnedXdp } from '../../kernel/probes/xdp/door.ts'
import { loadXdpObject } from '../../kernel/probes/xdp/object.ts'
import { openPinned, type XdpMaps } from '../../kernel/probes/xdp/pinned.ts'
import { applyRules, rulesInForce } from '../../kernel/probes/xdp/rule-store.ts'
import { parseRules } from '../../kernel/rules/text.ts'
import { type Bpffs, mountBpffs } from '../../kernel/testing/bpffs.ts'
import { createPair, type Pair } from '../../kernel/testing/pair.ts'
import { udpFrame } from '../../kernel/testing/udp.ts'
import { command } from '../../test/traffic/mod.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const xdp: Measure = { name: 'xdp', run: measureXdp }

const goalNs = 60
const goalLoadMs = 1000
const room = { inputBytesMax: 256, outputBytesMax: 0, contextBytes: 0 }
const dropSources = 1000
// Each run of more than one packet waits for the kernel (the XDP dispatcher takes the program in and out): 20 ms.
const [sourcesPerRound, runsPerSource] = [64, 16]

async function measureXdp({ quick }: Plan): Promise<readonly Finding[]> {
  return [...perPacket(quick ? 2 : 9), ...(await drops(quick))]
}

/** Half of the sources are addresses, half networks of 24 bits; each is dropped by a rule of its own. */
function rulesOf(count: number): string {
  const line = (at: number) => {
    const number = Math.imul(at + 1, 2_654_435_761) >>> 0
    const [a, b, c, d] = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255)
    return at % 2 === 0 ? `drop from ${a}.${b}.${c}.${d}` : `drop from ${a}.${b}.${c}.0/24`
  }
  return [...new Set(Array.from({ length: count }, (_, at) => line(at)))].join('\n')
}

function perPacket(rounds: number): Finding[] {
  const object = loadXdpObject()
  const nothing = loadNothing('xdp')
  const empty = openTestRun(openLibbpf(), () => nothing, 'an empty program', room)
  const program = object.testRun('weir_xdp', room)
  const maps = new Proxy({}, { get: (_, name) => object.map(String(name)) }) as XdpMaps
  try {
    return [0, 1, 1000, 100_000].flatMap((count) => {
      const text = rulesOf(count)
      const [begun, busy] = [performance.now(), process.cpuUsage()]
      const { rules } = parseRules(text)
      const parsed = performance.now() - begun
      applyRules(maps, rules, { interface: 'eth0', protect: true })
      const loaded = performance.now() - begun
      const { user, system } = process.cpuUsage(busy)
      const sources = rules.map(({ source }) => source!.address.subarray(12))
      const cost = compare(program, empty, sources, rounds)
      const load: Finding = {
        what: `${count} rules from text to force, ms (${parsed.toFixed(0)} of it to read the text; CPU ${((user + system) / 1000).toFixed(0)} ms)`,
        value: loaded.toFixed(0),
        goal: `< ${goalLoadMs} ms`,
        holds: loaded < goalLoadMs,
      }
      return count === 100_000 ? [cost, load] : [cost]
    })
  } finally {
    object.close()
  }
}

/** Packets of the rules' sources in random order; without rules, of any. */
function compare(
  program: TestRun,
  empty: TestRun,
  sources: readonly Uint8Array[],
  rounds: number,
): Finding {
  const frame = udpFrame(53, 22)
  const spent: { program: number[]; empty: number[] } = { program: [], empty: [] }
  for (let round = -1; round < rounds; round++) {
    const figures = {
      program: average(program, frame, sources),
      empty: average(empty, frame, sources),
    }
    if (round < 0) continue
    spent.program.push(figures.program)
    spent.empty.push(figures.empty)
  }
  const base = median(spent.empty)
  const ns = median(spent.program) - base
  const held = sources.length === 1000 ? { goal: `≤ ${goalNs} ns`, holds: ns <= goalNs } : {}
  const what = `XDP with ${sources.length} rules, sources in random order, ns per packet less an empty program's (${base.toFixed(0)} ns)`
  return { what, value: ns.toFixed(0), ...held }
}

/** Each of some sources a few times in a row, as a driver hands over packets: the program's own code is warm. */
function average(run: TestRun, frame: Uint8Array, sources: readonly Uint8Array[]): number {
  let [total, state] = [0, 1]
  for (let packet = 0; packet < sourcesPerRound; packet++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const source = sources[(state >>> 8) % Math.max(1, sources.length)]
    if (source) frame.set(source, 26)
    total += run.run(frame, runsPerSource).durationNs
  }
  return total / sourcesPerRound
}

/** Frames from one namespace to another, dropped at its door by different means; every way counts all of them. */
async function drops(quick: boolean): Promise<readonly Finding[]> {
  const [frames, rounds] = quick ? [20_000, 1] : [500_000, 7]
  const folder = mkdtempSync(join(tmpdir(), 'weir-blast-'))
  const pair = createPair()
  const bpffs = mountBpffs()
  try {
    const blast = join(folder, 'blast')
    await command('gcc', ['-O2', '-o', blast, new URL('../load/blast.c', import.meta.url).pathname])
    const ways = [xdpWay(pair, bpffs, 'native'), xdpWay(pair, bpffs, 'generic'), nftWay(pair)]
    const rates = new Map(ways.map(({ name }) => [name, [] as number[]]))
    for (let round = -1; round < rounds; round++) {
      for (const way of ways) {
        const said = await way.around(() => blastFrom(pair, blast, frames))
        if (said.dropped !== frames) throw new Error(`${way.name}: ${said.dropped} of ${frames}`)
        if (round >= 0) rates.get(way.name)?.push(frames / said.seconds)
      }
    }
    const other = median(rates.get('nftables ingress') ?? [])
    return [...rates].map(([name, each]) => ({
      what: `${name}: drops a second with ${dropSources} addresses, veth, one sending process; beside it nftables ingress`,
      value: `${(median(each) / 1e6).toFixed(2)} M/s, ${(median(each) / other).toFixed(2)}×`,
    }))
  } finally {
    bpffs.remove()
    pair.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Way {
  readonly name: string
  around(work: () => number): Promise<{ readonly seconds: number; readonly dropped: number }>
}

function blastFrom({ near }: Pair, blast: string, frames: number): number {
  const said = near.run(blast, 'near0', '02:00:00:00:00:02', String(frames), String(dropSources))
  return (JSON.parse(said) as { seconds: number }).seconds
}

const address = (at: number) => `10.200.${at >> 8}.${at & 255}`

function xdpWay({ far }: Pair, { folder }: Bpffs, mode: 'native' | 'generic'): Way {
  const target = { interface: 'far0', netns: far.path, root: join(folder, 'weir') }
  const lines = Array.from({ length: dropSources }, (_, at) => `drop from ${address(at)}`)
  return {
    name: `XDP ${mode}`,
    around: async (work) => {
      await attachPinnedXdp(target, mode)
      const pinned = openPinned(placeOf(target))
      try {
        const { rules } = parseRules(lines.join('\n'))
        applyRules(pinned.maps, rules, { interface: 'far0', protect: true })
        const seconds = work()
        const counts = rulesInForce(pinned.maps, 'far0').rules.map((one) => one.counts)
        return { seconds, dropped: counts.reduce((sum, one) => sum + one.droppedPackets, 0) }
      } finally {
        pinned.close()
        await detachPinnedXdp(target)
      }
    },
  }
}

function nftWay({ far }: Pair): Way {
  const elements = Array.from({ length: dropSources }, (_, at) => address(at)).join(', ')
  return {
    name: 'nftables ingress',
    around: async (work) => {
      far.run('nft', 'add table netdev weir_bench')
      try {
        const bench = 'netdev weir_bench'
        far.run('nft', `add set ${bench} from { type ipv4_addr; elements = { ${elements} }; }`)
        const hook = '{ type filter hook ingress device "far0" priority 0; }'
        far.run('nft', `add chain ${bench} in ${hook}`)
        far.run('nft', `add rule ${bench} in ip saddr @from counter drop`)
        const seconds = work()
        const listed = far.run('nft', `list chain ${bench} in`)
        return { seconds, dropped: Number(/counter packets (\d+)/.exec(listed)?.[1]) }
      } finally {
        far.run('nft', 'delete table netdev weir_bench')
      }
    },
  }
}
