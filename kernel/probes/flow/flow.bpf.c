// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What an interface carries: every packet is added to its flow, and goes on as if nobody had looked.
 *
 * Hooks: tcx (Linux 6.6) or a clsact filter, in both directions; a packet socket's filter where only CAP_BPF and CAP_NET_RAW
 * are there, or where traffic control should stay untouched. `_raw` is for interfaces without a link header (tun). `flow_replay`
 * is for captures and has no hook: it runs by BPF_PROG_TEST_RUN.
 */
#include "kernel_types.h"
#include "account.h"
#include "capture.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* For the layout generator: a type that no variable has is not in BTF. */
const struct flow_record *unused_record __attribute__((unused));
const enum flow_direction *unused_direction __attribute__((unused));
const enum flow_flag *unused_flag __attribute__((unused));
const enum packet_fault *unused_fault __attribute__((unused));
const enum flow_counter *unused_counter __attribute__((unused));

/* The next program decides: TCX_NEXT, and TC_ACT_UNSPEC of a filter. */
#define GO_ON (-1)
/* skb->pkt_type of what this host sends. */
#define PACKET_OUTGOING 4

/* gso_segs, or where a device left that to the stack: what gso_size makes of the octets. */
static __always_inline __u32 segments_of(struct __sk_buff *skb)
{
	__u32 segments = skb->gso_segs, size = skb->gso_size;

	if (segments > 0)
		return segments;
	return size > 0 && skb->len > size ? (skb->len + size - 1) / size : 1;
}

/* What goes out has passed another interface if it has come in by one. A host's own packets have not. */
static __always_inline struct passage passage_of(struct __sk_buff *skb, enum flow_direction direction)
{
	if (direction == DIRECTION_EGRESS && skb->ingress_ifindex > 0)
		direction = DIRECTION_FORWARD;
	return (struct passage){
		.interface = skb->ifindex,
		.segments = segments_of(skb),
		.direction = direction,
	};
}

static __always_inline int pass(struct __sk_buff *skb, enum packet_link link, enum flow_direction direction)
{
	struct passage passage = passage_of(skb, direction);
	struct packet_source source = {
		.door = DOOR_TC,
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end,
		.context = skb,
		.length = skb->len,
	};

	account(&source, link, &passage);
	return GO_ON;
}

SEC("tc")
int flow_ingress(struct __sk_buff *skb)
{
	return pass(skb, LINK_ETHERNET, DIRECTION_INGRESS);
}

SEC("tc")
int flow_egress(struct __sk_buff *skb)
{
	return pass(skb, LINK_ETHERNET, DIRECTION_EGRESS);
}

SEC("tc")
int flow_raw_ingress(struct __sk_buff *skb)
{
	return pass(skb, LINK_RAW, DIRECTION_INGRESS);
}

SEC("tc")
int flow_raw_egress(struct __sk_buff *skb)
{
	return pass(skb, LINK_RAW, DIRECTION_EGRESS);
}

/* 0 = the socket keeps nothing. */
static __always_inline int look(struct __sk_buff *skb, enum packet_link link)
{
	bool outgoing = skb->pkt_type == PACKET_OUTGOING;
	struct passage passage = passage_of(skb, outgoing ? DIRECTION_EGRESS : DIRECTION_INGRESS);
	struct packet_source source = { .door = DOOR_SKB, .context = skb, .length = skb->len };

	account(&source, link, &passage);
	return 0;
}

SEC("socket")
int flow_filter(struct __sk_buff *skb)
{
	return look(skb, LINK_ETHERNET);
}

SEC("socket")
int flow_raw_filter(struct __sk_buff *skb)
{
	return look(skb, LINK_RAW);
}

/* The skb says nothing: the packet is described in `packets`. */
SEC("socket")
int flow_replay(struct __sk_buff *skb)
{
	__u32 zero = 0, next = replayed;
	struct octets *octets = bpf_map_lookup_elem(&captured, &zero);
	struct described *described = bpf_map_lookup_elem(&packets, &next);
	struct passage passage = { .segments = 1, .captured = 1 };
	struct bpf_dynptr dynptr;
	struct packet_source source = { .door = DOOR_MEMORY, .octets = &dynptr };

	if (!octets || !described || bpf_dynptr_from_mem(octets, sizeof(*octets), 0, &dynptr))
		return 0;
	source.base = described->base;
	source.held = described->held;
	source.length = described->length;
	passage.time_ns = described->seconds * 1000000000ULL + described->nanoseconds;
	passage.interface = described->interface;
	account(&source, described->link, &passage);
	replayed = next + 1;
	return 0;
}
