// Captured frames as rows of the table `events`, kind packet, so that a filter of Weir's language can choose among them, and
// the words that the comment of a frame has.

import { type Batch, type EventField, eventTable } from '../../wire/mod.ts'
import { protocolName, tcpFlagLetters } from '../events/packet-words.ts'
import type { Columns } from '../rows/columns.ts'
import { createWriter } from '../rows/writer.ts'
import type { FrameFields } from './frame.ts'
import type { SocketOwner, SocketOwners } from './socket-owners.ts'

export interface FrameRowsOptions {
  readonly node: string
  readonly interface: string
  readonly netns: number
  readonly owners: SocketOwners
  /** Of the rule that holds for a received frame; 0 = none. */
  readonly labelOf: (fields: FrameFields) => number
}

export interface FrameRow {
  readonly fields: FrameFields
  readonly isSent: boolean
  readonly timeNs: bigint
}

export interface FrameRows {
  begin(): void
  /** Adds a row; returns the comment of the frame: its process and its label, as far as they are known. */
  add(frame: FrameRow): string
  batch(): Batch
}

export function createFrameRows(options: FrameRowsOptions): FrameRows {
  const { owners, labelOf } = options
  const writer = createWriter(eventTable)

  function add({ fields, isSent, timeNs }: FrameRow): string {
    const row = writer.next()
    const columns = writer.columns()
    const { names } = writer.batch()
    const name = (text: string) => names.index(text)
    const label = isSent ? 0 : labelOf(fields)
    const owner = ownerOf(owners, fields, isSent)
    columns.time.values[row * 2] = Number(timeNs & 0xffff_ffffn)
    columns.time.values[row * 2 + 1] = Number(timeNs >> 32n)
    columns.node.values[row] = name(options.node)
    columns.kind.values[row] = name('packet')
    columns.interface.values[row] = name(options.interface)
    columns.netns.values[row] = options.netns
    columns.direction.values[row] = name(isSent ? 'sent' : 'received')
    columns.protocol.values[row] = name(fields.family === 0 ? '' : protocolName(fields.protocol))
    columns.tcp_flags.values[row] = name(tcpFlagLetters(fields.tcpFlags))
    columns.label.values[row] = name(label === 0 ? '' : String(label))
    writeNumbers(columns, row, fields)
    const side = isSent ? 'src' : 'dst'
    columns[`${side}_process`].values[row] = name(owner?.process ?? '')
    columns[`${side}_pid`].values[row] = owner?.pid ?? 0
    return commentOf(owner, label)
  }

  return { begin: writer.begin, add, batch: writer.batch }
}

function writeNumbers(columns: Columns<EventField>, row: number, fields: FrameFields): void {
  columns.count.values[row] = 1
  columns.bytes.values[row] = fields.bytes
  writeAddress(columns.src_address.values, row, fields.source)
  writeAddress(columns.dst_address.values, row, fields.destination)
  columns.src_port.values[row] = Math.max(0, fields.sourcePort)
  columns.dst_port.values[row] = Math.max(0, fields.destinationPort)
  for (const [column, value] of [
    [columns.packet_size_bytes, fields.bytes],
    [columns.ether_type, fields.etherType],
    [columns.vlan, fields.vlan],
    [columns.icmp_type, fields.icmpType],
    [columns.icmp_code, fields.icmpCode],
  ] as const) {
    if (value < 0) continue
    column.nulls[row] = 0
    column.values[row] = value
  }
}

/** The column has words, an address octets. */
function writeAddress(values: Uint32Array, row: number, address: Uint8Array): void {
  new Uint8Array(values.buffer, values.byteOffset + row * 16, 16).set(address)
}

/** Whose socket on this machine a frame is from, or for. */
function ownerOf(
  owners: SocketOwners,
  fields: FrameFields,
  isSent: boolean,
): SocketOwner | undefined {
  if (fields.sourcePort < 0) return undefined
  const source = { address: fields.source, port: fields.sourcePort }
  const destination = { address: fields.destination, port: fields.destinationPort }
  const [local, remote] = isSent ? [source, destination] : [destination, source]
  return owners.ownerOf(fields.protocol, local, remote)
}

function commentOf(owner: SocketOwner | undefined, label: number): string {
  return [
    ...(owner ? [`process=${owner.process} pid=${owner.pid}`] : []),
    ...(label === 0 ? [] : [`label=${label}`]),
  ].join(' ')
}
