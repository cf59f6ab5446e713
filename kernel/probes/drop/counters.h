/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the drop probe counts, per CPU: packets, of retransmits segments. The names become the keys that user space shows. */
#ifndef WEIR_DROP_COUNTERS_H
#define WEIR_DROP_COUNTERS_H

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

enum drop_counter {
	COUNTER_SEEN,        /* = filtered + recorded + map_full */
	COUNTER_FILTERED,    /* of these, left out by a filter */
	COUNTER_RECORDED,    /* of these, put into the table */
	COUNTER_MAP_FULL,    /* of these, counted by reason alone: the table was full */
	COUNTER_IGNORED,     /* frees that are no drops: no packet, consumed, or a part of a packet */
	COUNTER_TAKEN_OVER,  /* frees that the second program saw in place of the first */
	COUNTER_INTERRUPTED, /* filled in by user space: runs that the kernel left out, and nobody took over */
	COUNTER_TAKEN,       /* filled in by user space: what it has read out of the table */
	COUNTER_COUNT,
};

struct drop_counters {
	__u64 values[COUNTER_COUNT];
	__u64 depth; /* how often drop_packet runs on this CPU now */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct drop_counters);
} counters SEC(".maps");

static __always_inline struct drop_counters *counters_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* An interrupt may count between the load and the store of another program on this CPU. */
static __always_inline void add(__u64 *to, __u64 count)
{
	__sync_fetch_and_add(to, count);
}

#endif
