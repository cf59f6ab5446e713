/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Octets of payload from TCP's sequence numbers: plain arithmetic, tested by sequence.native.test.ts. */
#ifndef WEIR_SEQUENCE_H
#define WEIR_SEQUENCE_H

#include "socket_record.h"

/* The numbers that sequence arithmetic needs. */
struct numbers {
	__u64 acked;    /* sequence octets: an initiator's SYN and an acknowledged FIN are in it */
	__u64 received; /* sequence octets: a received FIN is in it */
	__u32 sent_once; /* low half of bytes_sent - bytes_retrans: payload alone */
	__u32 sent_again;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 rcv_nxt;
	__u32 write_seq;
	__u8 fin_queued; /* by its state */
};

static __always_inline bool fin_sent(const struct numbers *n)
{
	return n->fin_queued && n->snd_nxt == n->write_seq;
}

/*
 * Payload octets sent at least once. The base never changes, so only one 32-bit and one 64-bit number
 * move, and a reading between their changes is still right: what is under way is below 2 GiB. Unlike
 * bytes_sent, snd_nxt does not move when a local firewall refuses the segment.
 *
 * Of a live socket the FIN may have been queued after the numbers were read. Then it is not in them, and of
 * nothing sent nothing is left: 0, not one less.
 */
static __always_inline __u64 payload_sent(const struct numbers *n, __u32 sent_base, __u8 role)
{
	__s32 under_way = n->snd_nxt - sent_base - (__u32)n->acked;
	/* Of an unknown role it is not known whether our SYN is in it; one octet at most. */
	__u64 sent = n->acked + under_way - (role == ROLE_INITIATOR);

	return sent && fin_sent(n) ? sent - 1 : sent;
}

#endif
