// Rows as they are stored, pushed by the server (GET /api/live): nothing is asked again and again. What comes faster
// than it can be shown is counted, here and by the server, and said.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Values } from './contract.ts'

export interface LiveRows {
  /** The newest first, since the last `clear`. */
  readonly rows: readonly Values[]
  /** Rows that are stored and not among these. */
  readonly missed: number
  /** The server pushes; else whoever shows rows has to ask. */
  readonly isOpen: boolean
  /** Forgets what an answer has by now. */
  readonly clear: () => void
}

const rowsMax = 1000
/** People see no difference, and a burst is drawn once. */
const drawMs = 250

/** Listens while `on` and somebody looks; another path begins anew. */
export function useLiveRows(path: string, on: boolean): LiveRows {
  const [shown, setShown] = useState<Pick<LiveRows, 'rows' | 'missed'>>(nothing)
  const [isOpen, setOpen] = useState(false)
  const feed = useRef<Feed>(undefined)
  useEffect(() => {
    if (!on) return undefined
    const made = listen(path, setShown, setOpen)
    feed.current = made
    return () => {
      made.end()
      feed.current = undefined
      setOpen(false)
      setShown(nothing)
    }
  }, [path, on])
  return { ...shown, isOpen, clear: () => feed.current?.clear() }
}

const nothing = { rows: [], missed: 0 }

interface Feed {
  clear(): void
  end(): void
}

function listen(
  path: string,
  show: (shown: Pick<LiveRows, 'rows' | 'missed'>) => void,
  setOpen: (open: boolean) => void,
): Feed {
  let source: EventSource | undefined
  let rows: Values[] = []
  let missed = 0
  let timer = 0

  function draw(): void {
    timer = 0
    show({ rows, missed })
  }

  function change(next: Values[], more: number): void {
    rows = next.slice(0, rowsMax)
    missed += more + Math.max(0, next.length - rowsMax)
    if (timer === 0) timer = window.setTimeout(draw, drawMs)
  }

  function open(): void {
    const opened = new EventSource(path)
    source = opened
    opened.onopen = () => setOpen(true)
    // The browser opens it again by itself, unless the server refused.
    opened.onerror = () => setOpen(false)
    opened.onmessage = ({ data }) => change([JSON.parse(String(data)) as Values, ...rows], 0)
    opened.addEventListener('lost', ({ data }) => change(rows, countIn(String(data))))
  }

  /** A hidden tab takes nothing: what it misses is in the next answer. */
  function look(): void {
    if (document.hidden) {
      source?.close()
      source = undefined
      setOpen(false)
    } else if (!source) open()
  }

  look()
  document.addEventListener('visibilitychange', look)
  return {
    clear: () => {
      missed = 0
      rows = []
      show(nothing)
    },
    end: () => {
      document.removeEventListener('visibilitychange', look)
      clearTimeout(timer)
      source?.close()
    },
  }
}

/** A number, or an object that has one as `count` or `lost`. */
function countIn(data: string): number {
  const said: unknown = JSON.parse(data)
  if (typeof said === 'number') return said
  const { count, lost } = said as { readonly count?: number; readonly lost?: number }
  return count ?? lost ?? 1
}
