// The XDP probe in the agent: packets of one or several interfaces as records of one size,
//
//   number of the interface, from 1 | inode of its network namespace | head of struct xdp_event | sample, up to the snap length
//
// one ring for each interface, drained in turn.

import { xdpEventByte, xdpEventWord } from '../../layout/xdp-event.ts'
import { fail } from '../../loader/errors.ts'
import type { OpenProbe, ProbeOptions, RecordSink, WatchedInterface, XdpWatch } from '../spec.ts'
import { watchInterface, type XdpInterface } from './watched-interface.ts'

const ringBytesDefault = 4 << 20
/** Words before the head, and octets of the head. */
const ownWords = 2
const headBytes = xdpEventByte.sample
/** Of a record in a ring. */
const ringHeadBytes = 8
/** How often it is looked whether an interface has gone or is back. */
const followMs = 1000

/** Size of a record with samples of at most `snap` octets. */
export function packetRecordBytes(snap: number): number {
  return ownWords * 4 + headBytes + ((snap + 3) & ~3)
}

/** Where in a record the head of struct xdp_event begins. */
export const packetHeadByte = ownWords * 4

/** Throws what the first interface refused if none could be attached to, and none may come. */
export function openXdpProbe(options: ProbeOptions): OpenProbe {
  const { xdp: watch, ringBytes = ringBytesDefault } = options
  if (!watch) throw new Error('no interface')
  const interfaces = watch.interfaces.map(({ name, netns }) =>
    watchInterface(
      { interface: name, root: watch.root, ...(netns !== undefined && { netns }) },
      watch,
      ringBytes,
    ),
  )
  return probeOf(interfaces, watch, ringBytes)
}

function probeOf(
  interfaces: readonly XdpInterface[],
  watch: XdpWatch,
  ringBytes: number,
): OpenProbe {
  const follow = createFollow(interfaces, watch)
  const recordBytes = packetRecordBytes(watch.snap)
  const copy = createCopy(recordBytes)
  let open = true
  let turn = 0

  function drain(sink: RecordSink, max = Number.POSITIVE_INFINITY): number {
    assertOpen()
    follow.look()
    let records = 0
    // Another one is first each time, so that none waits for a busy one.
    for (let step = 0; step < interfaces.length; step++) {
      const number = (turn + step) % interfaces.length
      const from = interfaces[number] as XdpInterface
      records += from.drain(copy(number + 1, from.netns(), sink), max - records)
    }
    turn = (turn + 1) % interfaces.length
    return records
  }

  function assertOpen(): void {
    if (!open) throw fail('probe_closed', { details: { what: 'xdp' } })
  }

  return {
    name: 'xdp',
    recordBytes,
    // A record without a sample is the smallest: all that the rings can hold.
    ringRecords: interfaces.length * Math.floor(ringBytes / (headBytes + ringHeadBytes)),
    get programs() {
      return [follow.report()]
    },
    drain,
    interfaces: follow.interfaces,
    counters: () => {
      assertOpen()
      const sums: Record<string, number> = {}
      for (const counts of interfaces.map((each) => each.counters())) {
        for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
      }
      return sums
    },
    use: () => new Map(),
    close: () => {
      if (!open) return
      open = false
      for (const each of interfaces) each.close()
    },
  }
}

/** Attaches at once, then looks again from time to time. */
function createFollow(interfaces: readonly XdpInterface[], watch: XdpWatch) {
  let reasons = interfaces.map((each) => each.update())
  let lookedMs = Date.now()

  return {
    look: () => {
      const now = Date.now()
      if (now - lookedMs < followMs && now >= lookedMs) return
      lookedMs = now
      reasons = interfaces.map((each) => each.update())
    },
    interfaces: () =>
      watch.interfaces.map(({ name }, at): WatchedInterface => {
        const refused = reasons[at] ?? ''
        const hook = refused === '' ? 'xdp' : ''
        return { index: refused === '' ? at + 1 : 0, name, refused, hook }
      }),
    report: () => {
      const missing = watch.interfaces.flatMap(({ name }, at) =>
        reasons[at] === '' ? [] : [`${name}: ${reasons[at]}`],
      )
      const id = interfaces.map((each) => each.programId()).find((found) => found > 0) ?? 0
      const state = id > 0 ? ('on' as const) : ('off' as const)
      return { name: 'weir_xdp', hook: 'xdp', state, why: missing.join('; '), id }
    },
  }
}

/** Gives the sink one whole record after the other, always in the same memory. */
function createCopy(recordBytes: number) {
  const record = new Uint32Array(recordBytes / 4)
  const octets = new Uint8Array(record.buffer)
  const headWords = headBytes / 4

  return (number: number, netns: number, sink: RecordSink): RecordSink =>
    (words, _, at) => {
      const sample = words[at + xdpEventWord.sample_bytes] as number
      const length = Math.min(headWords + ((sample + 3) >> 2), record.length - ownWords)
      record[0] = number
      record[1] = netns
      for (let index = 0; index < length; index++) {
        record[ownWords + index] = words[at + index] as number
      }
      sink(record, octets, 0)
    }
}
