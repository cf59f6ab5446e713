/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Adds a packet to its flow. Two sets of maps take turns: programs write the one that `active` names while user space
 * empties the other, so no count is taken out while it is written. Per CPU, so that none waits for another.
 */
#ifndef WEIR_FLOW_ACCOUNT_H
#define WEIR_FLOW_ACCOUNT_H

#include "counters.h"
#include "flow_record.h"
#include "packet.h"

#define COUNTS_MAP(NAME, KEY, ENTRIES)                                                                 \
	struct {                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                                \
		__uint(max_entries, ENTRIES);                                                          \
		__type(key, struct KEY);                                                               \
		__type(value, struct flow_counts);                                                     \
	} NAME SEC(".maps")

COUNTS_MAP(flows_a, flow_key, 1 << 16);
COUNTS_MAP(flows_b, flow_key, 1 << 16);
COUNTS_MAP(remainders_a, remainder_key, 4096);
COUNTS_MAP(remainders_b, remainder_key, 4096);

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

/* 0 = flows_a and remainders_a, 1 = flows_b and remainders_b. */
volatile __u32 active;

/* One packet in N is counted; 0 and 1 = all. */
const volatile __u32 sample;

/* What the packet is besides its headers. */
struct passage {
	__u64 time_ns; /* of a packet of a capture */
	__u32 interface;
	__u32 segments; /* packets on the wire; more than one for a super-packet */
	__u8 direction;
	__u8 captured;
};

/* The kernel has a clock that costs nothing and moves with its ticks (Linux 5.11). */
const volatile bool coarse_clock;

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

/* The first time of a flow is exact: it says which interface a packet passed first, and who spoke first. */
static __always_inline void add_time(struct flow_counts *counts, const struct passage *passage)
{
	if (counts->frames == 0)
		counts->first_ns = passage->captured ? passage->time_ns : bpf_ktime_get_ns();
	if (passage->captured)
		counts->last_ns = passage->time_ns;
	else
		counts->last_ns = coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
}

static __always_inline void add(struct flow_counts *counts, const struct packet *packet,
				const struct passage *passage)
{
	__u64 bytes = packet->family ? wire_bytes(packet, passage) : 0;

	add_time(counts, passage);
	counts->bytes_flags = (counts->bytes_flags + bytes) | (__u64)flags_of(packet) << FLOW_BYTES_BITS;
	counts->packets += passage->segments;
	counts->frames++;
}

/* Another CPU may have added the key meanwhile: hence the second look, whatever adding says. */
static __always_inline struct flow_counts *find(void *map, const void *key, __u64 *opened)
{
	struct flow_counts *counts = bpf_map_lookup_elem(map, key);

	if (!counts) {
		struct flow_counts none = {};

		if (bpf_map_update_elem(map, key, &none, BPF_NOEXIST) == 0)
			(*opened)++;
		counts = bpf_map_lookup_elem(map, key);
	}
	return counts;
}

/* No room in the map of flows. */
static __always_inline struct flow_counts *find_remainder(const struct packet *packet, __u32 side)
{
	struct remainder_key key = {
		.interface = packet->interface,
		.protocol = packet->protocol,
		.family = packet->family,
		.direction = packet->direction,
	};
	__u64 no_flow = 0;

	return side ? find(&remainders_b, &key, &no_flow) : find(&remainders_a, &key, &no_flow);
}

/* The packet is its own key: it begins as one does. */
static __always_inline void count_packet(const struct packet *packet, const struct passage *passage, __u32 side,
					 struct flow_counters *here)
{
	__u64 *opened = &here->values[COUNTER_OPENED];
	struct flow_counts *counts = side ? find(&flows_b, packet, opened) : find(&flows_a, packet, opened);

	if (!counts) {
		counts = find_remainder(packet, side);
		if (counts)
			here->values[COUNTER_UNLISTED] += passage->segments;
	}
	if (!counts) {
		here->values[COUNTER_LOST] += passage->segments;
		return;
	}
	add(counts, packet, passage);
	here->values[COUNTER_COUNTED] += passage->segments;
}

#define SAME_PLACE(MEMBER)                                                                                  \
	_Static_assert(__builtin_offsetof(struct packet, MEMBER) == __builtin_offsetof(struct flow_key, MEMBER), \
		       "a packet begins as a key does")
SAME_PLACE(dst);
SAME_PLACE(src_port);
SAME_PLACE(dst_port);
SAME_PLACE(interface);
SAME_PLACE(protocol);
SAME_PLACE(family);
SAME_PLACE(direction);
SAME_PLACE(fault);

static __always_inline void account(const struct packet_source *source, enum packet_link link,
				    const struct passage *passage)
{
	__u32 side = active & 1;
	struct flow_counters *here = bpf_map_lookup_elem(&counters, &side);
	struct packet packet;

	if (!here)
		return;
	here->values[COUNTER_SEEN] += passage->segments;
	if (sample > 1 && bpf_get_prandom_u32() % sample != 0) {
		here->values[COUNTER_SAMPLED_OUT] += passage->segments;
		return;
	}
	parse_packet(source, link, &packet);
	packet.interface = passage->interface;
	packet.direction = passage->direction;
	if (!packet.family)
		packet.src_port = packet.ether_type;
	count_packet(&packet, passage, side, here);
}

#endif
