/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which sockets pass the conditions of the agent's filter. Part of socket.bpf.c.
 *
 * A row has both ends of a connection when both are on this host, so a socket that meets nothing itself must be
 * reported too if its other end does. Each end therefore writes down what it meets, under the pair of initial sequence
 * numbers, which both ends know and no address translation changes: when the handshake is done, when its owner changes
 * and whenever it is looked at. A socket passes if the two together meet every condition. The agent looks at the whole
 * filter again: what passes here in vain is left out there.
 */
#ifndef WEIR_SOCKET_BOTH_ENDS_H
#define WEIR_SOCKET_BOTH_ENDS_H

#include "conditions.h"
#include "listener.h"

enum { BPF_MAP_TYPE_HASH = 1 };

/* Whole dumps, once a minute, meet every open socket: longer than that. */
#define KEPT_OPEN_NS (150ULL * 1000 * 1000 * 1000)
#define KEPT_ENDED_NS (90ULL * 1000 * 1000 * 1000)

/* Who writes: what may interrupt each other, or run on two CPUs, must not write the same word. */
enum meeting { MEETING_STATE, MEETING_IO, MEETING_DUMP, MEETING_COUNT };

struct sequence_pair {
	__u32 initiator;
	__u32 responder;
};

struct met_conditions {
	__u64 until_ns; /* CLOCK_MONOTONIC; afterwards user space deletes the entry */
	__u32 initiator[MEETING_COUNT];
	__u32 responder[MEETING_COUNT];
};

/* The loader shrinks this where no filter is. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct sequence_pair);
	__type(value, struct met_conditions);
} met_by_pair SEC(".maps");

/*
 * The table was full once: from then on every socket passes, because what it lacks would be missed. The agent leaves out
 * what does not belong; COUNTER_CONDITIONS_FULL says how many passed so.
 */
bool conditions_off;

static __always_inline __u32 met_by_record(const struct socket_record *r)
{
	const __u64 *local = (const __u64 *)r->local, *remote = (const __u64 *)r->remote;
	const __u64 *comm = (const __u64 *)r->comm;
	struct condition_key key;
	__u32 met = 0;

	if (looks_at(CONDITION_PORT)) {
		met |= met_by_value(&key, CONDITION_PORT, r->local_port, 0);
		met |= met_by_value(&key, CONDITION_PORT, r->remote_port, 0);
	}
	if (looks_at(CONDITION_ADDRESS)) {
		met |= met_by_value(&key, CONDITION_ADDRESS, local[0], local[1]);
		met |= met_by_value(&key, CONDITION_ADDRESS, remote[0], remote[1]);
	}
	if (looks_at(CONDITION_NETNS))
		met |= met_by_value(&key, CONDITION_NETNS, r->netns, 0);
	if (looks_at(CONDITION_CGROUP))
		met |= met_by_value(&key, CONDITION_CGROUP, r->cgroup_id, 0);
	if (looks_at(CONDITION_PID) && r->owner_source)
		met |= met_by_value(&key, CONDITION_PID, r->tgid, 0);
	if (looks_at(CONDITION_PROCESS) && r->owner_source)
		met |= met_by_value(&key, CONDITION_PROCESS, comm[0], comm[1]);
	return met;
}

/* An end that meets nothing needs no entry: it is its other end that may have one. */
static __always_inline struct met_conditions *met_of(const struct socket_record *r, __u32 met)
{
	struct sequence_pair pair = { r->initiator_seq, r->responder_seq };
	struct met_conditions *known = bpf_map_lookup_elem(&met_by_pair, &pair);
	struct met_conditions none = {};

	if (known || !met)
		return known;
	bpf_map_update_elem(&met_by_pair, &pair, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&met_by_pair, &pair);
}

/* Several programs count here. */
static __always_inline bool pass_unseen(void)
{
	struct socket_counters *here = counters_here(COUNTING_STATE);

	if (here)
		__sync_fetch_and_add(&here->values[COUNTER_CONDITIONS_FULL], 1);
	return true;
}

static __always_inline __u32 met_by_either(const struct met_conditions *m)
{
	return m->initiator[MEETING_STATE] | m->initiator[MEETING_IO] | m->initiator[MEETING_DUMP] |
	       m->responder[MEETING_STATE] | m->responder[MEETING_IO] | m->responder[MEETING_DUMP];
}

/* Whether the socket of this record passes; writes down what it meets. */
static __always_inline bool passes(const struct socket_record *r, const enum meeting who)
{
	struct met_conditions *m;
	__u32 met;

	if (!conditions_asked)
		return true;
	if (conditions_off)
		return pass_unseen();
	if (r->role == ROLE_UNKNOWN)
		return true; /* its other end cannot be found */
	met = met_by_record(r);
	if (!r->initiator_seq && !r->responder_seq)
		return met == conditions_asked; /* no handshake, no other end */
	m = met_of(r, met);
	if (!m && !met)
		return false;
	if (!m) {
		conditions_off = true;
		return pass_unseen();
	}
	if (r->role == ROLE_INITIATOR)
		m->initiator[who] |= met;
	else
		m->responder[who] |= met;
	m->until_ns = bpf_ktime_get_ns() + (r->kind == SOCKET_CLOSED ? KEPT_ENDED_NS : KEPT_OPEN_NS);
	return met_by_either(m) == conditions_asked;
}

/* Before anybody asks: the other end may be reported first. */
static __always_inline void meet_conditions(struct conn *c, struct sock *sk, struct tcp_sock *tp,
					    const enum meeting who)
{
	struct socket_record r = {};

	if (!conditions_asked || conditions_off)
		return;
	r.cgroup_id = cgroup_id_of(sk, false);
	r.netns = netns_of(sk, false);
	put_addresses(&r, sk, tp, false);
	own_by_listener(c, &r);
	put_conn(&r, c);
	put_sequence(&r, c);
	passes(&r, who);
}

#endif
