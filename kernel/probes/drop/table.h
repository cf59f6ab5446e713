/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The table that drops are summed up in. User space puts an empty one in its place, in one step, and then reads the
 * old one, which no program uses any more: nothing is counted twice and nothing between two reads. What finds no room
 * is counted by reason alone. Nothing is allocated: the table has its entries from the start.
 */
#ifndef WEIR_DROP_TABLE_H
#define WEIR_DROP_TABLE_H

#include "counters.h"
#include "packet_read.h"

#define TABLE_ENTRIES 8192
#define REASONS_MAX 256 /* more than any kernel has; the last one is for reasons of modules */
#define KINDS_MAX 8

/* The value of the table: the second half of a drop_record. */
struct drop_value {
	__u64 count;
	__u64 bytes;
	__u64 first_ns;
	__u64 last_ns;
	__u64 cookie;
	__u64 cgroup_id;
	__u32 packet_bytes;
	__u32 interface_index;
	__u8 tcp_flags;
	__u8 flags;
	__u8 padding[6];
	char interface[16];
};

_Static_assert(sizeof(struct drop_value) + DROP_KEY_BYTES == sizeof(struct drop_record),
	       "the value is the second half");

struct drop_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TABLE_ENTRIES);
	/* By size: clang 14 leaves types out of BTF that only an inner map names. */
	__uint(key_size, sizeof(struct drop_key));
	__uint(value_size, sizeof(struct drop_value));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct drop_table);
} current SEC(".maps");

struct remainder {
	__u64 count;
	__u64 bytes;
};

/* By reason; of other kinds than packets behind all reasons. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS_MAX + KINDS_MAX);
	__type(key, __u32);
	__type(value, struct remainder);
} remainders SEC(".maps");

/* Nanoseconds between two ticks of the timer; set by the loader. */
const volatile __u64 tick_ns;

/* CLOCK_BOOTTIME less the ticks. It changes when the host has slept: each new entry finds it again. */
__u64 boot_at_tick_0;

/* The exact clock, for an entry that is new. The next tick may be due: counted with it, no coarse time is too late. */
static __always_inline __u64 exact_time(void)
{
	__u64 boot = bpf_ktime_get_boot_ns();

	boot_at_tick_0 = boot - (bpf_jiffies64() + 1) * tick_ns;
	return boot;
}

/* Up to two ticks early. Reading the exact clock would be a good part of what a drop costs. */
static __always_inline __u64 coarse_time(void)
{
	return bpf_jiffies64() * tick_ns + boot_at_tick_0;
}

static __always_inline void add_to(struct drop_value *to, const struct drop_value *more)
{
	const __u64 now = coarse_time();

	add(&to->count, more->count);
	add(&to->bytes, more->bytes);
	if (now > to->last_ns)
		to->last_ns = now;
	if (more->tcp_flags & ~to->tcp_flags)
		to->tcp_flags |= more->tcp_flags;
}

static __always_inline void count_remainder(const struct drop_key *key, const struct drop_value *value)
{
	__u32 index = key->reason < REASONS_MAX ? key->reason : REASONS_MAX - 1;
	struct remainder *remainder;

	if (key->kind != DROP_PACKET)
		index = REASONS_MAX + (key->kind & (KINDS_MAX - 1));
	remainder = bpf_map_lookup_elem(&remainders, &index);
	if (!remainder)
		return;
	add(&remainder->count, value->count);
	add(&remainder->bytes, value->bytes);
}

#endif
