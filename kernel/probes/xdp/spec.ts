// The XDP probe's entry of the registry.

import type { ProbeSpec } from '../spec.ts'

export const xdpSpec: ProbeSpec = {
  name: 'xdp',
  summary:
    'Every packet that an interface receives: rules label, limit and drop it; readers see it.',
  default: false,
  isAskedFor: ({ xdp }) => xdp !== undefined,
  hooks: [
    {
      program: 'weir_xdp',
      hook: 'xdp',
      needs: ['bpf_xdp_link', 'bpf_ktime_get_boot_ns'],
      since: '5.10',
      use: 'rules and packets of an interface',
    },
  ],
  degraded: [],
  records: {
    struct: 'xdp_event',
    header: 'kernel/probes/xdp/xdp_record.h',
    prefix: 'xdpEvent',
    layout: 'xdp-event.ts',
    enums: [
      { name: 'xdpEventFlag', type: 'event_flag', cut: 'EVENT_', help: 'Bits of `flags`.' },
      { name: 'xdpRuleFlag', type: 'rule_flag', cut: 'RULE_', help: 'Bits of a rule’s `flags`.' },
      { name: 'xdpWant', type: 'reader_want', cut: 'WANT_', help: 'Which packets a reader gets.' },
    ],
    counters: {
      enum: 'xdp_counter',
      name: 'xdpCounterNames',
      header: 'kernel/probes/xdp/xdp_record.h',
    },
  },
  maps: {
    state: 'which generation of rules is in force, and until when',
    sources: 'trees of the rules’ sources, one per generation',
    destinations: 'trees of rules that have a destination alone',
    lists: 'which rules can hold behind a prefix',
    rules: 'the rules of a generation',
    counts: 'packets and octets of each rule',
    rings: 'a ring for each reader',
    limits: 'what each source has used of a rate',
    limit_locks: 'locks of limits',
    protected: 'connections that no rule drops',
    protected_ports: 'ports of this host that no rule drops, and those of far ends in `protected`',
    hits: 'packets by source, while a trace looks on',
    reading: 'which readers there are',
    readers: 'what each reader wants',
    reader_counts: 'what each reader got and lost',
    scratches: 'the record that is written',
    counters: 'what the program counted, and the packet that it looks at, per CPU',
  },
  counters: {
    seen: { means: ['detail'], help: 'Packets that came in; = passed + dropped.' },
    passed: { means: ['detail'], help: 'Of these, passed on to the kernel.' },
    dropped: { means: ['detail'], help: 'Of these, dropped by a rule.' },
    not_ip: { means: ['detail'], help: 'Of these, no IP packets: they always pass.' },
    matched: { means: ['detail'], help: 'Of these, those for which a rule held.' },
    protected: { means: ['detail'], help: 'Passed though a rule would have dropped them.' },
    read: { means: ['entered'], help: 'Packets that a reader looked at, once for each reader.' },
    unwanted: { means: ['filtered'], help: 'Of these, not asked for by the reader.' },
    sampled: { means: ['sampled'], help: 'Of these, left out by sampling.' },
    reported: { means: ['ring'], help: 'Of these, put into the ring of the reader.' },
    lost_ring: { means: ['lost'], help: 'Of these, lost because that ring was full.' },
    hits_full: { means: ['detail'], help: 'Packets of sources for which a trace had no room.' },
    limits_full: { means: ['detail'], help: 'Packets passed because a limit had no room.' },
  },
  open: async (options) => {
    const { openXdpProbe } = await import('./probe.ts')
    return openXdpProbe(options)
  },
}
