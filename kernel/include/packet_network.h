/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The outermost IP header, IPv6's extension headers, and what is read of the transport behind them. */
#ifndef WEIR_PACKET_NETWORK_H
#define WEIR_PACKET_NETWORK_H

enum ip_protocol {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_ICMP_6 = 58,
	PROTO_DESTINATION = 60,
	PROTO_SCTP = 132,
	PROTO_UDP_LITE = 136,
};

/* Extension headers that are followed; the next one's number is the protocol then. */
#define EXTENSIONS_MAX 16
/* Options of a hop-by-hop header that are looked at for a jumbo payload. */
#define HOP_OPTIONS_MAX 16

#define IPV6_BYTES 40
#define UDP_BYTES 8

/* What the frame holds from the IP header on. */
static __always_inline __u32 rest_of_frame(const struct packet_source *source, struct link_end end)
{
	__u32 before = end.offset + end.trailer;

	return source->length > before ? source->length - before : 0;
}

/* Octets of the packet behind `offset`: padding behind a short packet is not its transport header. */
static __always_inline bool within(const struct packet *packet, __u32 offset, __u32 bytes)
{
	return offset + bytes <= packet->ip_offset + packet->bytes;
}

/* Type, code, and of an echo its id (RFC 792, RFC 4443). */
static __always_inline void read_icmp(const struct packet_source *source, struct packet *packet)
{
	__u32 offset = packet->upper_offset;
	__u8 head[6];

	if (!within(packet, offset, 4) || !packet_load(source, offset, head, 4))
		return;
	packet->icmp_type = head[0];
	packet->icmp_code = head[1];
	if (!within(packet, offset, sizeof(head)) || !packet_load(source, offset, head, sizeof(head)))
		return;
	if (packet->protocol == PROTO_ICMP ? head[0] == 0 || head[0] == 8 : head[0] == 128 || head[0] == 129)
		packet->icmp_id = packet_be16(head + 4);
}

/* RFC 9293, 3.1: flags are octet 13; the header's length is octet 12. */
static __always_inline void read_tcp(const struct packet_source *source, struct packet *packet)
{
	__u32 offset = packet->upper_offset;
	__u8 head[4];

	if (!within(packet, offset, 16) || !packet_load(source, offset + 12, head, sizeof(head)))
		return;
	if (head[0] >> 4 < 5)
		return;
	packet->tcp_flags = head[1];
	packet->upper_bytes = (head[0] >> 4) * 4;
}

static __always_inline void read_transport(const struct packet_source *source, struct packet *packet)
{
	__u8 protocol = packet->protocol, ports[4];

	if (packet->fragment)
		return;
	if (protocol == PROTO_ICMP || protocol == PROTO_ICMP_6) {
		read_icmp(source, packet);
		return;
	}
	if (protocol != PROTO_TCP && protocol != PROTO_UDP && protocol != PROTO_SCTP && protocol != PROTO_UDP_LITE)
		return;
	if (!within(packet, packet->upper_offset, sizeof(ports)) ||
	    !packet_load(source, packet->upper_offset, ports, sizeof(ports)))
		return;
	packet->src_port = packet_be16(ports);
	packet->dst_port = packet_be16(ports + 2);
	if (protocol == PROTO_TCP)
		read_tcp(source, packet);
	else if (protocol == PROTO_UDP)
		packet->upper_bytes = UDP_BYTES;
}

static __always_inline __u8 read_ipv4(const struct packet_source *source, struct link_end end, struct packet *packet)
{
	__u8 ip[20], last;
	__u32 header, bytes;

	if (!packet_load(source, end.offset, ip, 1))
		return PACKET_CUT_IP;
	if (ip[0] >> 4 != 4)
		return PACKET_VERSION;
	if (!packet_load(source, end.offset, ip, sizeof(ip)))
		return PACKET_CUT_IP;
	header = (ip[0] & 15) * 4;
	bytes = packet_be16(ip + 2);
	if (bytes == 0) /* too long for the field: segmentation offload */
		bytes = rest_of_frame(source, end);
	if (header < sizeof(ip) || bytes < header)
		return PACKET_LENGTH;
	if (header > sizeof(ip) && !packet_load(source, end.offset + header - 1, &last, 1))
		return PACKET_CUT_IP;
	packet->bytes = bytes;
	packet->protocol = ip[9];
	packet->fragment = (packet_be16(ip + 6) & 0x1fff) != 0;
	packet->upper_offset = end.offset + header;
	packet->src[10] = packet->src[11] = packet->dst[10] = packet->dst[11] = 0xff;
	__builtin_memcpy(packet->src + 12, ip + 12, 4);
	__builtin_memcpy(packet->dst + 12, ip + 16, 4);
	read_transport(source, packet);
	return PACKET_GOOD;
}

/* Jumbo Payload of the hop-by-hop header at `offset` (RFC 2675); 0 if there is none. */
static __always_inline __u32 jumbo_payload(const struct packet_source *source, __u32 offset)
{
	__u8 option[6];
	__u32 limit;

	if (!packet_load(source, offset, option, 2))
		return 0;
	limit = offset + 8 + option[1] * 8;
	offset += 2;
#pragma clang loop unroll(disable)
	for (int count = 0; count < HOP_OPTIONS_MAX; count++) {
		offset = packet_forget(offset);
		if (offset >= limit || offset > PACKET_OFFSET_MAX || !packet_load(source, offset, option, 2))
			return 0;
		if (option[0] == 0xc2 && option[1] == 4)
			return packet_load(source, offset, option, 6) ? packet_be32(option + 2) : 0;
		offset += option[0] == 0 ? 1 : 2 + option[1];
	}
	return 0;
}

/* L3 length: what the header says, or what it cannot say (docs/design/030-what-counts.md). */
static __always_inline __u32 ipv6_bytes(const struct packet_source *source, struct link_end end, const __u8 *ip)
{
	__u32 payload = packet_be16(ip + 4), jumbo;

	if (payload > 0)
		return payload + IPV6_BYTES;
	if (ip[6] == PROTO_TCP || ip[6] == PROTO_UDP)
		return rest_of_frame(source, end);
	if (ip[6] != PROTO_HOP_BY_HOP || source->length < IPV6_BYTES)
		return IPV6_BYTES;
	jumbo = jumbo_payload(source, end.offset + IPV6_BYTES);
	return jumbo > 65535 && jumbo <= source->length - IPV6_BYTES ? jumbo + IPV6_BYTES : IPV6_BYTES;
}

/* Walks over extension headers (RFC 8200, 4) to the upper protocol; one that is cut off is it. */
static __always_inline void skip_extensions(const struct packet_source *source, struct packet *packet)
{
	__u32 offset = packet->upper_offset;
	__u8 protocol = packet->protocol;

#pragma clang loop unroll(disable)
	for (int count = 0; count < EXTENSIONS_MAX; count++) {
		__u8 head[4];
		__u32 bytes;

		offset = packet_forget(offset);
		protocol = packet_forget(protocol);
		if (protocol != PROTO_HOP_BY_HOP && protocol != PROTO_ROUTING && protocol != PROTO_DESTINATION &&
		    protocol != PROTO_FRAGMENT && protocol != PROTO_AH)
			break;
		if (offset > PACKET_OFFSET_MAX || !within(packet, offset, 8) ||
		    !packet_load(source, offset, head, sizeof(head)))
			break;
		bytes = protocol == PROTO_AH ? (head[1] + 2) * 4 : protocol == PROTO_FRAGMENT ? 8 : (head[1] + 1) * 8;
		if (protocol == PROTO_FRAGMENT && packet_be16(head + 2) & 0xfff8)
			packet->fragment = 1;
		offset += bytes;
		protocol = head[0];
		if (packet->fragment)
			break;
	}
	packet->upper_offset = packet_forget(offset);
	packet->protocol = packet_forget(protocol);
	packet->fragment = packet_forget(packet->fragment);
}

static __always_inline __u8 read_ipv6(const struct packet_source *source, struct link_end end, struct packet *packet)
{
	__u8 ip[IPV6_BYTES];

	if (!packet_load(source, end.offset, ip, 1))
		return PACKET_CUT_IP;
	if (ip[0] >> 4 != 6)
		return PACKET_VERSION;
	if (!packet_load(source, end.offset, ip, sizeof(ip)))
		return PACKET_CUT_IP;
	packet->bytes = ipv6_bytes(source, end, ip);
	packet->protocol = ip[6];
	packet->upper_offset = end.offset + IPV6_BYTES;
	__builtin_memcpy(packet->src, ip + 8, 16);
	__builtin_memcpy(packet->dst, ip + 24, 16);
	skip_extensions(source, packet);
	read_transport(source, packet);
	return PACKET_GOOD;
}

#endif
