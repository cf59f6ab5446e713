// Which rows of the list are drawn: rows of fixed height, only those in sight are in the document.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { hold } from '../data/page.ts'
import type { Slice } from './table.tsx'

/** A list that has more rows behind a cursor. */
interface Pages {
  readonly next: string | null | undefined
  readonly more: () => void
}

/** Rows drawn above and below those in sight. */
const spare = 8

interface InSight {
  readonly first: number
  readonly last: number
  readonly slice: Slice
}

/** The slice of `all` rows that is in sight; asks for more rows near the end of the list. */
export function useSlice(all: number, list: Pages): InSight {
  const body = useRef<HTMLTableSectionElement>(null)
  const above = useRef<HTMLTableCellElement>(null)
  const below = useRef<HTMLTableCellElement>(null)
  const [sight, setSight] = useState({ first: 0, count: 40, rowHeight: 28 })
  const first = Math.max(0, Math.min(sight.first, all - sight.count))
  const last = Math.min(all, first + sight.count)

  useLayoutEffect(() => {
    setHeight(above.current, first * sight.rowHeight)
    setHeight(below.current, (all - last) * sight.rowHeight)
  }, [first, last, all, sight.rowHeight])

  useEffect(() => {
    function look(): void {
      const place = body.current
      if (!place) return
      const row = place.querySelector<HTMLElement>('tr.row')
      const rowHeight = row?.offsetHeight || 28
      const top = place.getBoundingClientRect().top
      const hidden = Math.max(0, -top)
      const next = Math.max(0, Math.floor(hidden / rowHeight) - spare)
      const count = Math.ceil(innerHeight / rowHeight) + 2 * spare
      setSight((old) =>
        old.first === next && old.count === count && old.rowHeight === rowHeight
          ? old
          : { first: next, count, rowHeight },
      )
      // What is read must not move: below the first row, live stands still.
      hold('scroll', top < barHeight())
      if (place.getBoundingClientRect().bottom < innerHeight * 2) list.more()
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [all, list.next])
  useEffect(() => () => hold('scroll', false), [])

  return { first, last, slice: { all, body, above, below } }
}

/** Geometry that data decides goes through CSSOM: the policy forbids style attributes. */
function setHeight(element: HTMLElement | null, px: number): void {
  element?.style.setProperty('height', `${px}px`)
}

function barHeight(): number {
  return document.querySelector('.bar')?.getBoundingClientRect().height ?? 0
}
