// The columns of a list of events. Heads are field names, because what you read is what you type in a filter.

import * as number from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Values } from '../../data/contract.ts'
import { location$ } from '../../data/page.ts'
import { wordsOf } from '../../domain/event.ts'
import { endFilters, endOf, type Side, text } from '../../domain/flow.ts'
import { visible } from '../../domain/text.ts'
import { clock, msOf } from '../../domain/time.ts'
import type { Column } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'

const columns: readonly Column<Values>[] = [
  { name: 'time', head: 'time', class: 'mid', cell: (row) => <Time row={row} /> },
  {
    name: 'kind',
    head: 'kind',
    cell: (row) => <Name text={text(row, 'kind')} />,
    filters: (row) => [{ field: 'kind', value: text(row, 'kind') }],
  },
  {
    name: 'what',
    head: 'what',
    tone: (row) => (wordsOf(row).failing ? 'bad' : ''),
    title: (row) => visible(wordsOf(row).words),
    cell: (row) => <Name text={wordsOf(row).words} />,
    filters: (row) => wordsOf(row).filters,
  },
  {
    name: 'count',
    head: 'count',
    class: 'num',
    title: (row) => number.exact(Number(row['count'])),
    cell: (row) => number.text(number.count(Number(row['count']))),
  },
  {
    name: 'src',
    head: 'src',
    cell: (row) => <End row={row} side="src" />,
    filters: (row) => endFilters(row, 'src'),
  },
  {
    name: 'dst',
    head: 'dst',
    cell: (row) => <End row={row} side="dst" />,
    filters: (row) => endFilters(row, 'dst'),
  },
  {
    name: 'node',
    head: 'node',
    class: 'mid',
    leaves: 'narrow',
    cell: (row) => <Name text={text(row, 'node')} />,
    filters: (row) => [{ field: 'node', value: text(row, 'node') }],
  },
]

/** Columns of the list of a kind: all of one kind have nothing to tell apart, single events nothing to count. */
export function eventColumns(kind: string): readonly Column<Values>[] {
  const hidden = new Set([
    ...(kind === '' ? [] : ['kind']),
    ...(kind === 'connection' || kind === 'reset' ? ['count'] : []),
  ])
  return columns.filter(({ name }) => !hidden.has(name))
}

function Time({ row }: { readonly row: Values }) {
  const { zone } = useCell(location$)
  const time = text(row, 'time')
  return <time title={time}>{clock(msOf(time), zone, 3)}</time>
}

function End({ row, side }: { readonly row: Values; readonly side: Side }) {
  const { name, address, port } = endOf(row, side)
  const shown = port === '0' || port === '' ? '' : `:${port}`
  return (
    <span class="whole" title={visible(`${name}, ${address} port ${port}`)}>
      <Name text={name} />
      {shown !== '' && <span class={side === 'src' ? 'dim' : ''}>{shown}</span>}
    </span>
  )
}
