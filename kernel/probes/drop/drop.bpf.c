// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Packets that the kernel threw away, segments that TCP sent again, and resets; from 5.10 on.
 *
 * kfree_skb is the one place that every packet passes that is freed without having been taken (what was taken goes
 * through consume_skb, or has the reason SKB_CONSUMED). Since 5.17 it says why. A host that drops nothing runs none
 * of this. A flood of drops costs one entry of a table, not a record each.
 */
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "packet_types.h"
#include "drop_record.h"
#include "counters.h"
#include "packet_read.h"
#include "table.h"
#include "context.h"
#include "packet_pass.h"
#include "selection.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The records are put together in user space; these keep the layout in BTF for the generator. */
struct drop_record *record_layout __attribute__((unused));
enum drop_kind *kind_layout __attribute__((unused));
enum drop_flag *flag_layout __attribute__((unused));
enum drop_counter *counter_layout __attribute__((unused));

/* Where kfree_skb_list and skb_release_data lie in the running kernel; 0 = not known. */
const volatile __u64 parts_from_0, parts_to_0;
const volatile __u64 parts_from_1, parts_to_1;

/* drop_packet was called while it ran: this kernel leaves no program out, so nothing is to be taken over. */
bool runs_nest;

static __always_inline bool only_this_cgroup(struct sock *sk)
{
	return has_socket(sk) && below_cgroup(sk);
}

static __always_inline void describe(struct drop_value *value, struct sock *sk)
{
	if (!has_socket(sk))
		return;
	value->cookie = HAS_SOCKET_STORAGE ? (__u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) :
					     (__u64)(long)sk;
	if (is_full(sk))
		value->cgroup_id = cgroup_id_of(sk, true);
}

/* Sums up, or counts why not. `device` and `sk` may be 0. */
static __always_inline void record(struct drop_counters *here, struct drop_key *key,
				   struct drop_value *value, struct net_device___drop *device,
				   struct sock *sk)
{
	struct drop_value *known;
	__u32 zero = 0;
	void *table;

	add(&here->values[COUNTER_SEEN], value->count);
	if ((only_netns && key->netns != only_netns) || (only_cgroup && !only_this_cgroup(sk)) ||
	    !meets_conditions(key)) {
		add(&here->values[COUNTER_FILTERED], value->count);
		return;
	}
	table = bpf_map_lookup_elem(&current, &zero);
	if (table) {
		known = bpf_map_lookup_elem(table, key);
		if (!known) {
			describe(value, sk);
			value->first_ns = value->last_ns = exact_time();
			if (device)
				bpf_core_read(value->interface, sizeof(value->interface), &device->name);
			if (!bpf_map_update_elem(table, key, value, BPF_NOEXIST)) {
				add(&here->values[COUNTER_RECORDED], value->count);
				return;
			}
			known = bpf_map_lookup_elem(table, key); /* another CPU was faster */
		}
		if (known) {
			add_to(known, value);
			add(&here->values[COUNTER_RECORDED], value->count);
			return;
		}
	}
	count_remainder(key, value);
	add(&here->values[COUNTER_MAP_FULL], value->count);
}

/*
 * Fragments and merged segments hang behind the first one, and are freed one by one with it. They have been counted
 * as that packet. What a queue gives back comes the same way, but with its headers in front of it.
 */
static __always_inline bool is_part(struct sk_buff___drop *skb, __u64 location)
{
	__u32 data = (__u64)(skb->data - skb->head);

	if ((location < parts_from_0 || location >= parts_to_0) &&
	    (location < parts_from_1 || location >= parts_to_1))
		return false;
	return data > skb->network_header && skb->network_header;
}

/* Nothing but a FIN, which waited in the socket for a reader that closed: it was taken. */
static __always_inline bool is_read_out(const struct drop_key *key, struct sk_buff___drop *skb)
{
	return key->protocol == IPPROTO_TCP && !skb->len;
}

/*
 * TCP has no route to send a segment by: it has no IP header yet and no device, but its socket says who it is from and
 * to. Local sockets and netlink use the same buffers: those are no packets.
 */
static __always_inline bool is_unsent(struct drop_key *key, struct drop_value *value,
				      struct sk_buff___drop *skb)
{
	struct sock *sk = skb->sk;

	if (!has_socket(sk) || !is_full(sk) || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return false;
	key->link_protocol = 0;
	tuple_of(key, sk, true);
	value->bytes = value->packet_bytes = skb->len + ip_bytes(key);
	value->flags = DROP_OUTGOING | DROP_FROM_LOCAL;
	return true;
}

/* What its headers say, and where it was. False if it is no packet, or not one by itself. */
static __always_inline bool is_packet(struct drop_key *key, struct drop_value *value,
				      struct sk_buff___drop *skb, struct net_device___drop *device)
{
	struct packet p;
	bool is_ip = read_packet(key, &p, skb);

	if (!is_ip && !device && !skb->skb_iif)
		return is_unsent(key, value, skb);
	if (is_part(skb, key->location) || is_read_out(key, skb))
		return false;
	value->bytes = p.bytes;
	value->packet_bytes = p.bytes;
	value->tcp_flags = p.tcp_flags;
	value->flags = skb->skb_iif ? 0 : DROP_OUTGOING | (skb->sk ? DROP_FROM_LOCAL : 0);
	value->interface_index = device ? (__u32)device->ifindex : (__u32)skb->skb_iif;
	return true;
}

static __always_inline void on_free(struct drop_counters *here, struct sk_buff___drop *skb,
				    struct drop_key *key, struct sock *rx_sk)
{
	struct net_device___drop *device = device_of(skb);
	struct sock *sk = skb->sk ? skb->sk : rx_sk;
	struct drop_value value = { .count = 1 };

	if (!is_packet(key, &value, skb, device)) {
		add(&here->values[COUNTER_IGNORED], 1);
		return;
	}
	key->netns = netns_of_packet(skb, device, sk);
	record(here, key, &value, device, sk);
}

/* Reasons that say that the packet was not dropped. */
static __always_inline bool is_no_reason(__u32 reason)
{
	return (bpf_core_enum_value_exists(enum skb_drop_reason___weir, SKB_CONSUMED___weir) &&
		reason == bpf_core_enum_value(enum skb_drop_reason___weir, SKB_CONSUMED___weir)) ||
	       (bpf_core_enum_value_exists(enum skb_drop_reason___weir, SKB_NOT_DROPPED_YET___weir) &&
		reason == bpf_core_enum_value(enum skb_drop_reason___weir, SKB_NOT_DROPPED_YET___weir));
}

static __always_inline void on_kfree_skb(struct drop_counters *here, __u64 *ctx)
{
	struct drop_key key = { .kind = DROP_PACKET, .location = ctx[1], .reason = NO_REASON };
	struct sock *rx_sk = 0;

	if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, reason)) {
		key.reason = ctx[2];
		if (is_no_reason(key.reason)) {
			add(&here->values[COUNTER_IGNORED], 1);
			return;
		}
	}
	if (bpf_core_field_exists(struct trace_event_raw_kfree_skb, rx_sk))
		rx_sk = (void *)ctx[3];
	on_free(here, (void *)ctx[0], &key, rx_sk);
}

SEC("tp_btf/kfree_skb")
int drop_packet(__u64 *ctx)
{
	struct drop_counters *here = counters_here();

	if (!here)
		return 0;
	if (here->depth)
		runs_nest = true;
	here->depth++;
	on_kfree_skb(here, ctx);
	here->depth--;
	return 0;
}

/*
 * From 6.1 on the kernel leaves a program out when it interrupts itself: a packet that a softirq drops while the same
 * CPU is inside drop_packet. This program is then not left out. At all other times it has nothing to do.
 */
SEC("tp_btf/kfree_skb")
int drop_nested(__u64 *ctx)
{
	struct drop_counters *here = counters_here();

	if (!here || !here->depth || runs_nest)
		return 0;
	add(&here->values[COUNTER_TAKEN_OVER], 1);
	on_kfree_skb(here, ctx);
	return 0;
}

#include "tcp.h"
