// Rows as they are stored, pushed by the server (GET /api/live): nothing is asked again and again. What comes faster
// than it can be shown is counted, here and by the server, and said.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Values } from './contract.ts'

export interface LiveRows {
  /** The newest first. */
  readonly rows: readonly Values[]
  /** Rows that are stored and not among these. */
  readonly missed: number
  /** The server pushes, as far as is known; else whoever shows rows has to ask. */
  readonly isOpen: boolean
  /** Forgets what an answer that just came has: what it should have by now, too. */
  readonly settle: (isKnown: (row: Values) => boolean) => void
}

const rowsMax = 1000
/** A row is pushed once it is safe, a moment before a question finds it. */
const arrivalMs = 10_000
/** After a refusal it is asked again: rarely, since a filter that the server cannot look at stays one. */
const refusedMs = 30_000
/** People see no difference, and a burst is drawn once. */
const drawMs = 250

/** Listens while `on` and somebody looks; another path begins anew. */
export function useLiveRows(path: string, on: boolean): LiveRows {
  const [shown, setShown] = useState<Pick<LiveRows, 'rows' | 'missed'>>(nothing)
  const [isOpen, setOpen] = useState(true)
  const feed = useRef<Feed>(undefined)
  useEffect(() => {
    if (!on) return undefined
    const made = listen(path, setShown, setOpen)
    feed.current = made
    return () => {
      made.end()
      feed.current = undefined
      setOpen(true)
      setShown(nothing)
    }
  }, [path, on])
  return { ...shown, isOpen, settle: (isKnown) => feed.current?.settle(isKnown) }
}

const nothing = { rows: [], missed: 0 }

/** A row, and when it came by the browser's clock. */
interface Pushed {
  readonly row: Values
  readonly atMs: number
}

interface Feed {
  settle(isKnown: (row: Values) => boolean): void
  end(): void
}

function listen(
  path: string,
  show: (shown: Pick<LiveRows, 'rows' | 'missed'>) => void,
  setOpen: (open: boolean) => void,
): Feed {
  let source: EventSource | undefined
  let rows: readonly Pushed[] = []
  let missed = 0
  let timer = 0
  let again = 0

  function draw(): void {
    timer = 0
    show({ rows: rows.map(({ row }) => row), missed })
  }

  function change(next: readonly Pushed[], more: number): void {
    rows = next.slice(0, rowsMax)
    missed += more + Math.max(0, next.length - rowsMax)
    if (timer === 0) timer = window.setTimeout(draw, drawMs)
  }

  function open(): void {
    const opened = new EventSource(path)
    source = opened
    opened.onopen = () => setOpen(true)
    opened.onerror = () => {
      setOpen(false)
      // The browser opens it again by itself, unless the server refused: it had too many readers, for example.
      if (opened.readyState === EventSource.CLOSED) again = window.setTimeout(reopen, refusedMs)
    }
    opened.onmessage = ({ data }) =>
      change([{ row: JSON.parse(String(data)) as Values, atMs: Date.now() }, ...rows], 0)
    opened.addEventListener('lost', ({ data }) => change(rows, countIn(String(data))))
  }

  function reopen(): void {
    source = undefined
    look()
  }

  /** A hidden tab takes nothing: what it misses is in the next answer. */
  function look(): void {
    if (document.hidden) {
      source?.close()
      source = undefined
    } else if (!source) open()
  }

  look()
  document.addEventListener('visibilitychange', look)
  return {
    settle: (isKnown) => {
      const sinceMs = Date.now() - arrivalMs
      missed = 0
      rows = rows.filter(({ row, atMs }) => atMs >= sinceMs && !isKnown(row))
      draw()
    },
    end: () => {
      document.removeEventListener('visibilitychange', look)
      clearTimeout(timer)
      clearTimeout(again)
      source?.close()
    },
  }
}

/** `{"rows": 12}` */
function countIn(data: string): number {
  return (JSON.parse(data) as { readonly rows: number }).rows
}
