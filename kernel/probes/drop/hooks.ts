// The drop probe's programs and what each needs, as data. Never by the kernel's version.

import type { DegradedSpec, HookSpec } from '../spec.ts'

export const dropHooks: readonly HookSpec[] = [
  {
    program: 'drop_packet',
    hook: 'tp_btf/kfree_skb',
    needs: ['btf_trace_kfree_skb'],
    since: '5.10',
    use: 'packets that the kernel dropped, and why',
  },
  {
    program: 'drop_nested',
    hook: 'tp_btf/kfree_skb',
    needs: ['btf_trace_kfree_skb'],
    since: '5.10',
    use: 'the same, where drop_packet interrupts itself',
  },
  {
    program: 'retransmit',
    hook: 'tp_btf/tcp_retransmit_skb',
    needs: ['btf_trace_tcp_retransmit_skb'],
    since: '5.10',
    use: 'segments that TCP sent again',
    instead: 'retransmits are counted in flows alone',
  },
  {
    program: 'retransmit_synack',
    hook: 'tp_btf/tcp_retransmit_synack',
    needs: ['btf_trace_tcp_retransmit_synack'],
    since: '5.10',
    use: 'answers to a SYN that were sent again',
    instead: 'they are not shown',
  },
  {
    program: 'reset_sent',
    hook: 'tp_btf/tcp_send_reset',
    needs: ['btf_trace_tcp_send_reset'],
    since: '5.10',
    use: 'resets that this host sent',
    instead: 'they are not shown',
  },
  {
    program: 'reset_received',
    hook: 'tp_btf/tcp_receive_reset',
    needs: ['btf_trace_tcp_receive_reset'],
    since: '5.10',
    use: 'resets that ended a connection here',
    instead: 'they are not shown',
  },
]

export const dropDegraded: readonly DegradedSpec[] = [
  {
    without: ['skb_drop_reason'],
    why: 'the kernel does not say why it drops a packet: every reason is unknown, and some frees of packets that were taken count as drops',
    remedy: 'Linux 5.17 or later',
  },
  {
    without: ['sk_rst_reason'],
    why: 'resets that answer a packet without a socket (a closed port) are not reported; its drop is',
    remedy: 'Linux 6.10 or later',
  },
]
