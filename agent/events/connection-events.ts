// What happens to TCP connections as rows of events, at their own time and once each, from the same records that flows are made of:
//
//   attempt      a connect() whose result is known: established, or why it failed and with which errno; time = connect(),
//                end = when it was established or failed
//   established  a connection that was accepted; time = the handshake as TCP's clock has it
//   closed       an end that was established is gone; time = its end, result = why
//
// Each end that this node sees has events of its own. What no record says is not made up: a connection that is older
// than the probe has no attempt, and one that vanished without a record has no end.

import { type Batch, eventTable, type Interner } from '../../wire/mod.ts'
import { octet, recordOctets, recordWords, roleSeen, short, word } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import type { Own } from '../identity/own.ts'
import { endColumnsOf } from '../rows/columns.ts'
import { createEndWriter } from '../rows/end-writer.ts'
import type { Moment } from '../rows/moment.ts'
import { createWallTime, isTimeKnown } from '../rows/wall-time.ts'
import { batchRowsMax, createWriter } from '../rows/writer.ts'
import { hasPair, isInitiator, shortAt, u32At } from '../tcp/end-table.ts'
import { createFlowNames } from '../tcp/flow-names.ts'
import { tcp } from '../tcp/outcome.ts'
import { isOwn } from '../tcp/own-connections.ts'
import type { Connections } from '../tcp/state.ts'

/** Which connections have events: all, those that failed, or none. What is left out is counted as filtered. */
export type ConnectionEventChoice = 'all' | 'failed' | 'off'

export interface ConnectionEventsOptions {
  readonly node: string
  readonly state: Connections
  readonly cgroups: Cgroups
  readonly own: Own
  /** `all` when not given. */
  readonly choice?: ConnectionEventChoice
  /** Rows of one batch; `batchRowsMax` when not given. */
  readonly rowsMax?: number
}

/** Since last taken; due = rows + filtered. */
export interface ConnectionEventCounts {
  readonly due: number
  readonly rows: number
  readonly filtered: number
}

export interface ConnectionEvents {
  /** Before the stage enrich reports, which forgets connections that have ended. The batch is used again. */
  report(moment: Moment, emit: (batch: Batch) => void): void
  takeCounts(): ConnectionEventCounts
}

/** Bits of the column `events` of an end. */
const reported = { opened: 1, closed: 2 } as const
const synRecv = 3
const two32 = 0x1_0000_0000

/** One end with something to report. */
interface Happening {
  readonly slot: number
  readonly isSrc: boolean
  /** It never was established. */
  readonly failed: boolean
}

export function createConnectionEvents(options: ConnectionEventsOptions): ConnectionEvents {
  const { state, own, choice = 'all', rowsMax = batchRowsMax } = options
  const { ends } = state
  const write = createEventWriter(options)
  let counts = { due: 0, rows: 0, filtered: 0 }

  function report(moment: Moment, emit: (batch: Batch) => void): void {
    askCgroups()
    write.begin(moment)
    for (let slot = 0; slot < ends.high; slot++) {
      if (ends.connection[slot] === -1 || ends.events[slot] === 3) continue
      visit(slot)
      if (write.batch().length < rowsMax) continue
      flush(emit)
      write.begin(moment)
    }
    flush(emit)
  }

  function flush(emit: (batch: Batch) => void): void {
    const batch = write.batch()
    counts.rows += batch.length
    if (batch.length > 0) emit(batch)
  }

  /** Before the first row of an end, so that it already carries its unit. */
  function askCgroups(): void {
    for (let slot = 0; slot < ends.high; slot++) {
      if (ends.connection[slot] === -1 || ends.events[slot] !== 0) continue
      const low = u32At(ends, slot, word.cgroup)
      options.cgroups.ownerOf(low + u32At(ends, slot, word.cgroup + 1) * two32)
    }
    options.cgroups.refresh()
  }

  function visit(slot: number): void {
    const tcpState = ends.octets[slot * recordOctets + octet.state] as number
    const isSrc = isInitiator(ends, slot)
    const isOpen = ends.closed[slot] === 0
    const isDialling = tcpState === tcp.synSent || tcpState === synRecv
    if (isDialling && isOpen) return
    const happening = { slot, isSrc, failed: isDialling }
    if (isNew(slot, reported.opened) && isBeginKnown(slot) && (isSrc || !isDialling)) {
      due(happening, isSrc ? 'attempt' : 'established')
    }
    if (ends.closed[slot] === 1 && isNew(slot, reported.closed) && !isDialling)
      due(happening, 'closed')
  }

  function isNew(slot: number, bit: number): boolean {
    const before = ends.events[slot] as number
    ends.events[slot] = before | bit
    return (before & bit) === 0
  }

  function isBeginKnown(slot: number): boolean {
    const flags = ends.octets[slot * recordOctets + octet.flags] as number
    const start = u32At(ends, slot, word.start) + u32At(ends, slot, word.start + 1)
    return start !== 0 && (flags & roleSeen) !== 0
  }

  function due(happening: Happening, phase: Phase): void {
    counts.due++
    const isChosen = choice === 'all' || (choice === 'failed' && happening.failed)
    if (!isChosen || isOwn(state, ends.connection[happening.slot] as number, own)) counts.filtered++
    else write.write(happening, phase)
  }

  function takeCounts(): ConnectionEventCounts {
    const taken = counts
    counts = { due: 0, rows: 0, filtered: 0 }
    return taken
  }

  return { report, takeCounts }
}

type Phase = 'attempt' | 'established' | 'closed'

function createEventWriter({ node, state, cgroups }: ConnectionEventsOptions) {
  const writer = createWriter(eventTable)
  const { ends, table } = state
  let interner = writer.batch().names
  let names = createEventNames(interner, node)
  const owners = createEndWriter({ node, cgroups, ends }, interner)
  const wallTime = createWallTime()
  const instant = new Uint32Array(2)
  let columns = writer.columns()
  let sides = { src: endColumnsOf(columns, 'src'), dst: endColumnsOf(columns, 'dst') }

  function begin(moment: Moment): void {
    writer.begin()
    wallTime.begin(moment)
    if (writer.batch().names === interner) return
    interner = writer.batch().names
    names = createEventNames(interner, node)
    owners.begin(interner)
  }

  function nextRow(): number {
    const row = writer.next()
    if (writer.columns() !== columns) {
      columns = writer.columns()
      sides = { src: endColumnsOf(columns, 'src'), dst: endColumnsOf(columns, 'dst') }
    }
    return row
  }

  function write({ slot, isSrc, failed }: Happening, phase: Phase): void {
    const row = nextRow()
    const side = isSrc ? 'src' : 'dst'
    columns.node.values[row] = names.flow.fixed.node
    columns.kind.values[row] = names.connection
    columns.phase.values[row] = names[phase]
    columns.observer.values[row] = names.flow.fixed[side]
    columns.protocol.values[row] = names.flow.fixed.protocol
    columns.count.values[row] = 1
    writeTuple(row, slot, isSrc)
    writeTimes({ row, slot }, phase, failed)
    if (failed || phase === 'closed') writeOutcome(row, slot, isSrc)
    else if (phase === 'attempt') columns.result.values[row] = names.established
    owners.end(sides[side], row, slot)
  }

  function writeTuple(row: number, slot: number, isSrc: boolean): void {
    const at = slot * recordWords
    copyAddress(columns.src_address.values, row, at + (isSrc ? word.local : word.remote))
    copyAddress(columns.dst_address.values, row, at + (isSrc ? word.remote : word.local))
    const [local, remote] = [
      shortAt(ends, slot, short.localPort),
      shortAt(ends, slot, short.remotePort),
    ]
    columns.src_port.values[row] = isSrc ? local : remote
    columns.dst_port.values[row] = isSrc ? remote : local
    columns.interface.values[row] = owners.text(ends.words, at + word.interface)
    columns.netns.values[row] = u32At(ends, slot, word.netns)
    // In its handshake a connection has an id that it may not keep.
    if (!hasPair(ends, slot) && ends.closed[slot] === 0) return
    const connection = ends.connection[slot] as number
    columns.connection_id.values[row * 2] = table.id[connection * 2] as number
    columns.connection_id.values[row * 2 + 1] = table.id[connection * 2 + 1] as number
  }

  function writeTimes(at: { row: number; slot: number }, phase: Phase, failed: boolean): void {
    const { row, slot } = at
    const { words } = ends
    const [start, end] = [slot * recordWords + word.start, slot * recordWords + word.time]
    wallTime.write(columns.time, row, words, phase === 'closed' ? end : start)
    if (isTimeKnown(words, start)) wallTime.write(columns.start, row, words, start)
    if (phase === 'closed' || (failed && ends.closed[slot] === 1)) {
      wallTime.write(columns.end, row, words, end)
    } else if (phase === 'attempt' && isTimeKnown(words, start)) {
      writeEstablished(row, slot)
    }
  }

  function writeEstablished(row: number, slot: number): void {
    const tookNs = u32At(ends, slot, word.handshake) * 1000
    if (tookNs === 0) return
    const low = u32At(ends, slot, word.start) + (tookNs % two32)
    instant[0] = low
    instant[1] =
      u32At(ends, slot, word.start + 1) + Math.floor(tookNs / two32) + (low < two32 ? 0 : 1)
    wallTime.write(columns.end, row, instant, 0)
  }

  function writeOutcome(row: number, slot: number, isSrc: boolean): void {
    const outcome = names.flow.outcome(state, isSrc ? slot : -1, isSrc ? -1 : slot)
    columns.result.values[row] = outcome.reason
    columns.errno.values[row] = outcome.errno
  }

  function copyAddress(to: Uint32Array, row: number, from: number): void {
    for (let index = 0; index < 4; index++) to[row * 4 + index] = ends.words[from + index] as number
  }

  return { begin, write, batch: writer.batch }
}

/** The texts of these rows as indexes: one object per interner. */
function createEventNames(names: Interner, node: string) {
  const index = (text: Phase | 'connection') => names.index(text)
  return {
    flow: createFlowNames(names, node),
    connection: index('connection'),
    attempt: index('attempt'),
    established: index('established'),
    closed: index('closed'),
  }
}
