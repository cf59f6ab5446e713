/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the flow probe keeps of packets, and the record that user space makes of it. */
#ifndef WEIR_FLOW_RECORD_H
#define WEIR_FLOW_RECORD_H

#include "record_types.h"

enum flow_direction {
	DIRECTION_NONE,	   /* of a capture */
	DIRECTION_INGRESS, /* as the host sees the interface */
	DIRECTION_EGRESS,
	DIRECTION_FORWARD, /* of a key: egress of what came in by an interface; a record has EGRESS and a flag */
};

/* Bits of `flags` above those of TCP: who opened the connection. */
enum flow_flag {
	FLOW_SYN = 1 << 8,     /* a SYN without ACK was seen: src opened it */
	FLOW_SYN_ACK = 1 << 9, /* SYN and ACK: dst opened it */
	FLOW_REMAINDER = 1 << 10, /* of a record: packets for which the map had no room, of many flows */
	FLOW_FORWARDED = 1 << 11, /* of a record: they go out, and came in by an interface of this host */
};

/* One direction of one 5-tuple on one interface. What is no IP packet is a flow too: `fault` says why, `src_port` its ethertype. */
struct flow_key {
	address_t src;
	address_t dst;
	__u16 src_port;
	__u16 dst_port;
	__u32 interface; /* its index */
	__u8 protocol;
	__u8 family;	/* 4, 6 or 0 */
	__u8 direction; /* enum flow_direction */
	__u8 fault;	/* enum packet_fault */
};

/* Of one CPU. Half a line of its cache: a packet of a flow that was not seen lately waits for one line, never for two. */
struct flow_counts {
	__u64 bytes_flags; /* FLOW_BYTES_BITS of L3 bytes of wire packets, then TCP flags OR-ed and enum flow_flag */
	__u64 first_ns;	   /* CLOCK_MONOTONIC; of a capture since 1970 */
	__u64 last_ns;
	__u32 packets; /* on the wire */
	__u32 frames;  /* a super-packet is one */
};

/* 281 TB in an interval. */
#define FLOW_BYTES_BITS 48

/* Packets that found the map full: exact all the same, by interface and protocol. */
struct remainder_key {
	__u32 interface;
	__u8 protocol;
	__u8 family;
	__u8 direction;
	__u8 padding;
};

/* All CPUs together; begins as the key does. */
struct flow_record {
	address_t src;
	address_t dst;
	__u16 src_port;
	__u16 dst_port;
	__u32 interface;
	__u8 protocol;
	__u8 family;
	__u8 direction;
	__u8 fault;
	__u32 flags;
	__u64 bytes;
	__u64 packets;
	__u64 frames;
	boot_ns_t first_ns;
	boot_ns_t last_ns; /* live: to a tick of the kernel's clock */
};

_Static_assert(sizeof(struct flow_key) == 44, "no padding in a key");
_Static_assert(sizeof(struct flow_counts) == 32, "half a line");
_Static_assert(sizeof(struct remainder_key) == 8, "no padding in a key");
_Static_assert(sizeof(struct flow_record) == 88, "whole u64 words");

#endif
