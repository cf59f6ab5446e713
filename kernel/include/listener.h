/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who listens where: the owner of accepted sockets that nobody has read, written or closed yet. Asked only
 * for such a one, so that accepting costs nothing. By address and port, because an accepted socket does not
 * know its listener: of several processes that share both (SO_REUSEPORT) it is the one that listened last.
 */
#ifndef WEIR_LISTENER_H
#define WEIR_LISTENER_H

#include "counters.h"
#include "tcp_read.h"

struct listener {
	address_t address; /* ::ffff:0.0.0.0 and :: = any */
	netns_t netns;
	__u32 port; /* host order */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, struct owner);
} listeners SEC(".maps");

static __always_inline void listener_of(struct listener *key, struct tcp_sock *tp, const bool probe)
{
	key->netns = netns_of(tp, probe);
	key->port = bpf_ntohs(GET(tp, inet_conn.icsk_inet.inet_sport));
	put_local(key->address, tp, probe);
}

/* At listen() by the current task; it displaces whoever listened there before. */
static __always_inline void listener_new(struct tcp_sock *tp)
{
	struct listener key = {};
	struct owner owner = {};

	listener_of(&key, tp, false);
	if (owner_current(&owner, true) &&
	    bpf_map_update_elem(&listeners, &key, &owner, BPF_ANY))
		count(COUNTER_LOST_STORAGE);
}

/* Met in a dump: of those who hold a listener that nobody saw begin, the first. */
static __always_inline void listener_met(struct tcp_sock *tp, struct task_struct *task,
					 const bool probe)
{
	struct listener key = {};
	struct owner owner = {};

	listener_of(&key, tp, probe);
	if (bpf_map_lookup_elem(&listeners, &key))
		return;
	owner_of(&owner, task);
	if (bpf_map_update_elem(&listeners, &key, &owner, BPF_ANY))
		count(COUNTER_LOST_STORAGE);
}

/* The owner of an accepted socket, if it has none: the listener on its address, on any of its family, on any. */
static __always_inline void own_by_listener(struct conn *c, struct tcp_sock *tp, const bool probe)
{
	struct listener key = {};
	struct owner *owner;

	if (c->owner_source || c->role != ROLE_RESPONDER)
		return;
	listener_of(&key, tp, probe);
	owner = bpf_map_lookup_elem(&listeners, &key);
	if (!owner && is_v4(key.address)) {
		put_v4(key.address, 0);
		owner = bpf_map_lookup_elem(&listeners, &key);
	}
	if (!owner) {
		__builtin_memset(key.address, 0, sizeof(key.address));
		owner = bpf_map_lookup_elem(&listeners, &key);
	}
	if (!owner)
		return;
	c->owner = *owner;
	c->owner_source = OWNER_LISTENER;
}

#endif
