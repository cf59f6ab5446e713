/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * THE parser of packets: what did the IP layer of this link carry? One for every program that looks at packets.
 * It reads through `packet_load` alone, so the same lines serve XDP, traffic control, socket filters and captures.
 * Nothing is dropped in silence: what is no IP packet says why (`enum packet_fault`) and by which ethertype.
 *
 *   link header → tags, labels, PPPoE, … → IPv4 | IPv6 with extension headers → ports, flags | type, code, id
 *                 packet_link.h            packet_network.h
 *   TCP or UDP right behind a plain IP header of Ethernet: packet_plain.h, the same in fewer steps
 *
 * The rules (outermost IP header, L3 bytes, fragments) are those of docs/design/030-what-counts.md.
 */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

#include "packet_source.h"

/* Why a packet is not counted as IP. */
enum packet_fault {
	PACKET_GOOD,
	PACKET_NOT_IP,	    /* another protocol: `ether_type` says which */
	PACKET_CUT_LINK,    /* the link's headers are not wholly there */
	PACKET_CUT_IP,	    /* the IP header is not wholly there */
	PACKET_VERSION,	    /* its version is not what the link said */
	PACKET_LENGTH,	    /* an IPv4 header or total length that cannot be */
	PACKET_TOO_DEEP,    /* more headers before IP than are followed */
	PACKET_LINK_UNKNOWN, /* a capture of a link that is not read */
	PACKET_FAULT_COUNT,
};

/* Begins as a key of flows does (probes/flow/flow_record.h), so that nothing is copied to look one up. */
struct packet {
	__u8 src[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 dst[16];
	__u16 src_port; /* host order; 0 where there are none */
	__u16 dst_port;
	__u32 interface; /* for the program to fill; so is `direction` */
	__u8 protocol; /* of IP; behind extension headers */
	__u8 family;   /* 4, 6, or 0: then `fault` says why */
	__u8 direction;
	__u8 fault;
	__u16 ether_type; /* that of the innermost link header */
	__u8 tcp_flags;
	__u8 fragment;	  /* 1 = not the first one: no ports, no flags */
	__u8 icmp_type;	  /* of ICMP and ICMPv6 */
	__u8 icmp_code;
	__u16 icmp_id;	    /* of echo requests and replies */
	__u32 bytes;	    /* L3 length, IP header included */
	__u32 ip_offset;    /* where the IP header begins */
	__u32 upper_offset; /* where the upper header begins */
	__u32 upper_bytes;  /* length of a TCP or UDP header, for the segments of super-packets; else 0 */
};

#include "packet_link.h"
#include "packet_network.h"
#include "packet_plain.h"

/* Always fills `packet`; `packet->family` is 0 if there is no IP packet in the frame. */
static __always_inline void parse_packet(const struct packet_source *source, enum packet_link link,
					 struct packet *packet)
{
	struct link_end end = {};

	__builtin_memset(packet, 0, sizeof(*packet));
	if ((source->door == DOOR_TC || source->door == DOOR_XDP) && link == LINK_ETHERNET &&
	    parse_plain(source, packet))
		return;
	packet->fault = open_link(source, link, &end);
	packet->ether_type = end.type;
	if (packet->fault)
		return;
	end.offset = packet_forget(end.offset);
	end.trailer = packet_forget(end.trailer);
	packet->ip_offset = end.offset;
	packet->fault = end.type == ETHER_IPV4 ? read_ipv4(source, end, packet) : read_ipv6(source, end, packet);
	if (!packet->fault)
		packet->family = end.type == ETHER_IPV4 ? 4 : 6;
}

#endif
