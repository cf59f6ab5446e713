// The parser of packets, run on octets through each of its doors. What it reads comes back as plain values.

import { readFileSync } from 'node:fs'
import { readBtf } from '../loader/btf.ts'
import { readElf } from '../loader/elf.ts'
import { kernelNames } from '../loader/host.ts'
import { createMapEntries } from '../loader/map-batch.ts'
import { openObject } from '../loader/object.ts'
import type { TestRun } from '../loader/test-run.ts'

/** What `struct packet` says, its addresses in hexadecimal. */
export interface ReadPacket {
  readonly src: string
  readonly dst: string
  readonly src_port: number
  readonly dst_port: number
  readonly family: number
  readonly protocol: number
  readonly tcp_flags: number
  readonly fault: number
  readonly ether_type: number
  readonly fragment: number
  readonly icmp_type: number
  readonly icmp_code: number
  readonly icmp_id: number
  readonly bytes: number
  readonly ip_offset: number
  readonly upper_offset: number
  readonly upper_bytes: number
}

/** `xdp` and `tc` take a frame of Ethernet, `socket` what follows such a header, `memory` any link. */
export type Door = 'xdp' | 'tc' | 'socket' | 'memory'

export interface Parser {
  /** Whether `memory` is there: it reads by a dynptr (Linux 5.19). */
  readonly hasMemory: boolean
  /** `link` is one of enum packet_link, for `memory`; `length` is that of the frame if it is truncated. */
  parse(door: Door, octets: Uint8Array, link?: number, length?: number): ReadPacket
  close(): void
}

const programOf = { xdp: 'packet_xdp', tc: 'packet_tc', socket: 'packet_socket' } as const
const memoryProgram = 'packet_memory_read'
/** A run takes no more than a page has room for. */
const inputBytesMax = 3520
const memoryBytes = 2 << 20
const dynptr = 'BPF_FUNC_dynptr_from_mem'

export function openParser(): Parser {
  const bytes = readFileSync(new URL('packet.bpf.o', import.meta.url))
  const what = 'the test of the packet parser'
  const options = { what, bytes, settings: {}, maxEntries: {} }
  const hasMemory = kernelNames([dynptr]).has(dynptr)
  const without = hasMemory ? [] : [memoryProgram]
  const object = openObject({ ...options, without: new Set(without) })
  const { members } = readBtf(readElf(bytes).section('.BTF')).struct('packet')
  const parsed = object.map('parsed')
  const memory = object.map('memory')
  const entries = createMapEntries()
  const runs = new Map<Door, TestRun>()
  const zero = new Uint8Array(4)
  const octetsInMap = new Uint8Array(memoryBytes)
  const anyFrame = new Uint8Array(64)

  function runOf(door: Door): TestRun {
    const program = door === 'memory' ? memoryProgram : programOf[door]
    const room = { inputBytesMax, outputBytesMax: 0, contextBytes: 0 }
    const run = runs.get(door) ?? object.testRun(program, room)
    runs.set(door, run)
    return run
  }

  function place(octets: Uint8Array, link: number, length: number): void {
    // Behind other octets, so that reading too far would find something.
    const base = 64
    octetsInMap.fill(0xff, 0, base + octets.length + 64)
    octetsInMap.set(octets, base)
    memory.update(zero, octetsInMap)
    const { set } = object.variables()
    for (const [name, value] of Object.entries({ base, held: octets.length, length, link })) {
      set(name, BigInt(value))
    }
  }

  function read(): ReadPacket {
    parsed.read(entries)
    const view = new DataView(entries.values.buffer)
    const values = members.map(({ name, byte, bytes: size }) => {
      if (size === 16)
        return [name, Buffer.from(entries.values.subarray(byte, byte + 16)).toString('hex')]
      if (size === 4) return [name, view.getUint32(byte, true)]
      return [name, size === 2 ? view.getUint16(byte, true) : view.getUint8(byte)]
    })
    const { interface: _, direction: __, ...packet } = Object.fromEntries(values)
    return packet as ReadPacket
  }

  return {
    hasMemory,
    parse: (door, octets, link = 1, length = octets.length) => {
      if (door === 'memory') place(octets, link, length)
      const run = runOf(door)
      const ethernet = new Uint8Array(14 + octets.length)
      ethernet.set(octets, 14)
      run.run(door === 'memory' ? anyFrame : door === 'socket' ? ethernet : octets)
      return read()
    },
    close: () => object.close(),
  }
}
