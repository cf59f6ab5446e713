// j k rows, ← → cells, + and - filter by the cell: what views/keys.ts sends to the table.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { addFilters, exclude } from '../../data/page.ts'
import type { Filter } from '../../domain/location.ts'
import type { FlowColumn } from './flow-columns.tsx'

interface Board {
  readonly rows: readonly Values[]
  readonly columns: readonly FlowColumn[]
  /** Key of the open row. */
  readonly selected: string | undefined
  readonly onSelect: (row: Values) => void
}

/** The name of the column that the keyboard is on. */
export function useKeyboard(board: Board): { at: string } {
  const [at, setAt] = useState('')
  const latest = useRef({ ...board, at })
  latest.current = { ...board, at }
  useEffect(() => {
    function act(event: Event): void {
      const { rows, columns, selected, onSelect, at: now } = latest.current
      const { keyOf } = model$.get().flows
      const index = rows.findIndex((row) => keyOf(row) === selected)
      const row = rows[index]
      const word = (event as CustomEvent<string>).detail
      if (word === 'left') setAt(neighbour(columns, now, -1))
      if (word === 'right') setAt(neighbour(columns, now, 1))
      if (word === 'plus' && row) addFilters(doorsOf(columns, now, row))
      if (word === 'minus' && row) exclude(doorsOf(columns, now, row))
      if (word === 'next') onSelect((rows[index + 1] ?? row ?? rows[0]) as Values)
      if (word === 'previous') onSelect((rows[index - 1] ?? row) as Values)
    }
    addEventListener('weir-row', act)
    return () => removeEventListener('weir-row', act)
  }, [])
  return { at }
}

function doorsOf(columns: readonly FlowColumn[], at: string, row: Values): readonly Filter[] {
  return columns.find(({ name }) => name === at)?.filters?.(row) ?? []
}

/** The next column that can be filtered by. */
function neighbour(columns: readonly FlowColumn[], from: string, step: 1 | -1): string {
  const doors = columns.filter(({ filters }) => filters).map(({ name }) => name)
  return doors[doors.indexOf(from) + step] ?? from
}
