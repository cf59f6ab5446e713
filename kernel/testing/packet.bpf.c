// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The parser of packets behind each of its doors, for its tests: what it reads is put into a map. Nothing of Weir
 * loads this.
 */
typedef _Bool bool;
enum { false = 0, true = 1 };

#include "packet.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { BPF_MAP_TYPE_ARRAY = 2, BPF_F_MMAPABLE = 1 << 10 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} parsed SEC(".maps");

struct octets {
	__u8 all[PACKET_MEMORY_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct octets);
} memory SEC(".maps");

/* Of the packet in `memory`, set before a run. */
__u32 base, held, length, link;

static __always_inline int parse(const struct packet_source *source, enum packet_link kind)
{
	__u32 zero = 0;
	struct packet *into = bpf_map_lookup_elem(&parsed, &zero);
	struct packet packet;

	parse_packet(source, kind, &packet);
	if (into)
		*into = packet;
	return packet.family;
}

SEC("xdp")
int packet_xdp(struct xdp_md *context)
{
	struct packet_source source = {
		.door = DOOR_XDP,
		.data = (void *)(long)context->data,
		.data_end = (void *)(long)context->data_end,
		.context = context,
	};

	source.length = context->data_end - context->data;
	return parse(&source, LINK_ETHERNET);
}

SEC("tc")
int packet_tc(struct __sk_buff *skb)
{
	struct packet_source source = {
		.door = DOOR_TC,
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end,
		.context = skb,
		.length = skb->len,
	};

	return parse(&source, LINK_ETHERNET);
}

/* Its frame begins behind the Ethernet header in a run of ours. */
SEC("socket")
int packet_socket(struct __sk_buff *skb)
{
	struct packet_source source = { .door = DOOR_SKB, .context = skb, .length = skb->len };

	return parse(&source, LINK_RAW);
}

/* The context says nothing: the packet is in `memory`. */
SEC("socket")
int packet_memory_read(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct octets *octets = bpf_map_lookup_elem(&memory, &zero);
	struct bpf_dynptr dynptr;
	struct packet_source source = {
		.door = DOOR_MEMORY,
		.octets = &dynptr,
		.base = base,
		.held = held,
		.length = length,
	};

	if (!octets || bpf_dynptr_from_mem(octets, sizeof(*octets), 0, &dynptr))
		return 0;
	return parse(&source, link);
}
