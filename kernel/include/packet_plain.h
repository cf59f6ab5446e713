/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What nearly every packet is: Ethernet, IPv4 without options or IPv6 without extension headers, TCP or UDP, whole and in
 * the linear part. It is read in place, at constant offsets. Everything else is left to the parser that follows headers;
 * where both can read a packet they must say the same, and a test compares them.
 */
#ifndef WEIR_PACKET_PLAIN_H
#define WEIR_PACKET_PLAIN_H

#define ETHERNET_BYTES 14
#define IPV4_BYTES 20

/* Ports, flags and the length of the header; false if it is not all there. */
static __always_inline bool plain_transport(const struct packet_source *source, const unsigned char *upper,
					    struct packet *packet)
{
	const unsigned char *end = source->data_end;

	if (packet->protocol == PROTO_TCP) {
		if (upper + 16 > end || !within(packet, packet->upper_offset, 16) || upper[12] >> 4 < 5)
			return false;
		packet->tcp_flags = upper[13];
		packet->upper_bytes = (upper[12] >> 4) * 4;
	} else {
		if (upper + UDP_BYTES > end || !within(packet, packet->upper_offset, UDP_BYTES))
			return false;
		packet->upper_bytes = UDP_BYTES;
	}
	packet->src_port = packet_be16(upper);
	packet->dst_port = packet_be16(upper + 2);
	return true;
}

static __always_inline bool plain_ipv4(const struct packet_source *source, const unsigned char *ip,
				       struct packet *packet)
{
	if (ip + IPV4_BYTES > (const unsigned char *)source->data_end || ip[0] != 0x45)
		return false;
	if (packet_be16(ip + 6) & 0x1fff || (ip[9] != PROTO_TCP && ip[9] != PROTO_UDP))
		return false;
	packet->bytes = packet_be16(ip + 2);
	packet->protocol = ip[9];
	packet->upper_offset = ETHERNET_BYTES + IPV4_BYTES;
	if (packet->bytes < IPV4_BYTES || !plain_transport(source, ip + IPV4_BYTES, packet))
		return false;
	packet->family = 4;
	packet->src[10] = packet->src[11] = packet->dst[10] = packet->dst[11] = 0xff;
	__builtin_memcpy(packet->src + 12, ip + 12, 4);
	__builtin_memcpy(packet->dst + 12, ip + 16, 4);
	return true;
}

static __always_inline bool plain_ipv6(const struct packet_source *source, const unsigned char *ip,
				       struct packet *packet)
{
	if (ip + IPV6_BYTES > (const unsigned char *)source->data_end || ip[0] >> 4 != 6)
		return false;
	if (ip[6] != PROTO_TCP && ip[6] != PROTO_UDP)
		return false;
	packet->bytes = packet_be16(ip + 4) + IPV6_BYTES;
	packet->protocol = ip[6];
	packet->upper_offset = ETHERNET_BYTES + IPV6_BYTES;
	if (packet->bytes == IPV6_BYTES || !plain_transport(source, ip + IPV6_BYTES, packet))
		return false;
	packet->family = 6;
	__builtin_memcpy(packet->src, ip + 8, 16);
	__builtin_memcpy(packet->dst, ip + 24, 16);
	return true;
}

/* False: nothing is known, and `packet` is as it was. */
static __always_inline bool parse_plain(const struct packet_source *source, struct packet *packet)
{
	const unsigned char *frame = source->data;
	__u16 type;

	if (frame + ETHERNET_BYTES > (const unsigned char *)source->data_end)
		return false;
	type = packet_be16(frame + 12);
	packet->ip_offset = ETHERNET_BYTES;
	packet->ether_type = type;
	if (type == ETHER_IPV4 && plain_ipv4(source, frame + ETHERNET_BYTES, packet))
		return true;
	if (type == ETHER_IPV6 && plain_ipv6(source, frame + ETHERNET_BYTES, packet))
		return true;
	__builtin_memset(packet, 0, sizeof(*packet));
	return false;
}

#endif
