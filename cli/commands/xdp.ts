// `weir xdp`: puts Weir's program on an interface, takes it off, says what is where.

import { createListing, listingFlags } from '../render/listing.ts'
import type { Command, CommandGroup } from './command.ts'
import { note, print } from './command.ts'
import { openKernel, placeFlags, rootOf, targetOf } from './xdp-shared.ts'

export const attachCommand: Command = {
  name: 'xdp attach',
  summary: 'Puts the XDP program on an interface; it stays until weir xdp detach.',
  description:
    'Rules and weir log need it. One program per interface: what another tool attached is named and never replaced. After an interface was deleted and made anew, attach again: its rules are loaded as they were.',
  flags: [
    ...placeFlags,
    {
      name: 'mode',
      short: 'm',
      kind: 'choice',
      choices: ['auto', 'native', 'generic', 'skb'],
      default: 'auto',
      help: 'native is in the driver, generic (skb) behind it; auto tries both in this order.',
    },
    {
      name: 'object',
      kind: 'text',
      metavar: 'FILE',
      help: 'Taken and not used: Weir has its own.',
    },
  ],
  examples: [
    { command: 'weir xdp attach -i eth0', what: 'native where the driver has it' },
    { command: 'weir xdp attach -i eth0 --netns-pid 4711', what: "a container's interface" },
  ],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const target = targetOf(values)
    const wanted = values.text('mode')
    const mode = wanted === 'native' || wanted === 'auto' ? wanted : 'generic'
    const attached = await kernel.attachPinnedXdp(target, mode)
    const { programId, nativeRefusal, rules } = attached
    print(terminal, `attached to ${target.interface}: program ${programId}, ${attached.mode} mode`)
    if (nativeRefusal !== '') note(terminal, `  not native: ${nativeRefusal}`)
    if (rules > 0) note(terminal, `  ${rules} rules of before are in force again`)
    return 0
  },
}

export const detachCommand: Command = {
  name: 'xdp detach',
  summary: 'Takes the XDP program and its rules off an interface.',
  flags: placeFlags,
  examples: [{ command: 'weir xdp detach -i eth0', what: 'whatever mode it has' }],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const target = targetOf(values)
    await kernel.detachPinnedXdp(target)
    print(terminal, `detached from ${target.interface}`)
    return 0
  },
}

const fields = [
  'interface',
  'netns',
  'mode',
  'program_id',
  'version',
  'rules',
  'unconfirmed_seconds',
  'packets',
  'dropped',
  'protected',
  'reported',
  'lost',
] as const

const status: Command = {
  name: 'xdp status',
  summary: 'Shows the interfaces that have the XDP program, and what it counted.',
  flags: [...placeFlags.slice(-1), ...listingFlags],
  examples: [{ command: 'weir xdp status -o json', what: 'for programs' }],
  run: async (values, terminal) => {
    const kernel = await openKernel()
    const found = await kernel.pinnedXdpStatus(rootOf(values))
    const listing = createListing(terminal, values, {
      fields,
      columns: fields.map((name) => ({
        head: name.replaceAll('_', ' ').toUpperCase(),
        priority: 0,
        ...(name === 'interface' || name === 'mode' ? {} : { align: 'right' as const }),
        cell: (row) => String(row[name] ?? ''),
      })),
    })
    await listing.add(
      found.map(({ counters, ...row }) => ({
        interface: row.interface,
        netns: row.netns,
        mode: row.mode,
        program_id: row.programId,
        version: row.isOther ? 'other' : 'this',
        rules: row.isOther ? null : row.rules,
        unconfirmed_seconds: row.unconfirmedSeconds,
        packets: counters['seen'] ?? null,
        dropped: counters['dropped'] ?? null,
        protected: counters['protected'] ?? null,
        reported: counters['reported'] ?? null,
        lost: counters['lost_ring'] ?? null,
      })),
    )
    listing.finish()
    if (found.length === 0) note(terminal, 'no interface has it: weir xdp attach -i eth0')
    for (const { interface: name, netns, mode, isOther } of found) {
      if (mode === 'gone') {
        note(
          terminal,
          `${name}: the interface was deleted; its rules wait for another attach to it`,
        )
        note(terminal, `  weir xdp detach -i ${name} --netns ${netns} takes them away`)
      }
      if (!isOther) continue
      note(
        terminal,
        `${name}: the program of another version of Weir; its rules go on, and cannot be read or changed`,
      )
      note(
        terminal,
        `  weir xdp detach -i ${name}, then weir xdp attach -i ${name} and load the rules anew`,
      )
    }
    return 0
  },
}

export const xdpCommands: CommandGroup = {
  name: 'xdp',
  summary: 'Puts the XDP program on an interface, takes it off, says what is where.',
  commands: [attachCommand, detachCommand, status],
}
