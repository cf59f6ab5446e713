// Labels of flows: what the rules of an interface (--xdp) say of the packets of a connection that come in there. The rules
// are those in force when the row is made, and a label depends on addresses, ports and protocol alone, so a row has the
// label that its packets' events have.
//
//   row           packets that come in
//   socket        to the end that is in the interface's network namespace, over this interface
//   interface     src → dst if the row's direction is received, else dst → src

import { statSync } from 'node:fs'
import { createPacketLabels, type PacketLabels, type XdpWatch } from '../../kernel/mod.ts'
import type { FlowField } from '../../wire/mod.ts'
import { type Batch, flowTable, ipProtocols } from '../../wire/mod.ts'
import { columnsOf } from '../rows/columns.ts'

export interface FlowLabels {
  /** Before the rows of an interval. */
  begin(): void
  /** Writes the labels of rows of flows; other tables stay as they are. */
  write(batch: Batch): void
}

interface Place {
  readonly name: string
  readonly labels: PacketLabels
}

/** IP protocols whose packets have ports that rules can look at. */
const withPorts = new Set([6, 17, 33, 132, 136])
const numbers = new Map(ipProtocols.map((name, number) => [name, number]))

export function createFlowLabels(watch: XdpWatch | undefined): FlowLabels {
  const places = (watch?.interfaces ?? []).map(({ name, netns }): Place => {
    const root = watch?.root ?? ''
    const target = { interface: name, root, ...(netns !== undefined && { netns }) }
    return { name, labels: createPacketLabels(target) }
  })

  function write(batch: Batch): void {
    if (places.length === 0 || batch.table !== flowTable) return
    const rows = rowsOf(batch)
    for (let row = 0; row < batch.length; row++) {
      for (const place of places) {
        const label = labelOf(rows, row, place)
        if (label === 0) continue
        rows.columns.label.values[row] = batch.names.index(String(label))
        break
      }
    }
  }

  return {
    begin: () => {
      for (const { labels } of places) labels.refresh()
    },
    write,
  }
}

interface Rows {
  readonly batch: Batch
  readonly columns: ReturnType<typeof columnsOf<FlowField>>
  readonly ownNetns: number
}

function rowsOf(batch: Batch): Rows {
  const ownNetns = statSync('/proc/self/ns/net', { throwIfNoEntry: false })?.ino ?? 0
  return { batch, columns: columnsOf<FlowField>(batch), ownNetns }
}

function labelOf({ batch, columns, ownNetns }: Rows, row: number, { name, labels }: Place): number {
  const text = (index: number | undefined) => batch.names.text(index ?? 0)
  const netns = labels.netns()
  const over = text(columns.interface.values[row])
  if (netns === 0 || (over !== name && over !== '')) return 0
  let [there, back] = [
    columns.dst_netns.values[row] === netns,
    columns.src_netns.values[row] === netns,
  ]
  if (text(columns.view.values[row]) === 'interface') {
    if (netns !== ownNetns) return 0
    there = text(columns.direction.values[row]) === 'received'
    back = !there
  }
  const protocol = numbers.get(text(columns.protocol.values[row])) ?? 0
  const src = endOf(columns.src_address.values, columns.src_port.values, row)
  const dst = endOf(columns.dst_address.values, columns.dst_port.values, row)
  const of = (from: typeof src, to: typeof src) =>
    labels.labelOf({
      source: from.address,
      destination: to.address,
      protocol,
      ...(withPorts.has(protocol) && { ports: { source: from.port, destination: to.port } }),
    })
  return (there ? of(src, dst) : 0) || (back ? of(dst, src) : 0)
}

function endOf(addresses: Uint32Array, ports: ArrayLike<number>, row: number) {
  const address = new Uint8Array(addresses.buffer, addresses.byteOffset + row * 16, 16)
  return { address, port: ports[row] as number }
}
