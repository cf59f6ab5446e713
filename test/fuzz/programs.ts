// Every program in the kernel that reads packets, by BPF_PROG_TEST_RUN: each run must be counted, exactly once.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { AppError } from '../../common/mod.ts'
import { createMapEntries } from '../../kernel/loader/map-batch.ts'
import { sumOverCpus } from '../../kernel/loader/map-sum.ts'
import { type LoadedObject, openObject } from '../../kernel/loader/object.ts'
import { readCounters } from '../../kernel/probes/xdp/attach.ts'
import { loadXdpObject } from '../../kernel/probes/xdp/object.ts'
import type { XdpMaps } from '../../kernel/probes/xdp/pinned.ts'
import { openReader } from '../../kernel/probes/xdp/readers.ts'
import { applyRules } from '../../kernel/probes/xdp/rule-store.ts'
import { parseRules } from '../../kernel/rules/text.ts'
import { udpFrame } from '../../kernel/testing/udp.ts'
import type { Target } from './target.ts'

const macs = '020000000002020000000001'
const tcp = '1f90c35000000001000000025012ffff00000000'
const headers = [
  `${macs}08004500002800010000400600000a0000010a000002${tcp}`,
  `${macs}8100006408004700003000010000400600000a0000010a00000294040000000000000${'0'}${tcp}`,
  `${macs}86dd6000000000143c4020010db800000000000000000000000120010db80000000000000000000000020600010400000000${tcp}`,
  `${macs}86dd60000000001000402001${'0db8000000000000000000000001'}20010db80000000000000000000000021100050200000100`,
  `${macs}88a8006481000065884700001140450000${'1c0001200040110000'}0a0000010a000002003500350008${'0000'}`,
  `${macs}08060001080006040001${'00'.repeat(20)}`,
]
const frames = [udpFrame(53, 60), ...headers.map((text) => Buffer.from(text, 'hex'))]
/** A run takes no less of what says IPv4, and no more than a page has room for. */
const [frameBytesMin, octetsMax] = [34, 1400]
const room = { inputBytesMax: octetsMax + 64, outputBytesMax: 0, contextBytes: 0 }

const ruleText = `drop from 10.0.0.0/8 port 1-500 label 1
limit 1000pps from 10.0.0.0/9 proto tcp label 2
drop to 10.0.0.2 proto udp sport 1000-65535 label 3
pass from 2001:db8::/32 label 4
drop from ::/0 shadow label 5
limit 1MBps to 2001:db8::2 ban 1s label 6`

/** Padded to what a run takes; the programs must not rely on it. */
function framed(octets: Uint8Array): Uint8Array {
  if (octets.length >= frameBytesMin) return octets
  return Buffer.concat([octets, Buffer.alloc(frameBytesMin - octets.length)])
}

/** The kernel hands no frame to a run that says IPv6 and has no such header; a signal ends one. */
const refusals = new Set(['test_run_input', 'kernel_call'])

/** A frame that the kernel itself does not hand over is no case of the program. */
function runs(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof AppError && refusals.has(error.code)) return false
    throw error
  }
}

function xdpTarget(): Target {
  const object = loadXdpObject()
  const maps = new Proxy({}, { get: (_, name) => object.map(String(name)) }) as XdpMaps
  applyRules(maps, parseRules(ruleText).rules, { interface: 'eth0', protect: true })
  const program = object.testRun('weir_xdp', room)
  const reader = openReader(maps, 'eth0', { want: 'all', every: 3, snap: 256, protocols: [] })
  let ran = 0
  return {
    name: 'weir_xdp, with rules and a reader',
    seeds: frames,
    octetsMax,
    run: (octets) => {
      if (!runs(() => program.run(framed(octets)))) return
      ran++
      if (ran % 256 === 0) reader.drain(({ sample }) => assert.ok(sample.length <= 256))
    },
    end: () => {
      const { seen, passed = 0, dropped = 0 } = readCounters(maps.counters)
      assert.equal(seen, ran, 'every packet is counted')
      assert.equal(passed + dropped, ran, 'once')
      assert.ok(dropped > 0 && passed > 0)
    },
    close: () => {
      reader.close()
      object.close()
    },
  }
}

function openFlow(): LoadedObject {
  return openObject({
    what: 'the flow probe',
    bytes: readFileSync(new URL('../../kernel/build/flow.bpf.o', import.meta.url)),
    settings: {},
    maxEntries: { flows_a: 4096, flows_b: 1 },
    without: new Set(['flow_replay']),
  })
}

/** Few flows have room: the rest goes to the remainders, and is counted too. */
function flowTarget(program: 'flow_ingress' | 'flow_egress' | 'flow_filter'): Target {
  const object = openFlow()
  const run = object.testRun(program, room)
  let ran = 0
  return {
    name: program,
    seeds: frames,
    octetsMax,
    run: (octets) => {
      if (runs(() => run.run(framed(octets)))) ran++
    },
    end: () => {
      const entries = createMapEntries()
      const map = object.map('counters')
      map.read(entries)
      const of = (at: number) => {
        const sums = new Float64Array(entries.count)
        sumOverCpus(map, entries, { offset: at * 8, octets: 8 }, sums)
        return sums.reduce((sum, value) => sum + value, 0)
      }
      const [seen, sampledOut, counted, lost] = [of(0), of(1), of(2), of(3)]
      assert.equal(seen, ran, 'every packet is counted')
      assert.equal(sampledOut + counted + lost, ran, 'once')
    },
    close: () => object.close(),
  }
}

/** All of them. */
export function programs(): readonly Target[] {
  return [
    xdpTarget(),
    flowTarget('flow_ingress'),
    flowTarget('flow_egress'),
    flowTarget('flow_filter'),
  ]
}
