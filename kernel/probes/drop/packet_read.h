/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who a packet is from and to, out of its own headers, wherever in the stack it was freed. What is not whole in the
 * linear part is not guessed. The headers are the outer ones: of an ICMP error those of ICMP, not of the packet that
 * it quotes.
 */
#ifndef WEIR_DROP_PACKET_READ_H
#define WEIR_DROP_PACKET_READ_H

#include "packet_types.h"
#include "drop_record.h"
#include "socket_read.h"

#define HEADERS_MAX 6
#define VLAN_TAGS_MAX 2

/* The key of the table: the first half of a drop_record. */
struct drop_key {
	address_t source;
	address_t destination;
	__u64 location;
	netns_t netns;
	__u32 reason;
	__u16 source_port;
	__u16 destination_port;
	__u8 kind;
	__u8 protocol;
	__u16 link_protocol;
};

_Static_assert(sizeof(struct drop_key) == DROP_KEY_BYTES, "the key is the first half");

/* What of a packet is not in the key. */
struct packet {
	unsigned char *head;
	__u32 tail;    /* where the linear part ends; offsets are from head */
	__u32 network; /* where the IP header begins */
	__u32 bytes;   /* L3 */
	__u8 tcp_flags;
};

struct ipv4_header {
	__u8 version_length;
	__u8 service;
	__be16 total_length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__be16 check;
	__be32 source;
	__be32 destination;
};

struct ipv6_header {
	__u8 version_class;
	__u8 rest[3];
	__be16 payload_length;
	__u8 next;
	__u8 hop_limit;
	__u8 source[16];
	__u8 destination[16];
};

/*
 * One read has the headers of most packets. It may reach beyond the linear part: the kernel's own skb_shared_info
 * lies there, which is larger. What is beyond is not looked at.
 */
union headers {
	struct ipv4_header v4;
	struct ipv6_header v6;
	__u8 octets[64];
	__u64 words[8];
};

/* The first 16 octets of TCP; UDP, SCTP, DCCP and UDP-Lite begin with the ports too. */
struct transport_header {
	__be16 source;
	__be16 destination;
	__u8 between[9];
	__u8 tcp_flags;
	__u8 rest[2];
};

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == 132 ||
	       protocol == 33 || protocol == 136;
}

/* Where the ports would be in the packet, `from` those octets. */
static __always_inline void take_transport(struct drop_key *key, struct packet *p, __u32 at,
					   const void *from)
{
	const struct transport_header *header = from;

	if (!has_ports(key->protocol) || at + 4 > p->tail)
		return;
	key->source_port = bpf_ntohs(header->source);
	key->destination_port = bpf_ntohs(header->destination);
	if (key->protocol == IPPROTO_TCP && at + 14 <= p->tail)
		p->tcp_flags = header->tcp_flags;
}

static __always_inline void read_transport(struct drop_key *key, struct packet *p, __u32 at)
{
	struct transport_header header;

	if (at + 4 <= p->tail && !bpf_probe_read_kernel(&header, sizeof(header), p->head + at))
		take_transport(key, p, at, &header);
}

static __always_inline bool read_v4(struct drop_key *key, struct packet *p,
				    const union headers *headers)
{
	const struct ipv4_header *ip = &headers->v4;
	__u32 length = (ip->version_length & 15) * 4;

	if (ip->version_length >> 4 != 4 || length < 20)
		return false;
	put_v4(key->source, ip->source);
	put_v4(key->destination, ip->destination);
	key->protocol = ip->protocol;
	if (ip->fragment & bpf_htons(0x1fff))
		return true;
	if (length == sizeof(*ip))
		take_transport(key, p, p->network + length, headers->octets + sizeof(*ip));
	else
		read_transport(key, p, p->network + length);
	return true;
}

/* Hop-by-hop, routing, destination options; fragment and authentication have lengths of their own. */
static __always_inline bool is_extension(__u8 next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

static __always_inline void skip_extensions(struct drop_key *key, struct packet *p)
{
	__u32 at = p->network + sizeof(struct ipv6_header);
	__u8 extension[4];

#pragma clang loop unroll(disable)
	for (int i = 0; i < HEADERS_MAX && is_extension(key->protocol); i++) {
		__u8 kind = key->protocol;

		if (at + 8 > p->tail || bpf_probe_read_kernel(extension, 4, p->head + at))
			return;
		key->protocol = extension[0];
		if (kind == 44) {
			if (extension[2] || extension[3] & 0xf8)
				return; /* not the first fragment: no ports in it */
			at += 8;
		} else if (kind == 51) {
			at += (extension[1] + 2) * 4;
		} else {
			at += (extension[1] + 1) * 8;
		}
	}
	read_transport(key, p, at);
}

static __always_inline bool read_v6(struct drop_key *key, struct packet *p,
				    const union headers *headers)
{
	const struct ipv6_header *ip = &headers->v6;

	if (ip->version_class >> 4 != 6)
		return false;
	__builtin_memcpy(key->source, ip->source, 16);
	__builtin_memcpy(key->destination, ip->destination, 16);
	key->protocol = ip->next;
	if (is_extension(ip->next))
		skip_extensions(key, p);
	else
		take_transport(key, p, p->network + sizeof(*ip), headers->octets + sizeof(*ip));
	return true;
}

/* Whether the running kernel has bpf_rdonly_cast (6.2); set by the loader. */
const volatile bool has_cast;

extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

/* 16 octets by plain loads, as if they were an address of IPv6. */
static __always_inline void load_16(__u64 *to, const unsigned char *from)
{
	const __u64 *words = bpf_rdonly_cast(from, bpf_core_type_id_kernel(struct in6_addr));

	to[0] = words[0];
	to[1] = words[1];
}

static __always_inline bool read_headers(union headers *to, const unsigned char *from, bool is_v6)
{
	if (!has_cast)
		return !bpf_probe_read_kernel(to, sizeof(*to), from);
	load_16(to->words, from);
	load_16(to->words + 2, from + 16);
	if (is_v6 || to->v4.protocol == IPPROTO_TCP)
		load_16(to->words + 4, from + 32);
	if (is_v6)
		load_16(to->words + 6, from + 48);
	return true;
}

/* True if an IP header lies there. */
static __always_inline bool read_ip(struct drop_key *key, struct packet *p, __u32 at, __be16 type)
{
	union headers headers = {};

	if (type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6))
		return false;
	if (at + sizeof(headers.v4) > p->tail ||
	    !read_headers(&headers, p->head + at, type == bpf_htons(ETH_P_IPV6)))
		return false;
	p->network = at;
	if (type == bpf_htons(ETH_P_IP))
		return read_v4(key, p, &headers);
	return at + sizeof(headers.v6) <= p->tail && read_v6(key, p, &headers);
}

struct vlan_tag {
	__be16 control;
	__be16 type;
};

/* Tags that the card left in the packet: the network header is still in front of them. */
static __always_inline __be16 skip_tags(struct packet *p, __u32 *at, __be16 type)
{
	struct vlan_tag tag;

#pragma clang loop unroll(full)
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if (*at + 4 > p->tail || bpf_probe_read_kernel(&tag, sizeof(tag), p->head + *at))
			break;
		*at += 4;
		type = tag.type;
	}
	return type;
}

/* Fills addresses, ports and protocol. False if it is no IP packet; then the link's type is there. */
static __always_inline bool read_packet(struct drop_key *key, struct packet *p,
					struct sk_buff___drop *skb)
{
	__u32 data, at = skb->network_header;
	__be16 type = skb->protocol;

	p->head = skb->head;
	p->tail = skb->tail;
	p->tcp_flags = 0;
	data = (__u64)(skb->data - skb->head);
	if (!at) /* nobody has looked at it yet: what is in front of `data` is the link's header */
		at = data;
	type = skip_tags(p, &at, type);
	p->network = at;
	p->bytes = skb->len + data - at;
	if (read_ip(key, p, at, type))
		return true;
	p->bytes = skb->len;
	key->link_protocol = bpf_ntohs(type);
	return false;
}

#endif
