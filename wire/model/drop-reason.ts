// What is said of one reason for a drop, and how it is written down.

/** What a person reads about one reason. */
export interface DropReason {
  readonly title: string
  readonly meaning: string
  /** In this order: ask Weir, run a command, change something. */
  readonly next: readonly [query: string, command: string, change: string]
}

/** Writes one down. */
export const reason = (
  title: string,
  meaning: string,
  ...next: DropReason['next']
): DropReason => ({
  title,
  meaning,
  next,
})
/** The question to Weir that shows where a reason comes from. */
export const query = (name: string, by = 'dst_address,dst_port') =>
  `weir drops --by ${by} 'reason = ${name}'`
/** All counters of the kernel. */
export const netstat = 'nstat -az'
