// Lets a fixed number of statements run at once. The queue has a bound; beyond it the policy is to refuse.

export interface Lane {
  /** Waits for a place and gives the function that leaves it; undefined when the queue is full. */
  enter(): Promise<() => void> | undefined
  /** How many are inside. */
  running(): number
}

export function createLane(width: number, waitingMax: number): Lane {
  const waiting: (() => void)[] = []
  let running = 0

  function enter(): Promise<() => void> | undefined {
    if (running < width) {
      running++
      return Promise.resolve(once(leave))
    }
    if (waiting.length >= waitingMax) return undefined
    return new Promise((resolve) => waiting.push(() => resolve(once(leave))))
  }

  /** The place goes to the next in line, or is free again. */
  function leave(): void {
    const next = waiting.shift()
    if (next) next()
    else running--
  }

  return { enter, running: () => running }
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
