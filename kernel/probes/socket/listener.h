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

struct listening {
	struct owner owner;
	__u32 gone; /* closed; what it accepted may still be without a reader */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, struct listening);
} listeners SEC(".maps");

static __always_inline void listener_of(struct listener *key, struct tcp_sock *tp, const bool probe)
{
	struct sock *sk = sock_of(tp);

	key->netns = netns_of(sk, probe);
	key->port = bpf_ntohs(GET(tp, inet_conn.icsk_inet.inet_sport));
	put_local(key->address, sk, probe);
}

/* At listen() by the current task; it displaces whoever listened there before. */
static __always_inline void listener_new(struct tcp_sock *tp)
{
	struct listening listening = {};
	struct listener key = {};

	listener_of(&key, tp, false);
	if (owner_current(&listening.owner, sock_of(tp)) &&
	    bpf_map_update_elem(&listeners, &key, &listening, BPF_ANY))
		count(COUNTER_LOST_STORAGE);
}

/* If another socket shares address and port and goes on listening, the next dump meets it. */
static __always_inline void listener_gone(struct tcp_sock *tp)
{
	struct listener key = {};
	struct listening *listening;

	listener_of(&key, tp, false);
	listening = bpf_map_lookup_elem(&listeners, &key);
	if (listening)
		listening->gone = 1;
}

/* Met in a dump: of those who hold a listener that nobody saw begin, the first. */
static __always_inline void listener_met(struct tcp_sock *tp, struct task_struct *task,
					 const bool probe)
{
	struct listening met = {}, *known;
	struct listener key = {};

	listener_of(&key, tp, probe);
	known = bpf_map_lookup_elem(&listeners, &key);
	if (known && !known->gone)
		return;
	owner_of(&met.owner, task);
	if (bpf_map_update_elem(&listeners, &key, &met, BPF_ANY))
		count(COUNTER_LOST_STORAGE);
}

/* True when nobody better can be found; else the first that is gone is kept in mind. */
static __always_inline bool listens(struct listener *key, struct listening **best)
{
	struct listening *found = bpf_map_lookup_elem(&listeners, key);

	if (!found || (found->gone && *best))
		return false;
	*best = found;
	return !found->gone;
}

/* Who listens on its address, on any of its family, on any; else the one that did. */
static __always_inline struct listening *find_listening(const struct socket_record *r)
{
	struct listener key = { .netns = r->netns, .port = r->local_port };
	struct listening *best = 0;

	__builtin_memcpy(key.address, r->local, sizeof(key.address));
	if (listens(&key, &best))
		return best;
	if (is_v4(key.address)) {
		put_v4(key.address, 0);
		if (listens(&key, &best))
			return best;
	}
	__builtin_memset(key.address, 0, sizeof(key.address));
	listens(&key, &best);
	return best;
}

/* The owner of an accepted socket, if it has none; by what put_socket() has read. */
static __always_inline void own_by_listener(struct conn *c, const struct socket_record *r)
{
	struct listening *listening;

	if (c->owner_source || c->role != ROLE_RESPONDER)
		return;
	listening = find_listening(r);
	if (!listening)
		return;
	c->owner = listening->owner;
	c->owner_source = OWNER_LISTENER;
}

#endif
