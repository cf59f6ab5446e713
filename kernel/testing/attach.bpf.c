// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the tests of the loader's hooks attach: one program per kind of hook, each counting what it sees, and maps
 * of the kinds that the coming probes need. No settings, so the object has no .rodata. Nothing of Weir loads this.
 */
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* As in the uapi header; here so that no header's version decides the object's bytes. */
enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	TCX_NEXT = -1,
	TC_ACT_SHOT = 2,
	XDP_DROP = 1,
	XDP_PASS = 2,
	ETHERNET_BYTES = 14,
	PROTOCOL_UDP = 17,
	/* Only datagrams to this port count, so that neighbour discovery does not. */
	COUNTED_PORT = 9999,
};

/* The members that are read, at their places. */
struct __sk_buff {
	__u32 len;
	__u32 packet_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 others[29];
	__u32 wire_len;
	__u32 gso_segs;
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
};

struct bpf_sock;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid; /* of the thread */
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} __attribute__((preserve_access_index));

/* Who counts: the place in `counted`. */
enum counting {
	COUNT_TC_IN,
	COUNT_TC_OUT,
	COUNT_XDP,
	COUNT_CGROUP_IN,
	COUNT_CGROUP_OUT,
	COUNT_SOCKET_FILTER,
	COUNT_TRACEPOINT,
	COUNT_OTHER,
	COUNTINGS,
};

/* Packets and L3 octets. */
struct sum {
	__u64 packets;
	__u64 octets;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, COUNTINGS);
	__type(key, __u32);
	__type(value, struct sum);
} counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 17);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << 10);
	__type(key, __u32);
	__type(value, __u32);
} slots SEC(".maps");

/* As the kernel wants a key of BPF_MAP_TYPE_LPM_TRIE: length of the prefix in bits, then the address. */
struct prefix {
	__u32 bits;
	__u8 address[4];
};

struct rules {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 17);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	/* Sizes: of a type that stands behind a pointer to a map clang 14 writes the name alone. */
	__uint(key_size, sizeof(struct prefix));
	__uint(value_size, sizeof(__u32));
};

/* Rules by prefix; `generations` holds one such map at a time. */
struct rules rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct rules);
} generations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct rules);
} rules_by_interface SEC(".maps");

/* Written by the programs and by the loader; a variable of each size. */
__u8 written_u8;
__u16 written_u16;
__u32 written_u32;
__u64 written_u64;
__u64 runs;

static __always_inline void count(__u32 who, __u64 octets)
{
	struct sum none = {}, *sum = bpf_map_lookup_elem(&counted, &who);

	if (!sum) {
		bpf_map_update_elem(&counted, &who, &none, 0);
		sum = bpf_map_lookup_elem(&counted, &who);
	}
	if (!sum)
		return;
	sum->packets++;
	sum->octets += octets;
}

/* `ip` is where the IPv4 header begins in what the program sees. */
static __always_inline int is_counted(struct __sk_buff *skb, __u32 ip)
{
	__u8 version, protocol;
	__be16 port;

	if (bpf_skb_load_bytes(skb, ip, &version, sizeof(version)) < 0 || version != 0x45)
		return 0;
	if (bpf_skb_load_bytes(skb, ip + 9, &protocol, sizeof(protocol)) < 0 || protocol != PROTOCOL_UDP)
		return 0;
	if (bpf_skb_load_bytes(skb, ip + 22, &port, sizeof(port)) < 0)
		return 0;
	return port == bpf_htons(COUNTED_PORT);
}

SEC("tc")
int weir_tc_in(struct __sk_buff *skb)
{
	if (is_counted(skb, ETHERNET_BYTES))
		count(COUNT_TC_IN, skb->len - ETHERNET_BYTES);
	return TCX_NEXT;
}

SEC("tc")
int weir_tc_out(struct __sk_buff *skb)
{
	if (is_counted(skb, ETHERNET_BYTES))
		count(COUNT_TC_OUT, skb->len - ETHERNET_BYTES);
	return TCX_NEXT;
}

/* Somebody else's program, which lets nothing of ours through. */
SEC("tc")
int other_tc(struct __sk_buff *skb)
{
	if (!is_counted(skb, ETHERNET_BYTES))
		return TCX_NEXT;
	count(COUNT_OTHER, skb->len - ETHERNET_BYTES);
	return TC_ACT_SHOT;
}

SEC("xdp")
int weir_xdp(struct xdp_md *xdp)
{
	__u8 *begin = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u8 *ip = begin + ETHERNET_BYTES;

	if (ip + 24 > end || ip[0] != 0x45 || ip[9] != PROTOCOL_UDP)
		return XDP_PASS;
	if (*(__be16 *)(ip + 22) == bpf_htons(COUNTED_PORT))
		count(COUNT_XDP, end - ip);
	return XDP_PASS;
}

SEC("xdp")
int other_xdp(struct xdp_md *xdp)
{
	return XDP_PASS;
}

/* What a run was given: interface and queue in the low half, the octets of metadata and the first of them above. */
SEC("xdp")
int tell_xdp_context(struct xdp_md *xdp)
{
	__u8 *meta = (void *)(long)xdp->data_meta, *begin = (void *)(long)xdp->data;
	__u32 first = 0;

	if (meta + 4 <= begin)
		first = *(__u32 *)meta;
	return ((begin - meta) << 24) | ((first & 0xff) << 16) | (xdp->rx_queue_index << 8) |
	       (xdp->ingress_ifindex & 0xff);
}

/* What a run was given: segments of a super-packet and its length on the wire; mark and priority are changed. */
SEC("tc")
int tell_skb_context(struct __sk_buff *skb)
{
	skb->mark = skb->mark * 2;
	skb->priority = skb->priority + 1;
	return skb->gso_segs << 16 | skb->wire_len;
}

SEC("cgroup_skb/ingress")
int weir_cgroup_in(struct __sk_buff *skb)
{
	if (is_counted(skb, 0))
		count(COUNT_CGROUP_IN, skb->len);
	return 1;
}

SEC("cgroup_skb/egress")
int weir_cgroup_out(struct __sk_buff *skb)
{
	if (is_counted(skb, 0))
		count(COUNT_CGROUP_OUT, skb->len);
	return 1;
}

SEC("cgroup_skb/egress")
int other_cgroup(struct __sk_buff *skb)
{
	return 1;
}

/* Sockets made in the cgroup. */
SEC("cgroup/sock_create")
int weir_sock_made(struct bpf_sock *sock)
{
	runs++;
	return 1;
}

/* Keeps nothing of a packet for its socket. */
SEC("socket")
int weir_filter(struct __sk_buff *skb)
{
	if (is_counted(skb, ETHERNET_BYTES))
		count(COUNT_SOCKET_FILTER, skb->len - ETHERNET_BYTES);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int weir_state(void *ctx)
{
	count(COUNT_TRACEPOINT, 0);
	return 0;
}

/* Nothing: what a run on this tracepoint costs by itself. */
SEC("tp_btf/kfree_skb")
int empty_drop(void *ctx)
{
	return 0;
}

/* Two words for each element of the map that is walked: the key's, and the value's first. */
SEC("iter/bpf_map_elem")
int weir_elements(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u32 *key = ctx->key, *value = ctx->value;
	__u32 words[2];

	if (!key || !value)
		return 0;
	words[0] = *key;
	words[1] = *value;
	bpf_seq_write(seq, words, sizeof(words));
	return 0;
}

/* Two words for each thread that is walked: its id, and its process'. */
SEC("iter/task")
int weir_threads(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	__u32 words[2];

	if (!task)
		return 0;
	words[0] = task->pid;
	words[1] = task->tgid;
	bpf_seq_write(seq, words, sizeof(words));
	return 0;
}

/* The rule of the longest prefix for an IPv4 source, in the generation that is in force; 0 is none. */
SEC("xdp")
int weir_rules(struct xdp_md *xdp)
{
	__u8 *begin = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u8 *ip = begin + ETHERNET_BYTES;
	struct prefix key = { .bits = 32 };
	__u32 first = 0, *rule;
	void *inner;

	if (ip + 20 > end)
		return 0;
	__builtin_memcpy(key.address, ip + 12, 4);
	inner = bpf_map_lookup_elem(&generations, &first);
	if (!inner)
		return 0;
	rule = bpf_map_lookup_elem(inner, &key);
	return rule ? *rule : 0;
}

/* Adds to what the loader has written. */
SEC("tc")
int add_to_variables(struct __sk_buff *skb)
{
	written_u8 += 1;
	written_u16 += 1;
	written_u32 += 1;
	written_u64 += 1;
	runs += 1;
	return 0;
}
