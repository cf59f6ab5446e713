// Whether a stage adds up: in = out + filtered + lost + what waiting rose by. Each figure is counted where it
// happens and by nobody else, so a sum that does not hold means that something is gone and no code knows of it.

/** What one stage counted in one interval. */
export interface StageFlow {
  readonly entered: number
  readonly left: number
  readonly filtered: number
  readonly lost: number
  /** At the end of the interval. */
  readonly waiting: number
}

export interface Balance {
  /**
   * Adds an interval and returns what it newly leaves unexplained: above 0 is gone, below 0 left without having
   * entered. Counters of the kernel are not read at one instant, so a difference counts when the next interval
   * still shows it.
   */
  add(flow: StageFlow): number
}

/** `waiting` is what waits at the begin. */
export function createBalance(waiting = 0): Balance {
  let before = waiting
  let difference = 0
  let explained = 0

  return {
    add: (flow) => {
      const rise = flow.waiting - before
      const next = difference + flow.entered - flow.left - flow.filtered - flow.lost - rise
      const lasting = smaller(difference, next)
      before = flow.waiting
      difference = next
      const known = lasting * explained > 0 ? explained : 0
      if (Math.abs(lasting) <= Math.abs(known)) return 0
      explained = lasting
      return lasting - known
    },
  }
}

/** What both have in common: 0 when their signs differ. */
function smaller(a: number, b: number): number {
  if (a > 0 && b > 0) return Math.min(a, b)
  if (a < 0 && b < 0) return Math.max(a, b)
  return 0
}
