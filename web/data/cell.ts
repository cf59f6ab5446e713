// A value that components watch: the whole state management of the page.

import { useEffect, useState } from 'preact/hooks'

export interface Cell<T> {
  readonly get: () => T
  /** Stores and tells the watchers; the same value again is no change. */
  readonly set: (value: T) => void
  readonly watch: (seen: (value: T) => void) => () => void
}

export function createCell<T>(initial: T): Cell<T> {
  let current = initial
  const watchers = new Set<(value: T) => void>()
  return {
    get: () => current,
    set: (value) => {
      if (Object.is(value, current)) return
      current = value
      for (const seen of watchers) seen(value)
    },
    watch: (seen) => {
      watchers.add(seen)
      return () => watchers.delete(seen)
    },
  }
}

/** The cell's value; the component is drawn again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [value, setValue] = useState(cell.get())
  useEffect(() => {
    setValue(cell.get())
    return cell.watch(setValue)
  }, [cell])
  return value
}
