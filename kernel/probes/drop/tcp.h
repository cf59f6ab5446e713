/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Segments that TCP sent again, and resets. */
#ifndef WEIR_DROP_TCP_H
#define WEIR_DROP_TCP_H

/*
 * Fires once for all segments that one buffer is cut into. TCP has counted them in its total_retrans by then; the buffer
 * still says how many they were. Its headers are made for each segment later: the octets of those are added.
 */
SEC("tp_btf/tcp_retransmit_skb")
int retransmit(__u64 *ctx)
{
	struct drop_counters *here = counters_here();
	struct sk_buff___drop *skb = (void *)ctx[1];
	struct sock *sk = (void *)ctx[0];
	struct drop_value value = {};
	struct drop_key key = {};
	__u16 segments = 0;
	__u32 headers;
	void *cb = (void *)skb + bpf_core_field_offset(struct sk_buff___drop, cb);

	key.kind = DROP_RETRANSMIT;
	if (!here || !tuple_of(&key, sk, true))
		return 0;
	bpf_probe_read_kernel(&segments, 2, cb + bpf_core_field_offset(struct tcp_skb_cb, tcp_gso_segs));
	bpf_probe_read_kernel(&value.tcp_flags, 1, cb + bpf_core_field_offset(struct tcp_skb_cb, tcp_flags));
	value.count = segments ? segments : 1;
	headers = header_bytes(&key, sk);
	value.bytes = skb->len + value.count * headers;
	value.packet_bytes = value.count == 1 ? skb->len + headers :
						BPF_CORE_READ((struct tcp_sock___drop *)sk, mss_cache) + headers;
	value.flags = DROP_OUTGOING | DROP_FROM_LOCAL;
	record(here, &key, &value, 0, sk);
	return 0;
}

/* A SYN-ACK sent again: there is no socket yet, only a request. */
SEC("tp_btf/tcp_retransmit_synack")
int retransmit_synack(__u64 *ctx)
{
	struct drop_counters *here = counters_here();
	struct sock *request = (void *)ctx[1];
	struct drop_value value = { .count = 1 };
	struct drop_key key = {};

	key.kind = DROP_RETRANSMIT;
	if (!here || !tuple_of(&key, request, true))
		return 0;
	value.tcp_flags = 0x12;
	value.flags = DROP_OUTGOING | DROP_FROM_LOCAL;
	record(here, &key, &value, 0, request);
	return 0;
}

/* Without a socket the reset answers a segment: its addresses, turned around. */
static __always_inline bool turned_around(struct drop_key *key, struct sk_buff___drop *skb)
{
	struct drop_key asked = {};
	struct packet p;

	if (!skb || !read_packet(&asked, &p, skb))
		return false;
	put_16(key->source, asked.destination, false);
	put_16(key->destination, asked.source, false);
	key->source_port = asked.destination_port;
	key->destination_port = asked.source_port;
	key->protocol = asked.protocol;
	key->netns = netns_of_packet(skb, device_of(skb), 0);
	return true;
}

/* Either may be 0: no socket has the port; the process gave up by itself. */
SEC("tp_btf/tcp_send_reset")
int reset_sent(__u64 *ctx)
{
	struct drop_counters *here = counters_here();
	struct sk_buff___drop *skb = (void *)ctx[1];
	struct sock *sk = (void *)ctx[0];
	struct drop_value value = { .count = 1 };
	struct drop_key key = {};
	bool found;

	if (!here)
		return 0;
	key.kind = DROP_RESET_SENT;
	key.reason = NO_REASON;
	if (bpf_core_field_exists(struct trace_event_raw_tcp_send_reset, reason))
		key.reason = ctx[2];
	if (skb)
		found = turned_around(&key, skb);
	else
		found = tuple_of(&key, sk, true);
	if (!found)
		return 0;
	value.tcp_flags = 4;
	value.bytes = value.packet_bytes = ip_bytes(&key) + 20;
	value.flags = DROP_OUTGOING | DROP_FROM_LOCAL;
	record(here, &key, &value, 0, sk);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int reset_received(__u64 *ctx)
{
	struct drop_counters *here = counters_here();
	struct sock *sk = (void *)ctx[0];
	struct drop_value value = { .count = 1 };
	struct drop_key key = {};

	key.kind = DROP_RESET_RECEIVED;
	key.reason = NO_REASON;
	if (!here || !tuple_of(&key, sk, false))
		return 0;
	value.tcp_flags = 4;
	value.bytes = value.packet_bytes = ip_bytes(&key) + 20;
	record(here, &key, &value, 0, sk);
	return 0;
}

#endif
