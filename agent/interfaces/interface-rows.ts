// Writes rows of view interface: one per conversation and place that its packets passed.

import { flowDirection } from '../../kernel/mod.ts'
import {
  type Batch,
  etherProtocols,
  type FlowField,
  flowTable,
  ipProtocols,
  otherProtocol,
} from '../../wire/mod.ts'
import { tcpFlagLetters } from '../events/packet-words.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import { type Columns, endColumnsOf } from '../rows/columns.ts'
import { createEndWriter } from '../rows/end-writer.ts'
import type { Moment } from '../rows/moment.ts'
import { createWallTime } from '../rows/wall-time.ts'
import { createWriter } from '../rows/writer.ts'
import type { Connections } from '../tcp/state.ts'
import { type Conversations, mark, tuple, tupleWords, way } from './conversations.ts'
import { connectionOf } from './sockets.ts'

/** What one row is about. */
export interface RowPlan {
  readonly conversation: number
  readonly point: number
  /** Interfaces of the conversation in the order of its packets, by index. */
  readonly path: readonly number[]
  readonly counted: boolean
  /** Which ways the row has; both, unless they are counted at different places. */
  readonly ways: readonly number[]
  readonly opened: boolean
}

export interface InterfaceRowsOptions {
  readonly node: string
  readonly state: Connections
  readonly cgroups: Cgroups
  /** Names of interfaces by index. */
  readonly names: ReadonlyMap<number, string>
  /** 0 and 1 = every packet. */
  readonly sampling: number
}

export interface InterfaceRows {
  batch(): Batch
  begin(moment: Moment): void
  write(conversations: Conversations, plan: RowPlan): void
}

type FlowColumns = Columns<FlowField>

/** By the octet of flags; V8 would make each text anew. */
const flagTexts = Array.from({ length: 256 }, (_, flags) => tcpFlagLetters(flags))

export function createInterfaceRows(options: InterfaceRowsOptions): InterfaceRows {
  const { node, state, cgroups, names } = options
  const writer = createWriter(flowTable)
  let columns = writer.columns()
  let sides = sidesOf(columns)
  let interner = writer.batch().names
  const owners = createEndWriter({ node, cgroups, ends: state.ends }, interner)
  const wallTime = createWallTime()
  const factor = Math.max(options.sampling, 1)
  const paths = new Map<string, number>()

  function begin(moment: Moment): void {
    writer.begin()
    interner = writer.batch().names
    owners.begin(interner)
    wallTime.begin(moment)
    paths.clear()
  }

  function nextRow(): number {
    const row = writer.next()
    if (writer.columns() !== columns) {
      columns = writer.columns()
      sides = sidesOf(columns)
    }
    return row
  }

  function write(conversations: Conversations, plan: RowPlan): void {
    const row = nextRow()
    const { conversation, point } = plan
    const { table, points } = conversations
    const isReversed = ((table.flags[conversation] as number) & mark.reversed) !== 0
    const ends = endsOf(table.tuple, conversation, isReversed)
    columns.counted.values[row] = plan.counted ? 1 : 0
    columns.sampling.values[row] = factor === 1 ? 0 : factor
    columns.opened.values[row] = plan.opened ? 1 : 0
    wallTime.writeNow(columns.time, row)
    wallTime.write(columns.first_packet, row, points.first, point * 2)
    wallTime.write(columns.last_packet, row, points.last, point * 2)
    if (hasAddresses(table.tuple, conversation)) writeEnds(columns, row, table.tuple, ends)
    writeNames(row, conversations, plan, isReversed)
    const [forward, back] = isReversed ? [way.ba, way.ab] : [way.ab, way.ba]
    if (plan.ways.includes(forward)) writeWay(columns, row, { conversations, point, goes: forward })
    if (plan.ways.includes(back)) writeBack(columns, row, { conversations, point, goes: back })
    columns.connection_id.values[row * 2] = table.id[conversation * 2] as number
    columns.connection_id.values[row * 2 + 1] = table.id[conversation * 2 + 1] as number
    const known = ((table.flags[conversation] as number) & mark.directionKnown) !== 0
    columns.direction_known.values[row] = known ? 1 : 0
    writeOwners(row, conversations, conversation, ends)
  }

  function writeNames(
    row: number,
    { table, points }: Conversations,
    ...[{ conversation, point, path }, isReversed]: [RowPlan, boolean]
  ): void {
    columns.node.values[row] = interner.index(node)
    columns.view.values[row] = interner.index('interface')
    columns.protocol.values[row] = interner.index(protocolOf(table.tuple, conversation))
    columns.interface.values[row] = interner.index(nameOf(points.interface[point] as number))
    const side = points.side[point] as number
    const leaves = (side === flowDirection.EGRESS) !== isReversed
    const direction = side === flowDirection.NONE ? '' : leaves ? 'sent' : 'received'
    columns.direction.values[row] = interner.index(direction)
    columns.path.values[row] = pathIndex(path)
  }

  function nameOf(index: number): string {
    return names.get(index) ?? `#${index}`
  }

  /** Conversations often share a path: its list is kept once per batch. */
  function pathIndex(path: readonly number[]): number {
    const key = path.join()
    const known = paths.get(key)
    if (known !== undefined) return known
    const index = writer.batch().heap.lists.push([...new Set(path.map(nameOf))]) - 1
    paths.set(key, index)
    return index
  }

  /** The sockets' ends if they are known; else which addresses are of this node. */
  function writeOwners(
    row: number,
    conversations: Conversations,
    ...[conversation, ends]: [number, Ends]
  ): void {
    const connection = connectionOf(conversations, conversation, state)
    const [src, dst] = [endOf(state.table.src, connection), endOf(state.table.dst, connection)]
    if (src >= 0) owners.end(sides.src, row, src)
    if (dst >= 0) owners.end(sides.dst, row, dst)
    const { tuple: words } = conversations.table
    const seesSrc = src >= 0 || state.locality.has(words, ends.src)
    const seesDst = dst >= 0 || state.locality.has(words, ends.dst)
    const observer = seesSrc ? (seesDst ? 'both' : 'src') : seesDst ? 'dst' : 'transit'
    columns.observer.values[row] = interner.index(observer)
  }

  function writeWay(to: FlowColumns, row: number, { conversations, point, goes }: OneWay): void {
    const { points } = conversations
    const at = point * 2 + goes
    to.bytes.values[row] = (points.bytes[at] as number) * factor
    to.packets.values[row] = (points.packets[at] as number) * factor
    to.total_bytes.values[row] = (points.totals[at] as number) * factor
    to.tcp_flags.values[row] = flagsIndex(points.tcpFlags[at] as number)
  }

  function writeBack(to: FlowColumns, row: number, { conversations, point, goes }: OneWay): void {
    const { points } = conversations
    const at = point * 2 + goes
    to.reverse_bytes.values[row] = (points.bytes[at] as number) * factor
    to.reverse_packets.values[row] = (points.packets[at] as number) * factor
    to.total_reverse_bytes.values[row] = (points.totals[at] as number) * factor
    to.reverse_tcp_flags.values[row] = flagsIndex(points.tcpFlags[at] as number)
  }

  function flagsIndex(flags: number): number {
    return (flags & 0xff) === 0 ? 0 : interner.index(flagTexts[flags & 0xff] as string)
  }

  return { batch: writer.batch, begin, write }
}

function sidesOf(columns: FlowColumns) {
  return { src: endColumnsOf(columns, 'src'), dst: endColumnsOf(columns, 'dst') }
}

interface OneWay {
  readonly conversations: Conversations
  readonly point: number
  readonly goes: number
}

/** Where the addresses of the row's ends are, in words, and their ports. */
interface Ends {
  readonly src: number
  readonly dst: number
  readonly srcPort: number
  readonly dstPort: number
}

function endsOf(tuples: Uint32Array, conversation: number, isReversed: boolean): Ends {
  const at = conversation * tupleWords
  const ports = tuples[at + tuple.ports] as number
  const [a, b] = [ports & 0xffff, ports >>> 16]
  return isReversed
    ? { src: at + tuple.b, dst: at + tuple.a, srcPort: b, dstPort: a }
    : { src: at + tuple.a, dst: at + tuple.b, srcPort: a, dstPort: b }
}

function writeEnds(columns: FlowColumns, row: number, tuples: Uint32Array, ends: Ends): void {
  columns.src_port.values[row] = ends.srcPort
  columns.dst_port.values[row] = ends.dstPort
  for (let index = 0; index < 4; index++) {
    columns.src_address.values[row * 4 + index] = tuples[ends.src + index] as number
    columns.dst_address.values[row * 4 + index] = tuples[ends.dst + index] as number
  }
}

/** What has none carries its interface in their place, and its direction (conversations.ts). */
export function hasAddresses(tuples: Uint32Array, conversation: number): boolean {
  const kind = tuples[conversation * tupleWords + tuple.kind] as number
  return (kind & 0xff_0000) === 0 && (kind & 0xff00) !== 0
}

function protocolOf(tuples: Uint32Array, conversation: number): string {
  const at = conversation * tupleWords
  const kind = tuples[at + tuple.kind] as number
  const family = (kind >> 8) & 0xff
  if (family !== 0) return ipProtocols[kind & 0xff] ?? ''
  return etherProtocols.get((tuples[at + tuple.ports] as number) & 0xffff) ?? otherProtocol
}

function endOf(slots: Int32Array, connection: number): number {
  return connection < 0 ? -1 : (slots[connection] as number)
}
