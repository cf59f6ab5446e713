// The commands that change rules: add, remove, apply, confirm. Each reads what is in force, makes the whole new set and
// puts it into force in one step.

import { cliError } from '../errors.ts'
import type { Command, Flag, Terminal, Values } from './command.ts'
import { print } from './command.ts'
import { fileOperand, readRuleFile } from './rules-file.ts'
import { type Safety, safetyFlags, safetyOf } from './rules-safety.ts'
import { withChange } from './rules-shared.ts'
import { type Kernel, openKernel, placeFlags } from './xdp-shared.ts'

type Rule = Parameters<Kernel['formatRule']>[0]
type Maps = Parameters<Kernel['applyRules']>[0]

const cidrFlag: Flag = {
  name: 'cidr',
  kind: 'text',
  metavar: 'PREFIX',
  repeatable: true,
  help: 'Source: 192.0.2.0/24, 2001:db8::/32, an address, or any.',
}

const ruleFlags: readonly Flag[] = [
  { ...cidrFlag, help: `${cidrFlag.help} Default: any.` },
  { name: 'to', kind: 'text', metavar: 'PREFIX', help: 'Destination.' },
  { name: 'label-id', kind: 'number', max: 0xffffffff, default: '0', help: 'Label; 0 is none.' },
  {
    name: 'action',
    kind: 'choice',
    choices: ['pass', 'drop'],
    default: 'pass',
    help: 'What happens to the packets; with --rate the rest passes.',
  },
  {
    name: 'proto',
    kind: 'text',
    metavar: 'NAME',
    help: 'tcp, udp, icmp, icmpv6, sctp, or a number.',
  },
  { name: 'port', kind: 'text', metavar: 'PORT[-PORT]', help: 'Destination port.' },
  { name: 'sport', kind: 'text', metavar: 'PORT[-PORT]', help: 'Source port.' },
  {
    name: 'rate',
    kind: 'text',
    metavar: 'RATE',
    help: 'Per source: 20pps, 1MBps. Drops the excess.',
  },
  { name: 'ban', kind: 'duration', help: 'Drops a source so long after it exceeded the rate.' },
  { name: 'priority', kind: 'number', max: 65_535, default: '0', help: 'Higher is tried first.' },
  {
    name: 'ttl',
    kind: 'duration',
    help: 'The rule ends after so long, by the clock of the kernel.',
  },
  { name: 'shadow', kind: 'switch', help: 'Counts what it would drop and drops nothing.' },
  { name: 'replace', kind: 'switch', help: 'Replaces rules with the same conditions.' },
]

export const addCommand: Command = {
  name: 'rules add',
  summary: 'Adds rules to an interface.',
  flags: [...placeFlags, ...ruleFlags, ...safetyFlags],
  examples: [
    {
      command: 'weir rules add -i eth0 --cidr 192.0.2.0/24 --label-id 7 --action drop',
      what: 'drops a network',
    },
    { command: 'weir rules add -i eth0 --proto icmp --rate 20pps --ban 60s', what: 'limits pings' },
  ],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const added = addedRules(values, kernel)
    const safety = await safetyOf(values, terminal)
    await withChange(values, ({ maps }, { interface: name }) => {
      const there = kernel.lastingRules(maps, name)
      const same = new Set(added.map((rule) => conditionsOf(rule, kernel)))
      const rest = there.filter((rule) => !same.has(conditionsOf(rule, kernel)))
      const [twice] = there.filter((rule) => same.has(conditionsOf(rule, kernel)))
      if (twice !== undefined && !values.on('replace')) {
        throw kernel.kernelError('rule_twice', { details: { rule: kernel.formatRule(twice) } })
      }
      put({ terminal, kernel, maps, name, safety }, [...rest, ...added])
    })
    for (const rule of added) print(terminal, `added ${kernel.formatRule(rule)}`)
    return 0
  },
}

/** What a rule is about, without what it does. */
function conditionsOf(rule: Rule, kernel: Kernel): string {
  const { rate: _, ttlMs: __, ...rest } = rule
  return kernel.formatRule({ ...rest, action: 'pass', label: 0, shadow: false })
}

/** Through the language, so that a flag is read and refused as the word of a file is. */
function addedRules(values: Values, kernel: Kernel): readonly Rule[] {
  const rate = values.text('rate')
  const ban = values.durationMs('ban')
  const ttl = values.durationMs('ttl')
  const words = [
    rate === undefined ? values.text('action') : `limit ${rate}`,
    ...['to', 'proto', 'port', 'sport'].flatMap((name) => {
      const value = values.text(name)
      return value === undefined ? [] : [`${name} ${value}`]
    }),
    `label ${values.text('label-id')} priority ${values.text('priority')}`,
    ...(ban === undefined ? [] : [`ban ${ban}ms`]),
    ...(ttl === undefined ? [] : [`ttl ${ttl}ms`]),
    ...(values.on('shadow') ? ['shadow'] : []),
  ]
  const cidrs = values.list('cidr')
  return (cidrs.length === 0 ? ['any'] : cidrs).flatMap((cidr) => {
    const line = `${words[0]} from ${cidr} ${words.slice(1).join(' ')}`
    const { rules, mistake } = kernel.parseRules(line)
    if (mistake === undefined) return rules
    const name = line.slice(0, mistake.character - 1).trimEnd()
    const hint = 'weir rules add --help shows examples'
    const details = { name: `"${name} …"`, reason: mistake.reason, hint }
    throw cliError('bad_flag', { details })
  })
}

interface Change {
  readonly terminal: Terminal
  readonly kernel: Kernel
  readonly maps: Maps
  readonly name: string
  readonly safety: Safety
}

function put({ terminal, kernel, maps, name, safety }: Change, rules: readonly Rule[]): void {
  const { isOn, confirmWithinMs } = safety
  kernel.protect(maps, safety.named, 'command')
  kernel.protect(maps, safety.own, 'weir')
  kernel.applyRules(maps, rules, {
    interface: name,
    protect: isOn,
    ...(confirmWithinMs !== undefined && { confirmWithinMs }),
  })
  if (confirmWithinMs === undefined) return
  const seconds = confirmWithinMs / 1000
  terminal.err.write(`taken back in ${seconds} s without: weir rules confirm -i ${name}\n`)
}

export const removeCommand: Command = {
  name: 'rules remove',
  summary: 'Removes the rules of these sources.',
  flags: [...placeFlags, cidrFlag, ...safetyFlags],
  examples: [{ command: 'weir rules remove -i eth0 --cidr 192.0.2.0/24', what: 'by source' }],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const wanted = new Set(values.list('cidr').map((text) => sourceOf(text, kernel)))
    const safety = await safetyOf(values, terminal)
    const removed = await withChange(values, ({ maps }, { interface: name }) => {
      const there = kernel.lastingRules(maps, name)
      const source = (rule: Rule) => (rule.source ? kernel.formatPrefix(rule.source) : 'any')
      const gone = there.filter((rule) => wanted.has(source(rule)))
      for (const cidr of wanted.size === 0 ? ['(none named: --cidr)'] : wanted) {
        if (gone.some((rule) => source(rule) === cidr)) continue
        throw kernel.kernelError('rule_missing', { details: { cidr, interface: name } })
      }
      const rest = there.filter((rule) => !gone.includes(rule))
      put({ terminal, kernel, maps, name, safety }, rest)
      return gone
    })
    for (const rule of removed) print(terminal, `removed ${kernel.formatRule(rule)}`)
    return 0
  },
}

function sourceOf(text: string, kernel: Kernel): string {
  const parsed = text === 'any' ? text : kernel.parsePrefix(text)
  if (typeof parsed !== 'string') return kernel.formatPrefix(parsed)
  if (parsed === 'any') return parsed
  const details = { name: `--cidr ${text}`, reason: parsed, hint: 'weir rules list shows them' }
  throw cliError('bad_flag', { details })
}

export const applyCommand: Command = {
  name: 'rules apply',
  summary: 'Replaces all rules of an interface by those of a file, in one step.',
  description:
    'One rule per line: pass|drop|limit RATE, then any of: from PREFIX, to PREFIX, proto NAME, port N[-M], sport N[-M], interface NAME, label N, priority N, ban TIME, ttl TIME, shadow. # begins a comment. A rule that stays keeps its counters. A file with a mistake changes nothing.',
  operands: [fileOperand],
  flags: [
    ...placeFlags,
    ...safetyFlags,
    {
      name: 'shadow',
      kind: 'switch',
      help: 'All rules count what they would drop and drop nothing.',
    },
    {
      name: 'ttl',
      kind: 'duration',
      help: 'Every rule without a ttl of its own ends after so long.',
    },
  ],
  examples: [
    { command: 'weir rules apply -i eth0 new.rules --confirm-within 60s', what: 'safe from afar' },
    { command: 'weir rules apply -i eth0 new.rules --shadow', what: 'to see what they would do' },
  ],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const ttl = values.durationMs('ttl')
    const rules = (await readRuleFile(values)).map((rule) => ({
      ...rule,
      ...(values.on('shadow') && { shadow: true }),
      ...(ttl !== undefined && rule.ttlMs === undefined && { ttlMs: ttl }),
    }))
    const safety = await safetyOf(values, terminal)
    await withChange(values, ({ maps }, { interface: name }) =>
      put({ terminal, kernel, maps, name, safety }, rules),
    )
    print(terminal, `${rules.length} rules are in force`)
    return 0
  },
}

export const confirmCommand: Command = {
  name: 'rules confirm',
  summary: 'Keeps rules that --confirm-within would take back.',
  flags: placeFlags,
  examples: [
    { command: 'weir rules confirm -i eth0', what: 'from the machine that you still reach' },
  ],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    await withChange(values, ({ maps }, { interface: name }) => kernel.confirmRules(maps, name))
    print(terminal, 'the rules stay')
    return 0
  },
}
