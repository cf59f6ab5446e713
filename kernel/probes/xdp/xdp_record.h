/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What user space and the program agree on: rules, their generations, readers, and the record of one packet. */
#ifndef WEIR_XDP_RECORD_H
#define WEIR_XDP_RECORD_H

#include <linux/types.h>

#define SAMPLE_BYTES_MAX 2048
#define READERS_MAX 8

enum xdp_counter {
	COUNTER_SEEN,
	COUNTER_PASSED,
	COUNTER_DROPPED,
	COUNTER_NOT_IP,
	COUNTER_MATCHED,
	COUNTER_PROTECTED,
	COUNTER_READ,
	COUNTER_UNWANTED,
	COUNTER_SAMPLED,
	COUNTER_REPORTED,
	COUNTER_LOST_RING,
	COUNTER_HITS_FULL,
	COUNTER_LIMITS_FULL,
	COUNTER_COUNT,
};

enum rule_flag {
	RULE_PROTOCOL = 1,     /* `protocol` must be the packet's */
	RULE_PORTS = 2,	       /* the destination port must be within the range */
	RULE_SOURCE_PORTS = 4, /* the source port must be within the range */
	RULE_SHADOW = 8,       /* counts what it would do, and does nothing */
	RULE_BYTES = 16,       /* the rate is in octets, else in packets */
	RULE_INTERFACE = 32,   /* the text names the interface; nothing for the program */
	RULE_SIX = 64,	       /* IPv6 alone: its prefix would hold for IPv4 too */
};

enum event_flag {
	EVENT_SHADOW = 1,    /* a rule in shadow mode would have dropped it */
	EVENT_PROTECTED = 2, /* a rule would have dropped it, but its connection always passes */
	EVENT_BANNED = 4,    /* dropped because its source exceeded a rate before */
	EVENT_FRAGMENT = 8,  /* not the first fragment: no ports */
	EVENT_MATCHED = 16,  /* `rule` is one */
};

enum reader_want {
	WANT_ALL = 1,
	WANT_LABELLED = 2,
	WANT_DROPPED = 4,
	WANT_TASK = 8,	/* and which task the CPU had; needs CAP_PERFMON */
	WANT_HITS = 16, /* no packets: they are counted by source */
};

/* One rule of a generation. Addresses in network order, IPv4 as ::ffff:a.b.c.d. */
struct rule {
	__u32 dst[4];
	__u32 dst_mask[4];
	__u8 src[16]; /* for listings; the trie of sources decides */
	__u16 port_from;
	__u16 port_to;
	__u16 source_port_from;
	__u16 source_port_to;
	__u32 label;
	__u32 rank;	/* place in the order in which rules are tried */
	__u64 expires_ns; /* CLOCK_BOOTTIME; 0 = never */
	__u64 rate;	/* per source and second; 0 = no limit */
	__u32 ban_ms;
	__u32 limiter;	/* the same in each generation that has the rule */
	__u16 priority;
	__u8 src_bits; /* of 128 */
	__u8 protocol;
	__u8 action; /* enum xdp_action: 1 drop, 2 pass */
	__u8 flags;
	__u8 padding[2];
};

_Static_assert(sizeof(struct rule) == 96, "struct rule");

/*
 * Rules that may hold behind a prefix, best first: so many of `lists` from a place on, or one rule alone, whose index
 * stands for the place. 0 = none.
 */
#define LIST_PLACE_BITS 24
#define LIST_PLACE(list) ((list) & ((1 << LIST_PLACE_BITS) - 1))
#define LIST_LENGTH(list) ((list) >> LIST_PLACE_BITS)

struct prefix_slot {
	__u32 child; /* index of the node behind these four bits; 0 = none, as node 0 is the root */
	__u32 list;  /* of the longest prefix that is known here */
};

/*
 * A node of a tree of prefixes: the address must begin as the node says, then four bits choose one of 16 ways. What all
 * prefixes below have in common is not walked through. Addresses in network order.
 */
struct prefix_node {
	__u64 address[2];
	__u64 mask[2];
	__u8 octet; /* of the address, where the four bits are */
	__u8 shift; /* 4 = the upper half of it, 0 = the lower */
	__u8 padding[2];
	__u32 above; /* list of the longest prefix around the node */
	struct prefix_slot slots[16];
};

_Static_assert(sizeof(struct prefix_node) == 168, "struct prefix_node");

/* 128 bits, four per node. */
#define PREFIX_DEPTH_MAX 32

/* Of packets that it decided about, or in shadow mode would have. */
struct rule_counts {
	__u64 passed_packets;
	__u64 passed_bytes;
	__u64 dropped_packets;
	__u64 dropped_bytes;
};

/* Replaced as a whole. A generation that does not exist is NO_GENERATION: everything passes. */
struct xdp_state {
	__u64 deadline_ns; /* CLOCK_BOOTTIME: from then on `fallback` is in force; 0 = never */
	__u32 active;
	__u32 fallback;
	__u32 protect;	 /* 1: the protected connections, neighbour discovery and DHCP always pass */
	__u32 epoch;	 /* rises with each set of rules; the fallback is of the epoch before */
	__u32 trees;	 /* which generation has rules by source, and by destination: HAS_SOURCES, HAS_DESTINATIONS */
	__u32 padding;
};

#define NO_GENERATION 2
#define HAS_SOURCES(generation) (1U << (generation))
#define HAS_DESTINATIONS(generation) (4U << (generation))
#define NO_VLAN 0xffff

/* A token bucket in the form of one time (GCRA), in 1/64 ns of CLOCK_BOOTTIME. */
struct limit {
	__u64 arrival;
	__u64 banned_until_ns;
};

struct limit_key {
	__u8 src[16];
	__u32 limiter;
};

/* 64 ports each. */
#define PORT_WORDS 1024

/* A connection as it comes in. Zeroes are any: only {src, src_port} and whole ones are looked for here. */
struct protected_key {
	__u8 src[16];
	__u8 dst[16];
	__u16 src_port;
	__u16 dst_port;
	__u8 protocol;
	__u8 padding[3];
};

struct hit_key {
	__u8 src[16];
	__u16 ether_type;
	__u8 protocol;
	__u8 padding;
};

struct reader_all {
	__u32 mask;	/* a bit for each reader that has a ring */
	__u32 snap_max; /* the largest of their sample lengths */
	__u32 hits;	/* count packets by source */
	__u8 hit_protocols[2]; /* only these; 0, 0 = all */
	__u8 tasks;	/* a reader wants to know the task */
	__u8 padding;
};

struct reader {
	__u32 want;
	__u32 every; /* one of so many packets at random; 1 = each */
	__u32 snap;
	__u8 protocols[2]; /* only these; 0, 0 = all */
	__u8 padding[2];
	__u32 pid; /* whose it is; 0 = nobody's. Nothing for the program */
	__u32 label; /* only packets of this label; 0 = all */
	__u64 started; /* of that process, in ticks since the boot */
};

/* seen = unwanted + sampled + reported + lost. */
struct reader_counts {
	__u64 seen;
	__u64 unwanted; /* not of the packets that it asked for */
	__u64 sampled;	/* of these, left out by sampling */
	__u64 reported;
	__u64 lost; /* its ring was full */
};

struct xdp_event {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u32 ifindex;
	__u32 queue;
	__u32 label;
	__u32 rule;	    /* its rank in the generation */
	__u32 frame_bytes;  /* on the wire, without what the driver took off */
	__u32 bytes;	    /* L3 */
	__u32 sample_bytes; /* of `sample` */
	__u32 every;	    /* so many packets does it stand for */
	__u8 src[16];
	__u8 dst[16];
	__u16 src_port;
	__u16 dst_port;
	__u16 ether_type;
	__u8 family; /* 4, 6, 0 = not IP */
	__u8 protocol;
	__u8 action;
	__u8 flags;
	__u8 fault; /* enum packet_fault */
	__u8 tcp_flags;
	__u32 epoch; /* of the rules: with it `rule` names one */
	__u32 pid;   /* the task that the CPU had when the packet came, whoever's packet it is; 0 = idle or not asked for */
	__u32 cpu;
	__u16 ip_offset; /* where the IP header begins in the frame */
	__u16 vlan;	 /* outermost id; NO_VLAN = no tag */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 generation;
	__u8 padding;
	__u8 comm[16];
	__u8 sample[SAMPLE_BYTES_MAX];
};

_Static_assert(sizeof(struct xdp_event) == 120 + SAMPLE_BYTES_MAX, "struct xdp_event");

#endif
