// What the flow probe's programs cost per packet, less what an empty program costs in the same rounds. Each run of a
// program is one packet (BPF_PROG_TEST_RUN): flows come in random order, so that their counts are not in the cache.

import { readFileSync } from 'node:fs'
import { openLibbpf } from '../../kernel/loader/library.ts'
import { type LoadedObject, openObject } from '../../kernel/loader/object.ts'
import { openTestRun, type TestRun } from '../../kernel/loader/test-run.ts'
import { loadNothing } from '../../kernel/loader/trial-program.ts'
import { flowSettings } from '../../kernel/probes/flow/flow.ts'
import { udpFrame } from '../../kernel/testing/udp.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const flow: Measure = { name: 'flow', run: measureFlow }

const room = { inputBytesMax: 256, outputBytesMax: 0, contextBytes: 0 }
const goalsNs = new Map([
  [4096, 75],
  [65_536, 120],
])
const object = () =>
  openObject({
    what: 'the flow probe',
    bytes: readFileSync(new URL('../../kernel/build/flow.bpf.o', import.meta.url)),
    settings: flowSettings({}),
    maxEntries: { flows_a: 1 << 17, flows_b: 1 },
    without: new Set(['flow_replay']),
  })

async function measureFlow({ quick }: Plan): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const [flows, goal] of goalsNs) {
    for (const [program, kind] of [
      ['flow_ingress', 'tc'],
      ['flow_filter', 'socket'],
    ] as const) {
      const loaded = object()
      try {
        found.push(perPacket(loaded, { program, kind, flows, goal, rounds: quick ? 2 : 9 }))
      } finally {
        loaded.close()
      }
    }
  }
  return found
}

interface Case {
  readonly program: string
  readonly kind: 'tc' | 'socket'
  readonly flows: number
  readonly goal: number
  readonly rounds: number
}

function perPacket(loaded: LoadedObject, { program, kind, flows, goal, rounds }: Case): Finding {
  const nothing = loadNothing(kind)
  const empty = openTestRun(openLibbpf(), () => nothing, 'an empty program', room)
  const counting = loaded.testRun(program, room)
  // A socket filter sees what follows the Ethernet header of the run.
  const inner = udpFrame(53, 22)
  const frame = kind === 'tc' ? inner : Uint8Array.of(...new Uint8Array(14), ...inner)
  const [spent, idle]: number[][] = [[], []]
  for (let round = -1; round < rounds; round++) {
    const counted = average(counting, frame, flows)
    const base = average(empty, frame, flows)
    if (round < 0) continue
    spent!.push(counted)
    idle!.push(base)
  }
  const ns = median(spent!) - median(idle!)
  const holds = kind === 'tc' ? { goal: `≤ ${goal} ns`, holds: ns <= goal } : {}
  const what = `${program}, ${flows} flows in random order, ns per packet less an empty program's (${median(idle!).toFixed(0)} ns)`
  return { what, value: ns.toFixed(0), ...holds }
}

/** Nanoseconds of a run, over as many packets as there are flows, at least 16,384. */
function average(run: TestRun, frame: Uint8Array, flows: number): number {
  const packets = Math.max(flows, 16_384)
  const view = new DataView(frame.buffer)
  const sourceAt = frame.length - 22 - 8 - 8
  let [total, state] = [0, 1]
  for (let packet = 0; packet < packets; packet++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    view.setUint32(sourceAt, (state >>> 8) % flows)
    total += run.run(frame).durationNs
  }
  return total / packets
}
