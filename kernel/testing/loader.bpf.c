// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the loader's own tests read and run: maps of every type that it reads in batches, and programs that
 * the kernel runs without their hook (BPF_PROG_TEST_RUN). Nothing of Weir loads this.
 */
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* As in the uapi header; here so that no header's version decides the object's bytes. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_RINGBUF = 27,
};

/* The members that are read, at their places. */
struct __sk_buff {
	__u32 len;
	__u32 packet_type;
	__u32 mark;
};

/* Twelve octets: a key that is no multiple of 8, a value that the kernel pads per CPU. */
struct triple {
	__u32 words[3];
};

#define MAP(NAME, TYPE, ENTRIES, KEY, VALUE)                                                           \
	struct {                                                                                       \
		__uint(type, TYPE);                                                                    \
		__uint(max_entries, ENTRIES);                                                          \
		__type(key, KEY);                                                                      \
		__type(value, VALUE);                                                                  \
	} NAME SEC(".maps")

#define MANY (1 << 17)

MAP(protocols, BPF_MAP_TYPE_HASH, 256, __u8, __u64);
MAP(protocols_cpu, BPF_MAP_TYPE_PERCPU_HASH, 256, __u8, struct triple);
MAP(protocols_array, BPF_MAP_TYPE_ARRAY, 256, __u32, __u64);
MAP(protocols_array_cpu, BPF_MAP_TYPE_PERCPU_ARRAY, 256, __u32, struct triple);
MAP(many, BPF_MAP_TYPE_HASH, MANY, struct triple, __u64);
MAP(many_cpu, BPF_MAP_TYPE_PERCPU_HASH, MANY, struct triple, struct triple);
MAP(many_lru, BPF_MAP_TYPE_LRU_HASH, MANY, struct triple, struct triple);
MAP(many_lru_cpu, BPF_MAP_TYPE_LRU_PERCPU_HASH, MANY, struct triple, __u64);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

const volatile __u32 added_value = 1;
__u32 added;

static __always_inline void add_octets(struct triple *to, __u32 octets)
{
	if (!to)
		return;
	to->words[0]++;
	to->words[1] += octets;
	to->words[2] = octets;
}

/* Octets by IP protocol, in every kind of map. A socket filter's frame begins with the IP header. */
SEC("socket")
int count_protocols(struct __sk_buff *skb)
{
	struct triple none = {};
	__u64 octets = skb->len, zero = 0, *sum;
	__u32 slot;
	__u8 protocol;

	if (bpf_skb_load_bytes(skb, 9, &protocol, sizeof(protocol)) < 0)
		return 0;
	slot = protocol;
	bpf_map_update_elem(&protocols, &protocol, &zero, BPF_NOEXIST);
	bpf_map_update_elem(&protocols_cpu, &protocol, &none, BPF_NOEXIST);
	sum = bpf_map_lookup_elem(&protocols, &protocol);
	if (sum)
		__sync_fetch_and_add(sum, octets);
	sum = bpf_map_lookup_elem(&protocols_array, &slot);
	if (sum)
		__sync_fetch_and_add(sum, octets);
	add_octets(bpf_map_lookup_elem(&protocols_cpu, &protocol), octets);
	add_octets(bpf_map_lookup_elem(&protocols_array_cpu, &slot), octets);
	return octets;
}

/* One new entry in each of the large maps for every run; the value tells the key. */
SEC("tc")
int add_entry(struct __sk_buff *skb)
{
	__u32 number = added++; /* runs come one after the other; 5.10 has no atomic fetch */
	struct triple key = { .words = { number, ~number, added_value } };
	struct triple value = { .words = { number * 3, number ^ 0x5a5a5a5a, added_value } };
	__u64 wide = ((__u64)~number << 32) | number;

	bpf_map_update_elem(&many, &key, &wide, BPF_ANY);
	bpf_map_update_elem(&many_cpu, &key, &value, BPF_ANY);
	bpf_map_update_elem(&many_lru, &key, &value, BPF_ANY);
	bpf_map_update_elem(&many_lru_cpu, &key, &wide, BPF_ANY);
	return skb->len;
}

/* A router's step on an IPv4 frame: the addresses of the link change sides, one less to live (RFC 1812, 5.3.1). */
SEC("tc")
int forward(struct __sk_buff *skb)
{
	__u8 macs[12], ttl;
	__be16 before, after;

	if (bpf_skb_load_bytes(skb, 0, macs, sizeof(macs)) < 0 ||
	    bpf_skb_load_bytes(skb, 14 + 8, &before, sizeof(before)) < 0)
		return -1;
	bpf_skb_store_bytes(skb, 0, macs + 6, 6, 0);
	bpf_skb_store_bytes(skb, 6, macs, 6, 0);
	after = before - bpf_htons(0x0100);
	ttl = bpf_ntohs(after) >> 8;
	bpf_l3_csum_replace(skb, 14 + 10, before, after, sizeof(after));
	bpf_skb_store_bytes(skb, 14 + 8, &ttl, sizeof(ttl), 0);
	return ttl;
}

/* What the caller put into the context: struct __sk_buff's mark is the third word. */
SEC("tc")
int tell_mark(struct __sk_buff *skb)
{
	return skb->mark;
}

/* A kind of program that runs at its hook alone. */
SEC("tp_btf/inet_sock_set_state")
int at_hook_alone(void *ctx)
{
	return 0;
}
