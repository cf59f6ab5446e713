// Memory of answers, from the first row read until the client has taken the last octet. A question reserves
// what it may need, its answer holds what it is, and who does not fit waits in line or is turned away: 150
// slow readers of 10,000 rows each would otherwise hold two gigabytes.

export interface BudgetConfig {
  /** Octets of all answers together. */
  readonly bytesMax: number
  /** How many questions may wait. Policy beyond it, and after `waitMs`: turned away. */
  readonly waitingMax: number
  readonly waitMs: number
}

/** A part of the budget. */
export interface Share {
  /** Makes it smaller or larger at once, to what is really held. */
  resize(bytes: number): void
  /** Gives it back. Idempotent. */
  release(): void
}

export interface Budget {
  /** Waits for `bytes`; undefined when there was no room in time, or the signal came. */
  enter(bytes: number, signal: AbortSignal): Promise<Share | undefined>
  heldBytes(): number
  waiting(): number
}

interface Waiter {
  readonly bytes: number
  readonly go: (share: Share | undefined) => void
}

export function createBudget({ bytesMax, waitingMax, waitMs }: BudgetConfig): Budget {
  const line: Waiter[] = []
  let held = 0

  /** One that is larger than everything may go alone. */
  const fits = (bytes: number) => held === 0 || held + bytes <= bytesMax

  function take(bytes: number): Share {
    let own = bytes
    held += own
    const change = (to: number) => {
      held += to - own
      own = to
      letIn()
    }
    return { resize: change, release: () => change(0) }
  }

  function letIn(): void {
    for (let next = line[0]; next && fits(next.bytes); next = line[0]) {
      line.shift()
      next.go(take(next.bytes))
    }
  }

  async function enter(bytes: number, signal: AbortSignal): Promise<Share | undefined> {
    if (line.length === 0 && fits(bytes)) return take(bytes)
    if (line.length >= waitingMax) return undefined
    return new Promise((resolve) => {
      const leave = () => {
        const at = line.indexOf(waiter)
        if (at >= 0) line.splice(at, 1)
        waiter.go(undefined)
        letIn()
      }
      const timer = setTimeout(leave, waitMs)
      signal.addEventListener('abort', leave, { once: true })
      const waiter: Waiter = {
        bytes,
        go: (share) => {
          clearTimeout(timer)
          signal.removeEventListener('abort', leave)
          resolve(share)
        },
      }
      line.push(waiter)
    })
  }

  return { enter, heldBytes: () => held, waiting: () => line.length }
}
