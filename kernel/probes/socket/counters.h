/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the socket probe counts, per CPU. The names become the keys that user space shows. */
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

enum socket_counter {
	COUNTER_SEEN,          /* ends of TCP sockets; = filtered + closed + lost_ring */
	COUNTER_FILTERED,      /* of these, left out by a filter */
	COUNTER_CLOSED,        /* of these, put into the ring */
	COUNTER_LOST_RING,     /* of these, lost because the ring was full */
	COUNTER_RECOVERED,     /* ends that socket_state missed and others reported; counted above too */
	COUNTER_LOST_STORAGE,  /* contexts (start, owner, role) that could not be kept */
	COUNTER_DUMPED,        /* live records written by dumps */
	COUNTER_DUMP_FILTERED, /* live sockets that a filter left out of a dump */
	COUNTER_CONDITIONS_FULL, /* sockets that passed the filter unseen: the table of what ends meet was full */
	COUNTER_UNREPORTED,    /* ends that no program has reported: dumps did not find the socket any more */
	COUNTER_COUNT,
};

struct socket_counters {
	__u64 values[COUNTER_COUNT];
};

/* Who counts: what may interrupt each other must not write the same number. */
enum counting { COUNTING_STATE, COUNTING_GONE, COUNTING_DUMP, COUNTING_COUNT };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTING_COUNT);
	__type(key, __u32);
	__type(value, struct socket_counters);
} counters SEC(".maps");

static __always_inline struct socket_counters *counters_here(__u32 who)
{
	return bpf_map_lookup_elem(&counters, &who);
}

static __always_inline void count(enum socket_counter which)
{
	struct socket_counters *here = counters_here(COUNTING_STATE);

	if (here)
		here->values[which]++;
}

#endif
