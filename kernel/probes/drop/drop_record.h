/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the drop probe says of one kind of loss: the same tuple, reason and place in the code, summed up since the
 * table was emptied. The first half is the key of the kernel's table, the second its value. The layout is generated
 * from its BTF into kernel/layout/; user space reads it there and nowhere else.
 */
#ifndef WEIR_DROP_RECORD_H
#define WEIR_DROP_RECORD_H

#include "record_types.h"

enum drop_kind {
	DROP_PACKET = 1,         /* a packet was freed that nobody had taken */
	DROP_RETRANSMIT = 2,     /* TCP sent segments again */
	DROP_RESET_SENT = 3,     /* TCP answered with a reset, or aborted */
	DROP_RESET_RECEIVED = 4, /* a reset ended a connection */
};

enum drop_flag {
	DROP_OUTGOING = 1,   /* the packet began on this host and had come in by no interface */
	DROP_FROM_LOCAL = 2, /* the socket (cookie, cgroup) is the source's; else the destination's */
};

/* Octets in front of `count` are the key. */
struct drop_record {
	address_t source;
	address_t destination;
	__u64 location; /* address in the code that freed the packet; 0 = none */
	netns_t netns;  /* 0 = not known */
	__u32 reason;   /* number in the running kernel's enum; all ones = this kernel does not say */
	__u16 source_port; /* host order */
	__u16 destination_port;
	__u8 kind;            /* enum drop_kind */
	__u8 protocol;        /* of IP; 0 with a link_protocol */
	__u16 link_protocol;  /* Ethernet's type of what is not IP, host order; else 0 */
	__u64 count;          /* packets; of retransmits segments */
	__u64 bytes;          /* L3 */
	boot_ns_t first_ns;
	boot_ns_t last_ns;
	cookie_t cookie; /* of the socket, if there was one */
	cgroup_id_t cgroup_id;
	__u32 packet_bytes; /* L3, of the first packet */
	__u32 interface_index; /* of the first packet; 0 = not known */
	__u8 tcp_flags; /* of all packets together */
	__u8 flags;     /* enum drop_flag */
	__u8 padding[6];
	char interface[16]; /* empty = not known */
};

#define DROP_KEY_BYTES 56

_Static_assert(sizeof(struct drop_record) == 136, "drop_record is part of the contract");
_Static_assert(__builtin_offsetof(struct drop_record, count) == DROP_KEY_BYTES, "the key is the first half");

#endif
