/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which rule decides about a packet: the first in rank whose conditions hold. Rules with a source stand in lists behind
 * the tree of sources, rules that have a destination alone behind that of destinations. A prefix's list holds the rules
 * of all prefixes around it, so that one walk per tree is enough.
 */
#ifndef WEIR_XDP_RULES_H
#define WEIR_XDP_RULES_H

#include "packet.h"
#include "xdp_maps.h"

/* kernel/rules/compile.ts refuses longer lists. */
#define LIST_MAX 64

#define ICMPV6 58
#define ICMPV6_ND_FIRST 133
#define ICMPV6_ND_LAST 137
#define TCP 6
#define UDP 17

static __always_inline const struct rule *rule_of(const struct verdict *verdict, __u32 index)
{
	__u32 generation = verdict->generation;
	void *all = bpf_map_lookup_elem(&rules, &generation);

	return all ? bpf_map_lookup_elem(all, &index) : 0;
}

static __always_inline __u64 now_of(struct verdict *verdict)
{
	if (!verdict->now)
		verdict->now = bpf_ktime_get_boot_ns();
	return verdict->now;
}

static __always_inline bool has_ports(const struct packet *packet)
{
	/* TCP, UDP, DCCP, SCTP, UDP-Lite. */
	return !packet->fragment && (packet->protocol == 6 || packet->protocol == UDP || packet->protocol == 33 ||
				     packet->protocol == 132 || packet->protocol == 136);
}

static __always_inline bool holds(const struct rule *rule, const struct packet *packet, struct verdict *verdict)
{
	const __u32 *dst = (const void *)packet->dst;

	if ((dst[0] & rule->dst_mask[0]) != rule->dst[0] || (dst[1] & rule->dst_mask[1]) != rule->dst[1] ||
	    (dst[2] & rule->dst_mask[2]) != rule->dst[2] || (dst[3] & rule->dst_mask[3]) != rule->dst[3])
		return false;
	if ((rule->flags & RULE_SIX) && packet->family != 6)
		return false;
	if ((rule->flags & RULE_PROTOCOL) && rule->protocol != packet->protocol)
		return false;
	if (rule->flags & (RULE_PORTS | RULE_SOURCE_PORTS)) {
		if (!has_ports(packet))
			return false;
		if ((rule->flags & RULE_PORTS) &&
		    (packet->dst_port < rule->port_from || packet->dst_port > rule->port_to))
			return false;
		if ((rule->flags & RULE_SOURCE_PORTS) &&
		    (packet->src_port < rule->source_port_from || packet->src_port > rule->source_port_to))
			return false;
	}
	return !rule->expires_ns || now_of(verdict) < rule->expires_ns;
}

/* The better of what is known already and what a list says. */
static __always_inline void search(__u32 list, const struct packet *packet, struct verdict *verdict)
{
	__u32 generation = verdict->generation;
	void *all = bpf_map_lookup_elem(&rules, &generation), *order = 0;
	__u32 first = LIST_PLACE(list), length = LIST_LENGTH(list), at;

	if (!all)
		return;
	if (length > 1) {
		order = bpf_map_lookup_elem(&lists, &generation);
		if (!order)
			return;
	}
	for (at = 0; at < LIST_MAX; at++) {
		__u32 place = first + at, index = first;
		const __u32 *entry;
		const struct rule *rule;

		if (at >= length)
			return;
		if (order) {
			entry = bpf_map_lookup_elem(order, &place);
			if (!entry)
				return;
			index = *entry;
		}
		rule = bpf_map_lookup_elem(all, &index);
		if (!rule)
			return;
		if (verdict->rank < rule->rank)
			return;
		if (!holds(rule, packet, verdict))
			continue;
		if (rule->flags & RULE_SHADOW) {
			if (verdict->shadow_rank > rule->rank) {
				verdict->shadow_rank = rule->rank;
				verdict->shadow_index = index;
			}
			continue;
		}
		verdict->rank = rule->rank;
		verdict->rule_index = index;
		return;
	}
}

/* Walks to the longest prefix of an address; leaves its list in the verdict, where the verifier forgets it. */
static __always_inline void find_list(void *outer, const __u8 *address, struct verdict *verdict)
{
	const __u64 *words = (const void *)address;
	__u32 generation = verdict->generation, index = 0, depth;
	void *tree = bpf_map_lookup_elem(outer, &generation);

	verdict->list = 0;
	if (!tree)
		return;
	for (depth = 0; depth < PREFIX_DEPTH_MAX; depth++) {
		const struct prefix_node *node = bpf_map_lookup_elem(tree, &index);
		const struct prefix_slot *slot;

		if (!node)
			return;
		if ((words[0] & node->mask[0]) != node->address[0] || (words[1] & node->mask[1]) != node->address[1]) {
			verdict->list = node->above;
			return;
		}
		slot = &node->slots[address[node->octet & 15] >> (node->shift & 4) & 15];
		verdict->list = slot->list;
		index = slot->child;
		if (!index)
			return;
	}
}

static __always_inline void search_prefix(void *outer, const __u8 *address, const struct packet *packet,
					  struct verdict *verdict)
{
	find_list(outer, address, verdict);
	if (verdict->list)
		search(verdict->list, packet, verdict);
}

/* True if the source has sent more than the rule allows. */
static __always_inline bool exceeds(const struct rule *rule, const struct packet *packet, struct verdict *verdict)
{
	struct limit_key key = { .limiter = rule->limiter };
	struct limit none = {}, *limit;
	struct limit_lock *lock;
	__u64 units = rule->flags & RULE_BYTES ? packet->bytes : 1;
	__u64 cost = units * 64000000000ULL / rule->rate, now = now_of(verdict) * 64, arrival, ban = 0;
	__u32 slot = ((const __u32 *)packet->src)[3];
	bool over, banned = false;

	slot = (slot ^ slot >> 16 ^ rule->limiter) & (LIMIT_LOCKS - 1);
	__builtin_memcpy(key.src, packet->src, 16);
	limit = bpf_map_lookup_elem(&limits, &key);
	if (!limit) {
		bpf_map_update_elem(&limits, &key, &none, BPF_NOEXIST);
		limit = bpf_map_lookup_elem(&limits, &key);
	}
	lock = bpf_map_lookup_elem(&limit_locks, &slot);
	if (!limit || !lock) {
		count(COUNTER_LIMITS_FULL);
		return false;
	}
	if (rule->ban_ms)
		ban = verdict->now + rule->ban_ms * 1000000ULL;
	bpf_spin_lock(&lock->lock);
	arrival = limit->arrival > now ? limit->arrival : now;
	banned = limit->banned_until_ns > verdict->now;
	over = banned || arrival + cost - now > 64000000000ULL;
	if (!over)
		limit->arrival = arrival + cost;
	else if (ban && !banned)
		limit->banned_until_ns = ban;
	bpf_spin_unlock(&lock->lock);
	if (banned)
		verdict->flags |= EVENT_BANNED;
	return over;
}

static __always_inline void count_rule(const struct verdict *verdict, __u32 index, const struct packet *packet,
				       bool dropped)
{
	__u32 generation = verdict->generation;
	void *all = bpf_map_lookup_elem(&counts, &generation);
	struct rule_counts *values;

	if (!all)
		return;
	values = bpf_map_lookup_elem(all, &index);
	if (!values)
		return;
	if (dropped) {
		__sync_fetch_and_add(&values->dropped_packets, 1);
		__sync_fetch_and_add(&values->dropped_bytes, packet->bytes);
	} else {
		__sync_fetch_and_add(&values->passed_packets, 1);
		__sync_fetch_and_add(&values->passed_bytes, packet->bytes);
	}
}

static __always_inline bool has_port(__u32 first_word, __u16 port)
{
	__u32 word = first_word + port / 64;
	const __u64 *ports = bpf_map_lookup_elem(&protected_ports, &word);

	return ports && *ports >> port % 64 & 1;
}

/* Two look-ups for nearly all packets: a flood that a rule drops must not cost more than what it floods. */
static __always_inline bool is_protected(const struct packet *packet)
{
	struct protected_key key = { .protocol = TCP };

	if (packet->protocol == ICMPV6 && packet->family == 6)
		return packet->icmp_type >= ICMPV6_ND_FIRST && packet->icmp_type <= ICMPV6_ND_LAST;
	if (packet->fragment)
		return false;
	if (packet->protocol == UDP)
		return packet->dst_port == 67 || packet->dst_port == 68 || packet->dst_port == 546 ||
		       packet->dst_port == 547;
	if (packet->protocol != TCP)
		return false;
	if (has_port(0, packet->dst_port))
		return true;
	if (!has_port(PORT_WORDS, packet->src_port))
		return false;
	key.src_port = packet->src_port;
	__builtin_memcpy(key.src, packet->src, 16);
	if (bpf_map_lookup_elem(&protected, &key))
		return true;
	key.dst_port = packet->dst_port;
	__builtin_memcpy(key.dst, packet->dst, 16);
	return bpf_map_lookup_elem(&protected, &key) != 0;
}

/* Whether the rule drops this packet; takes from its rate. */
static __always_inline bool drops(const struct rule *rule, const struct packet *packet, struct verdict *verdict)
{
	if (rule->rate)
		return exceeds(rule, packet, verdict);
	return rule->action == XDP_DROP;
}

/* What the rules in shadow mode would have done. */
static __always_inline void decide_shadow(const struct packet *packet, struct verdict *verdict)
{
	const struct rule *rule;
	bool dropped;

	if (verdict->shadow_rank >= verdict->rank)
		return;
	rule = rule_of(verdict, verdict->shadow_index);
	if (!rule)
		return;
	dropped = drops(rule, packet, verdict);
	verdict->flags = dropped ? EVENT_SHADOW : 0;
	count_rule(verdict, verdict->shadow_index, packet, dropped);
}

/* Fills the verdict for an IP packet. */
static __always_inline void decide(struct work *work)
{
	const struct packet *packet = &work->packet;
	struct verdict *verdict = &work->verdict;
	__u32 first = 0;
	void *inner = bpf_map_lookup_elem(&state, &first);
	const struct xdp_state *current;
	const struct rule *rule;
	bool dropped;

	if (!inner)
		return;
	current = bpf_map_lookup_elem(inner, &first);
	if (!current)
		return;
	verdict->generation = current->active;
	verdict->epoch = current->epoch;
	if (current->deadline_ns && now_of(verdict) >= current->deadline_ns) {
		verdict->generation = current->fallback;
		verdict->epoch--;
	}
	if (verdict->generation >= NO_GENERATION)
		return;
	if (current->trees & HAS_SOURCES(verdict->generation))
		search_prefix(&sources, packet->src, packet, verdict);
	if (current->trees & HAS_DESTINATIONS(verdict->generation))
		search_prefix(&destinations, packet->dst, packet, verdict);
	decide_shadow(packet, verdict);
	if (verdict->rank == NO_RANK)
		return;
	rule = rule_of(verdict, verdict->rule_index);
	if (!rule)
		return;
	work->counters[COUNTER_MATCHED]++;
	verdict->flags |= EVENT_MATCHED;
	verdict->label = rule->label;
	dropped = drops(rule, packet, verdict);
	if (dropped && current->protect && is_protected(packet)) {
		dropped = false;
		verdict->flags |= EVENT_PROTECTED;
		work->counters[COUNTER_PROTECTED]++;
	}
	if (dropped)
		verdict->action = XDP_DROP;
	count_rule(verdict, verdict->rule_index, packet, dropped);
}

#endif
