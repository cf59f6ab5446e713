// `weir rules`: what the XDP program does with which packets.

import { createListing, listingFlags } from '../render/listing.ts'
import type { Command, CommandGroup, Values } from './command.ts'
import { print } from './command.ts'
import { addCommand, applyCommand, confirmCommand, removeCommand } from './rules-change.ts'
import { fileOperand, readRuleFile } from './rules-file.ts'
import { withRules } from './rules-shared.ts'
import { openKernel, placeFlags, targetOf } from './xdp-shared.ts'

const fields = [
  'cidr',
  'to',
  'action',
  'label_id',
  'packets',
  'bytes',
  'dropped',
  'dropped_bytes',
  'shadow',
  'expires_seconds',
  'priority',
  'rule',
] as const

const list: Command = {
  name: 'rules list',
  summary: 'Shows the rules in force on an interface with what each has counted.',
  description:
    'In the order in which they are tried. BYTES are of layer 3. DROPPED of a rule in shadow mode is what it would have dropped.',
  flags: [...placeFlags, ...listingFlags],
  examples: [
    { command: 'weir rules list -i eth0', what: 'for people' },
    { command: 'weir rules list -i eth0 --output ndjson', what: 'an object per rule' },
  ],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const listing = createListing(terminal, values, {
      fields,
      columns: fields.map((name) => ({
        head: name.replaceAll('_', ' ').toUpperCase(),
        priority: { rule: 3, priority: 2, dropped_bytes: 1 }[name as 'rule'] ?? 0,
        ...(/^(?:cidr|to|action|rule)$/.test(name) ? {} : { align: 'right' as const }),
        cell: (row) => String(row[name] ?? ''),
      })),
    })
    const rows = await withRules(values, ({ maps }, target) => {
      const { rules, unconfirmedNs } = kernel.rulesInForce(maps, target.interface)
      if (unconfirmedNs !== undefined) {
        const seconds = Math.ceil(Number(unconfirmedNs) / 1e9)
        const { interface: name } = target
        terminal.err.write(`taken back in ${seconds} s without: weir rules confirm -i ${name}\n`)
      }
      const now = kernel.bootNs()
      return rules
        .filter(({ expiresNs }) => expiresNs === 0n || expiresNs > now)
        .map(({ rule, expiresNs, counts }) => ({
          cidr: rule.source ? kernel.formatPrefix(rule.source) : rule.family === 6 ? '::/0' : 'any',
          to: rule.destination ? kernel.formatPrefix(rule.destination) : 'any',
          action: rule.action,
          label_id: rule.label,
          packets: counts.packets,
          bytes: counts.bytes,
          dropped: counts.droppedPackets,
          dropped_bytes: counts.droppedBytes,
          shadow: rule.shadow,
          expires_seconds: expiresNs === 0n ? null : Math.ceil(Number(expiresNs - now) / 1e9),
          priority: rule.priority,
          rule: kernel.formatRule(rule),
        }))
    })
    await listing.add(rows)
    if (rows.length === 0 && values.text('output') === 'table') print(terminal, '(no entries)')
    listing.finish()
    return 0
  },
}

const exportRules: Command = {
  name: 'rules export',
  summary: 'Writes the rules in force as the text that weir rules apply reads.',
  flags: placeFlags,
  examples: [{ command: 'weir rules export -i eth0', what: 'to be kept in a file' }],
  run: async (values, terminal) => {
    for (const line of await exported(values)) print(terminal, line)
    return 0
  },
}

async function exported(values: Values): Promise<readonly string[]> {
  const kernel = await openKernel()
  return withRules(values, ({ maps }, { interface: name }) =>
    kernel.lastingRules(maps, name).map(kernel.formatRule),
  )
}

const diff: Command = {
  name: 'rules diff',
  summary: 'Shows what weir rules apply FILE would change.',
  operands: [fileOperand],
  flags: placeFlags,
  examples: [{ command: 'weir rules diff -i eth0 new.rules', what: '- goes, + comes' }],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const wanted = (await readRuleFile(values))
      .filter(
        (rule) => (rule.interface ?? targetOf(values).interface) === targetOf(values).interface,
      )
      .map(kernel.ruleKey)
    const there = await withRules(values, ({ maps }, target) =>
      kernel.rulesInForce(maps, target.interface).rules.map(({ rule }) => kernel.ruleKey(rule)),
    )
    const gone = there.filter((key) => !wanted.includes(key))
    const come = wanted.filter((key) => !there.includes(key))
    for (const line of gone) print(terminal, `- ${line}`)
    for (const line of come) print(terminal, `+ ${line}`)
    return 0
  },
}

const protectedFields = ['from', 'from_port', 'to', 'to_port', 'found_by'] as const

const listProtected: Command = {
  name: 'rules protected',
  summary: 'Shows the TCP connections that no rule cuts off.',
  description:
    'Those that the last change of the rules named, the ports of a central and an agent on this host, and the central of an agent. The agent looks at its start and once a minute. With --no-protect nothing is protected, whatever stands here.',
  flags: [...placeFlags, ...listingFlags],
  examples: [{ command: 'weir rules protected -i eth0', what: 'who is never cut off' }],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const listing = createListing(terminal, values, {
      fields: protectedFields,
      columns: protectedFields.map((name) => ({
        head: name.replaceAll('_', ' ').toUpperCase(),
        priority: 0,
        cell: (row) => String(row[name] ?? ''),
      })),
    })
    const rows = await withRules(values, ({ maps }) =>
      kernel
        .readProtected(maps)
        .map(({ source, sourcePort, destination, destinationPort, by }) => ({
          from: source ? kernel.formatAddress(source) : 'any',
          from_port: sourcePort ?? null,
          to: destination ? kernel.formatAddress(destination) : 'any',
          to_port: destinationPort ?? null,
          found_by: by,
        })),
    )
    await listing.add(rows)
    listing.finish()
    return 0
  },
}

export const rulesCommands: CommandGroup = {
  name: 'rules',
  summary: 'What the XDP program does with which packets: pass, drop, limit, label.',
  commands: [
    addCommand,
    list,
    removeCommand,
    applyCommand,
    diff,
    exportRules,
    confirmCommand,
    listProtected,
  ],
}
