// The socket probe's entry of the registry.

import type { ProbeSpec } from '../spec.ts'
import { socketDegraded, socketHooks } from './hooks.ts'

export const socketSpec: ProbeSpec = {
  name: 'socket',
  summary: 'Every TCP connection of the host: who, with whom, how much, and how it ended.',
  default: true,
  hooks: socketHooks,
  degraded: socketDegraded,
  records: {
    struct: 'socket_record',
    header: 'kernel/probes/socket/socket_record.h',
    prefix: 'socketRecord',
    layout: 'socket-record.ts',
    enums: [
      { name: 'socketKind', type: 'socket_kind', cut: 'SOCKET_', help: 'Value of `kind`.' },
      {
        name: 'socketRole',
        type: 'socket_role',
        cut: 'ROLE_',
        help: 'Value of `role`: who sent the first SYN.',
      },
      {
        name: 'ownerSource',
        type: 'owner_source',
        cut: 'OWNER_',
        help: 'Value of `owner_source`; larger is better knowledge.',
      },
      { name: 'socketFlag', type: 'socket_flag', cut: 'FLAG_', help: 'Bits of `flags`.' },
      { name: 'tcpState', type: 'tcp_state', cut: 'TCP_', help: 'Value of `state`.' },
    ],
    counters: {
      enum: 'socket_counter',
      name: 'counterNames',
      header: 'kernel/probes/socket/counters.h',
    },
  },
  maps: {
    ended: 'ring of the sockets that ended',
    slots: 'context of connections that began under the probe, by cookie',
    groups: 'runs of slots, which a dump walks',
    conns: 'context of other sockets, in their storage',
    conns_by_address: 'context of sockets where tracing programs have no storage',
    listeners: 'who listens where',
    condition_values: 'which values meet which condition of the filter',
    met_by_pair: 'which conditions the ends of a connection meet',
    scratches: 'the record that a dump is writing',
    counters: 'what the programs counted, per CPU',
  },
  counters: {
    seen: { means: ['entered'], help: 'Sockets that ended; = filtered + closed + lost_ring.' },
    filtered: { means: ['filtered'], help: 'Of these, left out by --netns, --cgroup or --filter.' },
    closed: { means: ['ring'], help: 'Of these, put into the ring.' },
    lost_ring: { means: ['lost'], help: 'Of these, lost because the ring was full.' },
    recovered: {
      means: ['detail'],
      help: 'Of these, ends that socket_state missed and another program recovered.',
    },
    lost_storage: {
      means: ['detail'],
      help: 'Begin and owner of a socket that could not be kept; its record comes all the same.',
    },
    dumped: { means: ['entered'], help: 'Records of open sockets that dumps wrote.' },
    dump_filtered: {
      means: ['entered', 'filtered'],
      help: 'Open sockets that --netns, --cgroup or --filter left out of a dump.',
    },
    conditions_full: {
      means: ['detail'],
      help: 'Sockets that passed --filter in the kernel unseen, because its table of connections was full once; the agent leaves out what does not belong.',
    },
    unreported: {
      means: ['entered', 'lost'],
      cause: 'interrupted',
      help: 'Ends that no program has reported, because the kernel ran none; dumps did not find the socket any more. Whether a filter would have left them out is not known.',
    },
  },
  open: async (options) => {
    const { openSocketProbe } = await import('./socket.ts')
    return openSocketProbe(options)
  },
}
