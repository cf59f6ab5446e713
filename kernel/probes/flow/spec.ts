// The flow probe's entry of the registry.

import type { ProbeSpec } from '../spec.ts'

const use = 'packets of an interface'

export const flowSpec: ProbeSpec = {
  name: 'flow',
  summary:
    'Every packet of the interfaces that --interface names, by flow: L3 bytes and wire packets.',
  default: false,
  isAskedFor: ({ interfaces = [] }) => interfaces.length > 0,
  unit: 'packets',
  hooks: [
    {
      program: 'flow_ingress',
      hook: 'tc',
      needs: [],
      since: '5.10',
      use: `${use}, by tcx (Linux 6.6) or clsact`,
    },
    { program: 'flow_egress', hook: 'tc', needs: [], since: '5.10', use: `${use}, going out` },
    {
      program: 'flow_raw_ingress',
      hook: 'tc',
      needs: [],
      since: '5.10',
      use: `${use} without a link header, coming in`,
    },
    {
      program: 'flow_raw_egress',
      hook: 'tc',
      needs: [],
      since: '5.10',
      use: `${use} without a link header, going out`,
    },
    {
      program: 'flow_filter',
      hook: 'socket',
      needs: [],
      since: '5.10',
      use: `${use}, without traffic control`,
    },
    {
      program: 'flow_raw_filter',
      hook: 'socket',
      needs: [],
      since: '5.10',
      use: `${use} without a link header, without traffic control`,
    },
    {
      program: 'flow_replay',
      hook: 'socket',
      needs: ['BPF_FUNC_dynptr_from_mem'],
      since: '5.19',
      use: 'packets of a capture (weir replay)',
      instead: 'captures are not read',
    },
  ],
  degraded: [],
  records: {
    struct: 'flow_record',
    header: 'kernel/probes/flow/flow_record.h',
    prefix: 'flowRecord',
    layout: 'flow-record.ts',
    enums: [
      {
        name: 'flowDirection',
        type: 'flow_direction',
        cut: 'DIRECTION_',
        help: 'Value of `direction`.',
      },
      {
        name: 'flowFlag',
        type: 'flow_flag',
        cut: 'FLOW_',
        help: 'Bits of `flags` above those of TCP.',
      },
      {
        name: 'packetFault',
        type: 'packet_fault',
        cut: 'PACKET_',
        help: 'Value of `fault`: why a packet is not counted as IP.',
      },
    ],
    counters: {
      enum: 'flow_counter',
      name: 'flowCounterNames',
      header: 'kernel/probes/flow/counters.h',
    },
  },
  maps: {
    flows_a: 'flows of this interval, or of the last one',
    flows_b: 'the other of the two',
    remainders_a: 'packets that found no room there, by interface and protocol',
    remainders_b: 'the other of the two',
    fence: 'replaced to wait until no program writes the map that is emptied',
    fence_begin: 'what is in it at first',
    counters: 'what the programs counted, per CPU, in two sets',
    captured: 'octets of a capture',
    packets: 'where the packets of a capture lie',
  },
  counters: {
    seen: { means: ['entered'], help: 'Packets; = sampled_out + counted + lost.' },
    sampled_out: { means: ['sampled'], help: 'Of these, left out by --sample.' },
    counted: {
      means: ['ring'],
      help: 'Of these, added to a flow, or to the remainders by interface and protocol.',
    },
    lost: {
      means: ['lost'],
      cause: 'map_full',
      help: 'Of these, neither had room.',
    },
    unlisted: {
      means: ['detail'],
      help: 'Of those counted, in the remainders because the map of flows had no room.',
    },
    opened: { means: ['detail'], help: 'Flows that came into a map.' },
    taken: { means: ['left'], help: 'Of those counted, in records that were read.' },
    unseen: {
      means: ['entered', 'lost'],
      cause: 'interface_unseen',
      help: 'Packets that an interface counted and no program was given; not with --sample.',
    },
    excess: {
      means: ['noted'],
      cause: 'dropped_behind',
      help: 'Frames that a program was given and the interface did not count; not with --sample.',
    },
    xdp_dropped: {
      means: ['entered', 'filtered'],
      cause: 'xdp_dropped',
      help: 'Packets that an interface counted and a rule at XDP dropped; not with --sample.',
    },
  },
  open: async (options) => {
    const { openFlowProbe } = await import('./flow.ts')
    return openFlowProbe(options)
  },
}
