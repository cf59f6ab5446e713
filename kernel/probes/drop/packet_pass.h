/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Whether a packet meets the conditions of the agent's filter. The row of a packet has the packet's own tuple and no
 * other, so the key says all. The agent looks at the whole filter again: which end a condition names it knows alone.
 */
#ifndef WEIR_DROP_PACKET_PASS_H
#define WEIR_DROP_PACKET_PASS_H

#include "conditions.h"
#include "packet_read.h"

static __always_inline __u32 met_by_packet(const struct drop_key *packet)
{
	const __u64 *source = (const __u64 *)packet->source;
	const __u64 *destination = (const __u64 *)packet->destination;
	struct condition_key key;
	__u32 met = 0;

	if (looks_at(CONDITION_PORT)) {
		met |= met_by_value(&key, CONDITION_PORT, packet->source_port, 0);
		met |= met_by_value(&key, CONDITION_PORT, packet->destination_port, 0);
	}
	if (looks_at(CONDITION_ADDRESS)) {
		met |= met_by_value(&key, CONDITION_ADDRESS, source[0], source[1]);
		met |= met_by_value(&key, CONDITION_ADDRESS, destination[0], destination[1]);
	}
	if (looks_at(CONDITION_NETNS))
		met |= met_by_value(&key, CONDITION_NETNS, packet->netns, 0);
	if (looks_at(CONDITION_PROTOCOL))
		met |= met_by_value(&key, CONDITION_PROTOCOL, packet->protocol, 0);
	return met;
}

static __always_inline bool meets_conditions(const struct drop_key *packet)
{
	return !conditions_asked || met_by_packet(packet) == conditions_asked;
}

#endif
