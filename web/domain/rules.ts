// Rows of rules by the interface that has them.

import type { Values } from '../data/contract.ts'

export interface LoadedInterface {
  readonly key: string
  readonly node: string
  readonly name: string
  /** The row of the interface itself; undefined when a filter left it out. */
  readonly itself: Values | undefined
  /** In the order in which they are tried. */
  readonly rules: readonly Values[]
}

export function interfacesOf(rows: readonly Values[]): readonly LoadedInterface[] {
  const keyOf = (row: Values) => `${row['node']} ${row['interface']} ${row['netns']}`
  return [...Map.groupBy(rows, keyOf)].map(([key, some]) => ({
    key,
    node: String(some[0]?.['node']),
    name: String(some[0]?.['interface']),
    itself: some.find((row) => row['rank'] === 0),
    rules: some.filter((row) => row['rank'] !== 0),
  }))
}
