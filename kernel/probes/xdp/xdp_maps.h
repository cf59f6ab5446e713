/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Maps of the program. Five maps of maps hold two generations of rules; `state` says which one is in force. It is a map
 * of maps too: replacing its inner map changes everything in it at one moment, and the call returns when no program
 * uses the old one.
 */
#ifndef WEIR_XDP_MAPS_H
#define WEIR_XDP_MAPS_H

#include "packet.h"
#include "xdp_record.h"

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_INNER_MAP = 1 << 12,
	BPF_NOEXIST = 1,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

struct inner_state {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct xdp_state));
};

struct inner_prefixes {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct prefix_node));
};

struct inner_lists {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

struct inner_rules {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct rule));
};

struct inner_counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct rule_counts));
};

struct inner_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
};

#define OUTER(name, entries, inner)                      \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); \
		__uint(max_entries, entries);            \
		__type(key, __u32);                      \
		__array(values, struct inner);           \
	} name SEC(".maps")

OUTER(state, 1, inner_state);
OUTER(sources, 2, inner_prefixes);
OUTER(destinations, 2, inner_prefixes);
OUTER(lists, 2, inner_lists);
OUTER(rules, 2, inner_rules);
OUTER(counts, 2, inner_counts);
OUTER(rings, READERS_MAX, inner_ring);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, struct limit_key);
	__type(value, struct limit);
} limits SEC(".maps");

/* What is known of a packet so far. */
struct verdict {
	__u64 now;  /* CLOCK_BOOTTIME; 0 until something needs it */
	__u32 rank; /* of the rule that decides; NO_RANK = none */
	__u32 rule_index;
	__u32 shadow_rank; /* the same of a rule in shadow mode */
	__u32 shadow_index;
	__u32 generation;
	__u32 epoch; /* of the rules of that generation */
	__u32 label;
	__u32 list; /* of the prefix that was found last */
	__u32 wanting; /* a bit for each reader that gets the packet: in memory, as the verifier forgets it */
	__u8 action;
	__u8 flags;
	__u8 padding[6];
};

#define NO_RANK 0xffffffff

/*
 * What the program counted on this CPU, the packet at hand and what is known of it: one look-up for all. In a map,
 * because the verifier follows each value on a program's stack through all that comes after, and forgets those in a map.
 */
struct work {
	__u64 counters[COUNTER_COUNT];
	struct packet packet;
	struct verdict verdict;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} counters SEC(".maps");

/* A limit is two words that change together; the kernel takes no lock in an LRU hash, so the locks lie beside. */
struct limit_lock {
	struct bpf_spin_lock lock;
};

#define LIMIT_LOCKS 1024

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIMIT_LOCKS);
	__type(key, __u32);
	__type(value, struct limit_lock);
} limit_locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct protected_key);
	__type(value, __u32);
} protected SEC(".maps");

/* A bit for each port: of this host, which always pass; then of far ends that `protected` has something about. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * PORT_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} protected_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct hit_key);
	__type(value, __u64);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reader_all);
} reading SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, READERS_MAX);
	__type(key, __u32);
	__type(value, struct reader);
} readers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, READERS_MAX);
	__type(key, __u32);
	__type(value, struct reader_counts);
} reader_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdp_event);
} scratches SEC(".maps");

static __always_inline struct work *work_of_cpu(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&counters, &first);
}

static __always_inline void count(enum xdp_counter which)
{
	struct work *work = work_of_cpu();

	if (work)
		work->counters[which]++;
}

#endif
