/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Adds a packet to its flow. Two maps take turns: programs write the one that `active` names while user space empties
 * the other, so no count is taken out while it is written. Per CPU, so that none waits for another.
 */
#ifndef WEIR_FLOW_ACCOUNT_H
#define WEIR_FLOW_ACCOUNT_H

#include "counters.h"
#include "flow_record.h"
#include "packet.h"

#define FLOW_MAP(NAME)                                                                                 \
	struct {                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                                \
		__uint(max_entries, 1 << 16);                                                          \
		__type(key, struct flow_key);                                                          \
		__type(value, struct flow_counts);                                                     \
	} NAME SEC(".maps")

FLOW_MAP(flows_a);
FLOW_MAP(flows_b);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct remainder_key);
	__type(value, struct flow_counts);
} remainders SEC(".maps");

/* Only to be replaced: when that call returns, no program uses what it looked up before. */
struct fence_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct fence_inner fence_begin SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct fence_inner);
} fence SEC(".maps") = { .values = { &fence_begin } };

/* 0 = flows_a, 1 = flows_b. */
volatile __u32 active;

/* One packet in N is counted; 0 and 1 = all. */
const volatile __u32 sample;

/* What the packet is besides its headers. */
struct passage {
	__u64 time_ns;
	__u32 interface;
	__u32 frame_bytes;
	__u32 segments; /* packets on the wire; more than one for a super-packet */
	__u8 direction;
};

/* TCP's flags, and whether this packet says who opened the connection. */
static __always_inline __u32 flags_of(const struct packet *packet)
{
	__u32 flags = packet->tcp_flags;

	if (flags & 2) /* SYN */
		flags |= flags & 16 ? FLOW_SYN_ACK : FLOW_SYN;
	return flags;
}

/* Segments 2 to n of a super-packet have headers of their own on the wire. */
static __always_inline __u32 wire_bytes(const struct packet *packet, const struct passage *passage)
{
	__u32 headers = packet->upper_offset - packet->ip_offset + packet->upper_bytes;

	if (passage->segments <= 1 || packet->upper_bytes == 0)
		return packet->bytes;
	return packet->bytes + (passage->segments - 1) * headers;
}

static __always_inline void add(struct flow_counts *counts, const struct packet *packet,
				const struct passage *passage)
{
	if (counts->frames == 0)
		counts->first_ns = passage->time_ns;
	counts->last_ns = passage->time_ns;
	counts->bytes += packet->family ? wire_bytes(packet, passage) : 0;
	counts->frame_bytes += passage->frame_bytes;
	counts->packets += passage->segments;
	counts->frames++;
	counts->flags |= flags_of(packet);
}

/* No room in the map of flows. */
static __always_inline void add_to_remainder(const struct packet *packet, const struct passage *passage)
{
	struct remainder_key key = {
		.interface = passage->interface,
		.protocol = packet->protocol,
		.family = packet->family,
		.direction = passage->direction,
	};
	struct flow_counts none = {}, *counts = bpf_map_lookup_elem(&remainders, &key);

	count(COUNTER_UNLISTED, passage->segments);
	if (!counts) {
		bpf_map_update_elem(&remainders, &key, &none, BPF_NOEXIST);
		counts = bpf_map_lookup_elem(&remainders, &key);
	}
	if (counts)
		add(counts, packet, passage);
	else
		count(COUNTER_LOST, passage->segments);
}

/* Another CPU may have added the flow meanwhile: hence the second look, whatever adding says. */
static __always_inline struct flow_counts *new_flow(void *flows, const struct flow_key *key)
{
	struct flow_counts none = {};

	if (bpf_map_update_elem(flows, key, &none, BPF_NOEXIST) == 0)
		count(COUNTER_OPENED, 1);
	return bpf_map_lookup_elem(flows, key);
}

static __always_inline struct flow_counts *find_flow(const struct flow_key *key)
{
	struct flow_counts *counts;

	if (active) {
		counts = bpf_map_lookup_elem(&flows_b, key);
		return counts ? counts : new_flow(&flows_b, key);
	}
	counts = bpf_map_lookup_elem(&flows_a, key);
	return counts ? counts : new_flow(&flows_a, key);
}

static __always_inline void account(const struct packet_source *source, enum packet_link link,
				    const struct passage *passage)
{
	struct flow_counts *counts;
	struct packet packet;
	struct flow_key key;

	if (sample > 1 && bpf_get_prandom_u32() % sample != 0) {
		count(COUNTER_SAMPLED_OUT, passage->segments);
		return;
	}
	parse_packet(source, link, &packet);
	__builtin_memcpy(key.src, packet.src, sizeof(key.src));
	__builtin_memcpy(key.dst, packet.dst, sizeof(key.dst));
	key.src_port = packet.family ? packet.src_port : packet.ether_type;
	key.dst_port = packet.dst_port;
	key.interface = passage->interface;
	key.protocol = packet.protocol;
	key.family = packet.family;
	key.direction = passage->direction;
	key.fault = packet.fault;
	counts = find_flow(&key);
	if (counts)
		add(counts, &packet, passage);
	else
		add_to_remainder(&packet, passage);
}

#endif
