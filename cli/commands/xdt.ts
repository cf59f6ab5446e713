// The commands of `xdt`, the command line of the XDP telemetry system: Weir's own under its names.

import type { Command, CommandEntry, Values } from './command.ts'
import { print } from './command.ts'
import { logCommand } from './log.ts'
import { addCommand } from './rules-change.ts'
import { withRules } from './rules-shared.ts'
import { attachCommand, detachCommand } from './xdp.ts'
import { openKernel, placeFlags } from './xdp-shared.ts'

/** Generic mode unless another is named. */
const attach: Command = {
  ...attachCommand,
  name: 'attach',
  flags: attachCommand.flags.map((flag) =>
    flag.name === 'mode' ? { ...flag, default: 'skb' } : flag,
  ),
}

const list: Command = {
  name: 'list',
  summary: 'Shows the rules of an interface by their labels.',
  flags: placeFlags,
  examples: [],
  run: async (values, terminal) => {
    for (const line of await listed(values)) print(terminal, line)
    return 0
  },
}

const actionNumbers = { drop: 1, pass: 2, limit: 2 } as const

interface Listed {
  readonly label: number
  readonly action: keyof typeof actionNumbers
  readonly bits: number
  readonly cidr: string
}

/** By label, then action, length of the prefix, and address. */
async function listed(values: Values): Promise<readonly string[]> {
  const kernel = await openKernel()
  return withRules(values, ({ maps }, { interface: name }) => {
    const rules = kernel.lastingRules(maps, name).map(({ label, action, source }): Listed => {
      const cidr = source ? kernel.formatPrefix(source) : 'any'
      return { label, action, bits: source?.bits ?? 0, cidr }
    })
    const sorted = rules.toSorted(
      (one, other) =>
        one.label - other.label ||
        actionNumbers[one.action] - actionNumbers[other.action] ||
        one.bits - other.bits ||
        one.cidr.localeCompare(other.cidr, 'en', { numeric: true }),
    )
    const lines = sorted.flatMap(({ label, action, cidr }, at) => [
      ...(sorted[at - 1]?.label === label ? [] : [`label_id=${label}`]),
      `  action=${action} (${actionNumbers[action]}) cidr=${cidr}`,
    ])
    return [`Rules on ${name}:`, ...(lines.length === 0 ? ['  (no entries)'] : lines)]
  })
}

/** In the order of its own help. */
export const xdtCommands: readonly CommandEntry[] = [
  attach,
  { ...detachCommand, name: 'detach' },
  { ...addCommand, name: 'add' },
  list,
  logCommand,
]
