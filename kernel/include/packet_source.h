/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where the octets of a packet are: `packet_load` is the parser's only way to them. */
#ifndef WEIR_PACKET_SOURCE_H
#define WEIR_PACKET_SOURCE_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "skb_context.h"

/* A constant at each place of use, so that only its own branch is left in the program. */
enum packet_door {
	DOOR_XDP,    /* `data` to `data_end` of XDP, and no further: frames in several pieces end with the first */
	DOOR_TC,     /* traffic control: plain packets as XDP (packet_plain.h), all others copied from the skb */
	DOOR_SKB,    /* copied from the skb: socket filters see nothing else */
	DOOR_MEMORY, /* `held` octets of a map's value, from `base` on: by a dynptr, from Linux 5.19 on */
};

/* As in linux/bpf.h. */
struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct packet_source {
	enum packet_door door;
	const void *data;
	const void *data_end;
	void *context; /* struct xdp_md or struct __sk_buff */
	const struct bpf_dynptr *octets; /* of memory */
	__u32 base;
	__u32 held;	/* octets that can be read */
	__u32 length;	/* octets that the frame had; more than `held` in a truncated capture */
};

/* No header is looked for behind it; a frame may be longer. The verifier needs a bound of this size. */
#define PACKET_OFFSET_MAX 0x3fff

/*
 * Always 0, but the verifier does not know it. It follows every value that a header can have, and goes through the
 * code behind a loop once for each: a number that has met this one has no history, and the code is gone through once.
 */
volatile __u32 packet_nothing;

static __always_inline __u32 packet_forget(__u32 value)
{
	return value | packet_nothing;
}

/* Octets in a map for DOOR_MEMORY. */
#define PACKET_MEMORY_BYTES (2 << 20)

/* Both ends are read anew: the verifier remembers how far a pointer has been looked at, and begins anew with this one. */
static __always_inline bool packet_direct(const struct packet_source *source, __u32 offset, void *to,
					  const __u32 bytes)
{
	const volatile struct xdp_md *context = source->context;
	const unsigned char *from = (const unsigned char *)(long)context->data;
	__u64 place = offset;

	barrier_var(place); /* 5.10 knows bounds of whole registers alone */
	from += place & PACKET_OFFSET_MAX;
	if (from + bytes > (const unsigned char *)(long)context->data_end)
		return false;
	__builtin_memcpy(to, from, bytes);
	return true;
}

static __always_inline bool packet_memory(const struct packet_source *source, __u32 offset, void *to,
					  const __u32 bytes)
{
	if (packet_forget(offset + bytes) > source->held)
		return false;
	return bpf_dynptr_read(to, bytes, source->octets, source->base + offset, 0) == 0;
}

/* Copies `bytes` octets, a constant; false if they are not all there. */
static __always_inline bool packet_load(const struct packet_source *source, __u32 offset, void *to,
					const __u32 bytes)
{
	if (source->door == DOOR_XDP)
		offset = packet_forget(offset);
	if (offset > PACKET_OFFSET_MAX)
		return false;
	if (source->door == DOOR_XDP)
		return packet_direct(source, offset, to, bytes);
	if (source->door == DOOR_MEMORY)
		return packet_memory(source, offset, to, bytes);
	return bpf_skb_load_bytes(source->context, offset, to, bytes) == 0;
}

static __always_inline __u16 packet_be16(const __u8 *octets)
{
	return (__u16)octets[0] << 8 | octets[1];
}

static __always_inline __u32 packet_be32(const __u8 *octets)
{
	return (__u32)packet_be16(octets) << 16 | packet_be16(octets + 2);
}

#endif
