/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Conditions of the agent's filter that one end of a connection or packet can meet: a port, an address, a process. User space
 * writes which values meet which condition before anything is attached. A value is looked up by its prefix, so a CIDR
 * and a name that only begins so are one entry each.
 *
 * This says what one value meets. That a row has two ends, and a condition may be met by the other one, is the
 * affair of the probe (socket/both_ends.h, drop/packet_pass.h).
 */
#ifndef WEIR_CONDITIONS_H
#define WEIR_CONDITIONS_H

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

/* In the order of kernel/probes/conditions.ts. */
enum condition_field {
	CONDITION_PORT,
	CONDITION_ADDRESS,
	CONDITION_NETNS,
	CONDITION_CGROUP,
	CONDITION_PID,
	CONDITION_PROCESS,
	CONDITION_PROTOCOL,
};

enum { BPF_MAP_TYPE_LPM_TRIE = 11 };

#define FIELD_BITS 32
#define VALUE_BITS 128

struct condition_key {
	__u32 prefix_bits;
	__u32 field; /* enum condition_field */
	__u64 value[2];
};

/* The value: a bit for each condition that is met. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct condition_key);
	__type(value, __u32);
} condition_values SEC(".maps");

/* A bit for each condition; 0 = no filter. */
const volatile __u32 conditions_asked;
/* A bit for each field that they look at. */
const volatile __u32 condition_fields;

static __always_inline bool looks_at(enum condition_field field)
{
	return condition_fields & 1U << field;
}

static __always_inline __u32 met_by_value(struct condition_key *key, enum condition_field field,
					  __u64 first, __u64 second)
{
	__u32 *met;

	key->prefix_bits = FIELD_BITS + VALUE_BITS;
	key->field = field;
	key->value[0] = first;
	key->value[1] = second;
	met = bpf_map_lookup_elem(&condition_values, key);
	return met ? *met : 0;
}

#endif
