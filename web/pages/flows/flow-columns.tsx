// The columns of the connections as data. Those that put several fields into one cell stand here; every other field
// of the model is a column that can be chosen. Heads are field names, because what you read is what you type in
// a filter.

import * as number from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { FieldInfo, Values } from '../../data/contract.ts'
import { location$ } from '../../data/page.ts'
import {
  ageNs,
  endFilters,
  endOf,
  retransmitsOf,
  type Side,
  samplingOf,
  stateOf,
  text,
} from '../../domain/flow.ts'
import type { TableModel } from '../../domain/model.ts'
import { visible } from '../../domain/text.ts'
import { clock, msOf } from '../../domain/time.ts'
import type { Column } from '../../views/table.tsx'
import { Estimate, Name, Num } from '../../views/text.tsx'
import { classOf, ShortValue, slotOf } from '../../views/value.tsx'

export interface FlowColumn extends Column<Values> {
  readonly head: string
  /** Shown unless other columns were chosen. */
  readonly usual: boolean
}

/** Of a socket alone: nothing to show of interfaces. */
const ofSockets = new Set(['retr', 'rtt', 'age', 'state'])
/** Fields that stand in their place. */
const ofInterfaces = new Set([
  'packets',
  'reverse_packets',
  'interface',
  'path',
  'tcp_flags',
  'counted',
])

/** Every column that there can be: the usual ones, and one for each field that none of them shows. */
export function flowColumns(
  flows: TableModel,
  view: 'socket' | 'interface' = 'socket',
): readonly FlowColumn[] {
  const shown = new Set(usual.flatMap(({ name, sort }) => [name, sort]))
  const isOfInterfaces = view === 'interface'
  return [
    ...usual.map((column) => ({
      ...column,
      usual: !isOfInterfaces || !ofSockets.has(column.name),
      help: flows.helpOf(column.sort ?? column.name),
    })),
    ...flows.fields
      .filter(({ name }) => !shown.has(name))
      .map((field) => ({
        ...fieldColumn(field),
        usual: isOfInterfaces && ofInterfaces.has(field.name),
      })),
  ]
}

function fieldColumn(field: FieldInfo): FlowColumn {
  const { name, help, kind, sum } = field
  const canFilter = !sum && kind !== 'time' && kind !== 'counter'
  return {
    name,
    head: name,
    help,
    class: classOf(field),
    slot: slotOf(field),
    usual: false,
    cell: (row) => <ShortValue row={row} field={field} />,
    sort: name,
    filters: (row) =>
      canFilter && text(row, name) !== '' ? [{ field: name, value: text(row, name) }] : [],
  }
}

const usual: readonly Omit<FlowColumn, 'usual' | 'help'>[] = [
  { name: 'time', head: 'time', class: 'mid', cell: (row) => <Time row={row} />, sort: 'time' },
  {
    name: 'src',
    head: 'src_process',
    cell: (row) => <EndCell row={row} side="src" />,
    sort: 'src_process',
    filters: (row) => endFilters(row, 'src'),
  },
  {
    name: 'src_address',
    head: 'src_address',
    class: 'mono',
    leaves: 'tight',
    cell: (row) => <Address row={row} side="src" />,
    sort: 'src_address',
    filters: (row) => [{ field: 'src_address', value: text(row, 'src_address') }],
  },
  {
    name: 'dst',
    head: 'dst',
    cell: (row) => <EndCell row={row} side="dst" />,
    filters: (row) => endFilters(row, 'dst'),
  },
  {
    name: 'dst_address',
    head: 'dst_address',
    class: 'mono',
    leaves: 'tight',
    cell: (row) => <Address row={row} side="dst" />,
    sort: 'dst_address',
    filters: (row) => [{ field: 'dst_address', value: text(row, 'dst_address') }],
  },
  {
    name: 'bytes',
    head: 'bytes',
    class: 'num',
    slot: 'u2',
    cell: (row) => <Volume row={row} field="bytes" />,
    sort: 'bytes',
  },
  {
    name: 'reverse',
    head: 'reverse',
    class: 'num',
    slot: 'u2',
    cell: (row) => <Volume row={row} field="reverse_bytes" />,
    sort: 'reverse_bytes',
  },
  {
    name: 'retr',
    head: 'retr.',
    class: 'num',
    cell: (row) => <Retransmits row={row} />,
    sort: 'retransmits',
  },
  {
    name: 'rtt',
    head: 'rtt',
    class: 'num',
    slot: 'u2',
    cell: (row) => <Rtt row={row} />,
    sort: 'rtt_ns',
  },
  { name: 'age', head: 'age', class: 'num mid', cell: (row) => <Age row={row} /> },
  {
    name: 'state',
    head: 'state',
    cell: (row) => <State row={row} />,
    sort: 'end_reason',
    filters: (row) => [stateOf(row).filter],
  },
]

function Time({ row }: { readonly row: Values }) {
  const { zone } = useCell(location$)
  return <time title={text(row, 'time')}>{clock(msOf(text(row, 'time')), zone, 3)}</time>
}

function EndCell({ row, side }: { readonly row: Values; readonly side: Side }) {
  const end = endOf(row, side)
  return (
    <span class="whole" title={visible(`${end.name}, ${end.address} port ${end.port}`)}>
      <Name text={end.name} />
      {side === 'dst' && <span>:{end.port}</span>}
      {side === 'src' && end.pid !== '' && <span class="dim"> {end.pid}</span>}
    </span>
  )
}

function Address({ row, side }: { readonly row: Values; readonly side: Side }) {
  const { address, port } = endOf(row, side)
  return (
    <span title={`${address} port ${port}`}>
      {address.includes(':') ? `[${address}]` : address}:{port}
    </span>
  )
}

function Volume({ row, field }: { readonly row: Values; readonly field: string }) {
  const bytes = Number(row[field])
  const sampling = samplingOf(row, field)
  return (
    <span title={number.exact(bytes)} class={bytes === 0 ? 'dim' : ''}>
      {sampling > 1 && <Estimate sampling={sampling} />}
      <Num figure={number.volume(bytes)} slot="u2" />
    </span>
  )
}

function Retransmits({ row }: { readonly row: Values }) {
  const again = retransmitsOf(row)
  if (again === undefined) return <Unmeasured why="Neither sender's socket is on a watched node." />
  return <span class={again === 0 ? 'dim' : ''}>{number.text(number.count(again))}</span>
}

function Rtt({ row }: { readonly row: Values }) {
  const rtt = row['rtt_ns']
  if (typeof rtt !== 'number') return <Unmeasured why="No round trip was measured yet." slot="u2" />
  return <Num figure={number.duration(rtt)} slot="u2" />
}

function Age({ row }: { readonly row: Values }) {
  const ns = ageNs(row)
  if (ns === undefined) return <Unmeasured why="It was open before Weir first saw it." />
  return <>{number.text(number.age(ns))}</>
}

function State({ row }: { readonly row: Values }) {
  const { word, failing } = stateOf(row)
  const title = [text(row, 'state'), text(row, 'end_reason')].filter(Boolean).join(', ')
  return (
    <span class={failing ? 'bad' : 'mid'} title={title}>
      <Name text={word} />
    </span>
  )
}

function Unmeasured({ why, slot }: { readonly why: string; readonly slot?: string }) {
  return (
    <span class="dim" title={why}>
      {slot ? <Num figure={number.unmeasured} slot={slot} /> : number.unmeasured.value}
    </span>
  )
}
