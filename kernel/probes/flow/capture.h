/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A packet of a capture. User space reads the file into `octets` and describes its packets; a run of `flow_replay`
 * takes the next one. `replayed` counts them, so that a run that a signal broke off goes on where it was.
 */
#ifndef WEIR_FLOW_CAPTURE_H
#define WEIR_FLOW_CAPTURE_H

#include "packet_source.h"

#define DESCRIBED_MAX 8192

struct octets {
	__u8 all[PACKET_MEMORY_BYTES];
};

struct described {
	__u32 base;   /* where it begins in `octets` */
	__u32 held;   /* octets that were captured */
	__u32 length; /* octets that it had */
	__u32 link;   /* enum packet_link; 0 = one that is not read */
	__u32 interface;
	__u32 seconds;
	__u32 nanoseconds;
	__u32 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct octets);
} captured SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DESCRIBED_MAX);
	__type(key, __u32);
	__type(value, struct described);
} packets SEC(".maps");

/* Index of the next packet in `packets`. */
volatile __u32 replayed;

#endif
