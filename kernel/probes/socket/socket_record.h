/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the socket probe says of one TCP socket: once when it ends (through the ring), and as often as it
 * is asked for while it lives (through the iterators). The layout is generated from its BTF into
 * kernel/layout/; user space reads it there and nowhere else.
 *
 * 64-bit members first, no implicit padding.
 */
#ifndef WEIR_SOCKET_RECORD_H
#define WEIR_SOCKET_RECORD_H

#include "record_types.h"

enum socket_kind { SOCKET_LIVE = 1, SOCKET_CLOSED = 2 };

/* Who sent the first SYN. */
enum socket_role { ROLE_UNKNOWN = 0, ROLE_INITIATOR = 1, ROLE_RESPONDER = 2 };

/* How the owner (tgid, uid, comm) was found; a larger number is better knowledge. */
enum owner_source {
	OWNER_NONE = 0,
	OWNER_LISTENER = 1, /* the listening process; nobody has read, written or closed yet */
	OWNER_CONNECT = 2,  /* called connect() */
	OWNER_HOLDER = 3,   /* has the descriptor (iterator) */
	OWNER_IO = 4,       /* read or wrote last */
	OWNER_CLOSE = 5,    /* closed or shut it down */
};

enum socket_flag {
	FLAG_ROLE_SEEN = 1, /* the role was observed at connect or accept, not derived */
	FLAG_SHARED = 2,    /* another process than the owner holds the descriptor too, as the last walk met it */
};

struct socket_record {
	boot_ns_t time_ns;  /* when this record was taken */
	boot_ns_t start_ns; /* connect() or the peer's handshake; 0 = before the probe was on */
	cookie_t cookie;
	cgroup_id_t cgroup_id;
	__u64 sent_bytes;     /* payload octets sent at least once */
	__u64 received_bytes; /* payload octets received in order */
	__u32 segs_out;
	__u32 segs_in;
	__u32 retransmits; /* segments, tcp_sock.total_retrans */
	__u32 srtt_us;     /* 0 = no sample */
	__u32 rtt_min_us;  /* 0 = no sample */
	/* The pair of initial sequence numbers, the initiator's first, as both ends see it; secrets:
	 * they leave the agent only as a keyed hash. Both 0 = not known (no handshake). */
	__u32 initiator_seq;
	__u32 responder_seq;
	netns_t netns;
	__u32 tgid;
	__u32 uid;
	__u16 local_port; /* host order */
	__u16 remote_port;
	__u16 error;       /* errno of the end: sk_err, of an attempt else sk_err_soft; 0 = none */
	__u8 kind;         /* enum socket_kind */
	__u8 role;         /* enum socket_role */
	__u8 state;        /* TCP state now, or the one it ended from; CLOSE = ended, from which is not known */
	__u8 owner_source; /* enum owner_source */
	__u8 flags;        /* enum socket_flag */
	__u8 padding;
	__u32 handshake_us; /* of an initiator: from connect() until it was established; 0 = not known */
	address_t local;
	address_t remote;
	char comm[16];      /* of the owner's thread group leader */
	char interface[16]; /* device of the route in use; empty = none cached */
};

_Static_assert(sizeof(struct socket_record) == 168, "socket_record is part of the contract");

#endif
