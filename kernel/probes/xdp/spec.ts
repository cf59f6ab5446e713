// The XDP probe's entry of the registry.

import { fail } from '../../loader/errors.ts'
import type { ProbeSpec } from '../spec.ts'

export const xdpSpec: ProbeSpec = {
  name: 'xdp',
  summary:
    'Every packet that an interface receives: rules label, limit and drop it; readers see it.',
  default: false,
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
    sources: 'tries of the rules’ sources, one per generation',
    destinations: 'tries of rules that have a destination alone',
    lists: 'which rules can hold behind a prefix',
    rules: 'the rules of a generation',
    counts: 'packets and octets of each rule',
    rings: 'a ring for each reader',
    works: 'the packet that is looked at',
    limits: 'what each source has used of a rate',
    limit_locks: 'locks of limits',
    protected: 'connections that no rule drops',
    hits: 'packets by source, while a trace looks on',
    reading: 'which readers there are',
    readers: 'what each reader wants',
    reader_counts: 'what each reader got and lost',
    scratches: 'the record that is written',
    counters: 'what the program counted, per CPU',
  },
  counters: {
    seen: { means: ['entered'], help: 'Packets that came in; = passed + dropped.' },
    passed: { means: ['filtered'], help: 'Of these, passed on to the kernel.' },
    dropped: { means: ['filtered'], help: 'Of these, dropped by a rule.' },
    not_ip: { means: ['detail'], help: 'Of these, no IP packets: they always pass.' },
    matched: { means: ['detail'], help: 'Of these, those for which a rule held.' },
    protected: { means: ['detail'], help: 'Passed though a rule would have dropped them.' },
    reported: { means: ['detail'], help: 'Records that readers got.' },
    lost_ring: { means: ['detail'], help: 'Records lost because a reader’s ring was full.' },
    hits_full: { means: ['detail'], help: 'Packets of sources for which a trace had no room.' },
    limits_full: { means: ['detail'], help: 'Packets passed because a limit had no room.' },
  },
  open: async () => {
    const details = {
      what: 'the xdp probe',
      needs: 'an interface',
      instead: 'weir xdp attach -i INTERFACE',
    }
    throw fail('unsupported_feature', { details })
  },
}
