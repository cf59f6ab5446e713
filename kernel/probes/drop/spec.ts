// The drop probe's entry of the registry.

import type { ProbeSpec } from '../spec.ts'
import { dropDegraded, dropHooks } from './hooks.ts'

export const dropSpec: ProbeSpec = {
  name: 'drop',
  summary:
    'Every packet that the kernel dropped, with its reason and place in the code; TCP retransmits and resets.',
  default: true,
  unit: 'packets',
  drainUnit: 'packets',
  hooks: dropHooks,
  degraded: dropDegraded,
  records: {
    struct: 'drop_record',
    header: 'kernel/probes/drop/drop_record.h',
    prefix: 'dropRecord',
    layout: 'drop-record.ts',
    enums: [
      { name: 'dropKind', type: 'drop_kind', cut: 'DROP_', help: 'Value of `kind`.' },
      { name: 'dropFlag', type: 'drop_flag', cut: 'DROP_', help: 'Bits of `flags`.' },
    ],
    counters: {
      enum: 'drop_counter',
      name: 'dropCounterNames',
      header: 'kernel/probes/drop/counters.h',
    },
  },
  maps: {
    current: 'the table that drops are summed up in; user space changes it for an empty one',
    remainders: 'what found the table full, by reason',
    condition_values: 'which values meet which condition of the filter',
    counters: 'what the programs counted, per CPU',
  },
  counters: {
    seen: {
      means: ['entered'],
      help: 'Packets (of retransmits segments); = filtered + recorded + map_full.',
    },
    filtered: { means: ['filtered'], help: 'Of these, left out by --netns, --cgroup or --filter.' },
    recorded: { means: ['ring'], help: 'Of these, put into the table.' },
    map_full: {
      means: ['lost'],
      cause: 'map_full',
      help: 'Of these, counted by reason alone, because the table was full.',
    },
    ignored: {
      means: ['detail'],
      help: 'Frees that are no drops: no packet, consumed, or a part of a packet that was counted whole.',
    },
    taken_over: {
      means: ['detail'],
      help: 'Frees that drop_nested saw because drop_packet had interrupted itself; counted above too.',
    },
    interrupted: {
      means: ['entered', 'lost'],
      cause: 'interrupted',
      help: 'Runs that the kernel left out because a program interrupted itself.',
    },
    taken: { means: ['left'], help: 'Of those recorded, read out of the table.' },
  },
  open: async (options) => {
    const { openDropProbe } = await import('./drop.ts')
    return openDropProbe(options)
  },
}
