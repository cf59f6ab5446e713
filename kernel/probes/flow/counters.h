/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the flow probe counts, per CPU. The names become the keys that user space shows. */
#ifndef WEIR_FLOW_COUNTERS_H
#define WEIR_FLOW_COUNTERS_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

enum flow_counter {
	COUNTER_OPENED,	     /* flows that came into a map */
	COUNTER_UNLISTED,    /* packets of flows for which the map had no room; they are in the remainders */
	COUNTER_LOST,	     /* of these, packets for which the remainders had no room either */
	COUNTER_SAMPLED_OUT, /* packets that --sample left out */
	COUNTER_COUNT,
};

struct flow_counters {
	__u64 values[COUNTER_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_counters);
} counters SEC(".maps");

static __always_inline void count(enum flow_counter which, __u32 number)
{
	__u32 zero = 0;
	struct flow_counters *here = bpf_map_lookup_elem(&counters, &zero);

	if (here)
		here->values[which] += number;
}

#endif
