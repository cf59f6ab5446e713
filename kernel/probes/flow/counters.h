/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the flow probe counts, per CPU, in packets unless it says otherwise. Two sets take turns with the maps of
 * flows, so a set that is read is at rest: seen = sampled_out + counted + lost, to the packet.
 */
#ifndef WEIR_FLOW_COUNTERS_H
#define WEIR_FLOW_COUNTERS_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* The names become the keys that user space shows. */
enum flow_counter {
	COUNTER_SEEN,	     /* every packet that a program was given */
	COUNTER_SAMPLED_OUT, /* of these, packets that --sample left out */
	COUNTER_COUNTED,     /* of these, packets that were added to a flow or to the remainders */
	COUNTER_LOST,	     /* of these, packets for which neither had room */
	COUNTER_UNLISTED,    /* of those counted, packets in the remainders */
	COUNTER_OPENED,	     /* flows that came into a map */
	/* User space counts these. */
	COUNTER_TAKEN,	/* of those counted, packets in records that were read */
	COUNTER_UNSEEN, /* packets that an interface counted and no program was given */
	COUNTER_EXCESS, /* packets that a program was given and the interface did not count */
	COUNTER_XDP_DROPPED, /* packets that an interface counted and a rule of Weir dropped before the programs */
	COUNTER_COUNT,
};

struct flow_counters {
	__u64 values[COUNTER_TAKEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct flow_counters);
} counters SEC(".maps");

#endif
