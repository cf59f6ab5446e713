/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From the first octet of a frame to its first IP header: a tag, a label or a session is not a network. */
#ifndef WEIR_PACKET_LINK_H
#define WEIR_PACKET_LINK_H

#include "packet_source.h"

/* Of the interface, or of the capture. */
enum packet_link {
	LINK_ETHERNET = 1,
	LINK_RAW,      /* IP at once: tun, LINKTYPE_RAW */
	LINK_COOKED,   /* LINKTYPE_LINUX_SLL: 16 octets, ethertype at 14 */
	LINK_COOKED_2, /* LINKTYPE_LINUX_SLL2: 20 octets, ethertype at 0 */
	LINK_LOOPBACK, /* 4 octets with the address family of the machine that captured */
	LINK_PPP,      /* protocol of PPP, with or without ff 03 before it */
};

enum ether_type {
	ETHER_ETHERNET = 1, /* ours: a whole frame follows */
	ETHER_RAW = 2,	    /* ours: IP follows, its first octet says which */
	ETHER_PPP = 3,	    /* ours: a protocol of PPP follows */
	ETHER_LLC_MAX = 1500, /* up to here it is the length of an 802.2 frame */
	ETHER_IPV4 = 0x0800,
	ETHER_TRANSPARENT = 0x6558,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_MPLS = 0x8847,
	ETHER_MPLS_UPSTREAM = 0x8848,
	ETHER_PPPOE = 0x8864,
	ETHER_QINQ = 0x88a8,
	ETHER_MACSEC = 0x88e5,
	ETHER_BACKBONE = 0x88e7,
	ETHER_FABRICPATH = 0x8903,
	ETHER_HSR = 0x892f,
	ETHER_NSH = 0x894f,
	ETHER_QINQ_OLD = 0x9100,
	ETHER_ARISTA = 0xd28b,
	ETHER_REDUNDANCY = 0xf1c1,
};

/* After two octets of each access point, one of control and three of organization. */
#define SNAP_TYPE_AT 6
#define MACSEC_CHECK_BYTES 16

/* Headers that are followed before IP, each label and tag one of them. */
#define LINK_DEPTH_MAX 24

struct link_end {
	__u32 offset; /* where what `type` names begins */
	__u32 trailer; /* octets at the frame's end that are the link's */
	__u16 type;
};

/* What a header says of the next one. */
struct link_step {
	__u32 type_at; /* the next type is so far on, and what it names follows it; 0 = `type` is known */
	__u32 bytes;   /* of this header, where the type is known */
	__u16 type;
	__u8 fault;
};

#define STEP_TYPE_AT(BYTES) ((struct link_step){ .type_at = (BYTES) })
#define STEP_TO(TYPE, BYTES) ((struct link_step){ .type = (TYPE), .bytes = (BYTES) })
#define STEP_OTHER ((struct link_step){ .fault = PACKET_NOT_IP })

/* The version is in the four highest bits (RFC 791, RFC 8200; MPLS: RFC 4928). */
static __always_inline struct link_step open_raw(__u8 first, __u32 bytes)
{
	if (first >> 4 == 4)
		return STEP_TO(ETHER_IPV4, bytes);
	return first >> 4 == 6 ? STEP_TO(ETHER_IPV6, bytes) : STEP_OTHER;
}

/* RFC 1661: 0021 is IPv4, 0057 IPv6, 0281 MPLS; ff 03 may stand before it (RFC 1662). */
static __always_inline struct link_step open_ppp(const __u8 *head)
{
	__u16 protocol = packet_be16(head);

	if (protocol == 0xff03)
		return STEP_TO(ETHER_PPP, 2);
	if (protocol == 0x0021)
		return STEP_TO(ETHER_IPV4, 2);
	if (protocol == 0x0057)
		return STEP_TO(ETHER_IPV6, 2);
	return protocol == 0x0281 ? STEP_TO(ETHER_MPLS, 2) : STEP_OTHER;
}

/* 802.2: SNAP with an ethertype (RFC 1042), or IP by its own service access point. */
static __always_inline struct link_step open_llc(const __u8 *head)
{
	if (head[0] == 6 && head[1] == 6 && head[2] == 3)
		return STEP_TO(ETHER_RAW, 3);
	if (head[0] == 0xaa && head[1] == 0xaa && head[2] == 3 && head[3] == 0)
		return STEP_TYPE_AT(SNAP_TYPE_AT);
	return STEP_OTHER;
}

/* RFC 8300: its length in words of 4 octets, then the kind of what follows. */
static __always_inline struct link_step open_nsh(const __u8 *head)
{
	__u32 bytes = (head[1] & 0x3f) * 4;

	if (bytes == 0)
		return STEP_OTHER;
	if (head[3] == 1)
		return STEP_TO(ETHER_IPV4, bytes);
	if (head[3] == 2)
		return STEP_TO(ETHER_IPV6, bytes);
	if (head[3] == 3)
		return STEP_TO(ETHER_ETHERNET, bytes);
	if (head[3] == 4)
		return STEP_TO(ETHER_NSH, bytes);
	return head[3] == 5 ? STEP_TO(ETHER_MPLS, bytes) : STEP_OTHER;
}

/* Time stamps of Arista's taps: subtype, version, then 64 or 48 bits of time. */
static __always_inline struct link_step open_arista(const __u8 *head)
{
	if (packet_be16(head) != 1)
		return STEP_OTHER;
	if (head[3] >> 4 == 1)
		return STEP_TYPE_AT(4 + 8);
	return head[3] >> 4 == 2 ? STEP_TYPE_AT(4 + 6) : STEP_OTHER;
}

/* One header further; `head` are its first four octets. */
static __always_inline struct link_step open_next(__u16 type, const __u8 *head)
{
	if (type == ETHER_ETHERNET)
		return STEP_TYPE_AT(12);
	if (type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD)
		return STEP_TYPE_AT(2);
	if (type == ETHER_MPLS || type == ETHER_MPLS_UPSTREAM) /* 23 bits, the bottom's mark, 8 bits: RFC 3032 */
		return STEP_TO(head[2] & 1 ? ETHER_RAW : ETHER_MPLS, 4);
	if (type == ETHER_RAW)
		return open_raw(head[0], 0);
	if (type == ETHER_PPPOE)
		return STEP_TO(ETHER_PPP, 6);
	if (type == ETHER_PPP)
		return open_ppp(head);
	if (type == ETHER_FABRICPATH)
		return STEP_TO(ETHER_ETHERNET, 2);
	if (type == ETHER_BACKBONE)
		return STEP_TO(ETHER_ETHERNET, 4);
	if (type == ETHER_TRANSPARENT)
		return STEP_TO(ETHER_ETHERNET, 0);
	if (type == ETHER_HSR || type == ETHER_REDUNDANCY)
		return STEP_TYPE_AT(4);
	if (type == ETHER_MACSEC) /* 802.1AE with its check value alone; what is encrypted stays closed */
		return head[0] & 0x0c ? STEP_OTHER : STEP_TYPE_AT(head[0] & 0x20 ? 14 : 6);
	if (type == ETHER_NSH)
		return open_nsh(head);
	if (type == ETHER_ARISTA)
		return open_arista(head);
	return type <= ETHER_LLC_MAX ? open_llc(head) : STEP_OTHER;
}

/* Moves `end` behind one header. */
static __always_inline __u8 follow(const struct packet_source *source, struct link_end *end)
{
	struct link_step step;
	__u8 head[4], tail[4];

	if (!packet_load(source, end->offset, head, sizeof(head)))
		return PACKET_CUT_LINK;
	step = open_next(end->type, head);
	if (step.fault)
		return step.fault;
	if (end->type == ETHER_MACSEC)
		end->trailer += MACSEC_CHECK_BYTES;
	if (step.type_at == 0) {
		end->offset += step.bytes;
		end->type = step.type;
		return PACKET_GOOD;
	}
	end->offset += packet_forget(step.type_at);
	if (!packet_load(source, end->offset - 2, tail, sizeof(tail)))
		return PACKET_CUT_LINK;
	if (step.type_at == SNAP_TYPE_AT && end->type <= ETHER_LLC_MAX && end->type > ETHER_PPP &&
	    (tail[0] || tail[1]))
		return PACKET_NOT_IP; /* an organization's own protocol */
	end->type = packet_be16(tail + 2);
	end->offset += 2;
	return PACKET_GOOD;
}

/* AF_INET is 2 everywhere, AF_INET6 10, 24, 28 or 30; the other order of octets is another machine's. */
static __always_inline __u8 open_loopback(const struct packet_source *source, struct link_end *end)
{
	__u8 octets[4], family;

	if (!packet_load(source, 0, octets, sizeof(octets)))
		return PACKET_CUT_LINK;
	family = octets[0] | octets[3];
	end->offset = sizeof(octets);
	if (octets[1] || octets[2])
		return PACKET_NOT_IP;
	end->type = family == 2 ? ETHER_IPV4 : ETHER_IPV6;
	return family == 2 || family == 10 || family == 24 || family == 28 || family == 30 ? PACKET_GOOD : PACKET_NOT_IP;
}

/* PACKET_GOOD: the first header of the link is known. */
static __always_inline __u8 begin_link(const struct packet_source *source, enum packet_link link,
				       struct link_end *end)
{
	__u8 type[2];

	if (link == LINK_LOOPBACK)
		return open_loopback(source, end);
	if (link == LINK_COOKED || link == LINK_COOKED_2) {
		if (!packet_load(source, link == LINK_COOKED ? 14 : 0, type, sizeof(type)))
			return PACKET_CUT_LINK;
		end->type = packet_be16(type);
		end->offset = link == LINK_COOKED ? 16 : 20;
		return end->type <= ETHER_PPP ? PACKET_NOT_IP : PACKET_GOOD;
	}
	end->type = link == LINK_RAW ? ETHER_RAW : link == LINK_PPP ? ETHER_PPP : ETHER_ETHERNET;
	return link < LINK_ETHERNET || link > LINK_PPP ? PACKET_LINK_UNKNOWN : PACKET_GOOD;
}

/* PACKET_GOOD: `end` is an IPv4 or IPv6 header. */
static __always_inline __u8 open_link(const struct packet_source *source, enum packet_link link,
				      struct link_end *end)
{
	__u8 fault = begin_link(source, link, end);

#pragma clang loop unroll(disable)
	for (int depth = 0; depth < LINK_DEPTH_MAX && !fault; depth++) {
		if (end->type == ETHER_IPV4 || end->type == ETHER_IPV6)
			return PACKET_GOOD;
		if (end->offset > PACKET_OFFSET_MAX)
			return PACKET_TOO_DEEP;
		end->offset = packet_forget(end->offset) & PACKET_OFFSET_MAX;
		end->trailer = packet_forget(end->trailer);
		end->type = packet_forget(end->type);
		fault = follow(source, end);
	}
	return fault ? fault : PACKET_TOO_DEEP;
}

#endif
