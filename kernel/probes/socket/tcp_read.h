/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reads a TCP socket into a socket_record. */
#ifndef WEIR_TCP_READ_H
#define WEIR_TCP_READ_H

#include "conn.h"
#include "sequence.h"
#include "socket_read.h"

static __always_inline struct sock *sock_of(struct tcp_sock *tp)
{
	return &tp->inet_conn.icsk_inet.sk;
}

/* What follows from one reading; two that agree cannot both be torn. */
struct identity {
	__u32 sent_base;
	__u32 received_base;
	__u8 role;
};

static __always_inline bool synchronized(__u8 state)
{
	return state != TCP_SYN_SENT && state != TCP_SYN_RECV && state != TCP_LISTEN &&
	       state != TCP_CLOSE && state != TCP_NEW_SYN_RECV;
}

/* From the state on in which a FIN of ours is queued. */
static __always_inline bool queues_fin(__u8 state)
{
	return synchronized(state) && state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT;
}

static __always_inline void read_numbers(struct numbers *n, struct tcp_sock *tp, __u8 state,
					 const bool probe)
{
	__u64 again = GET(tp, bytes_retrans);

	n->acked = GET(tp, bytes_acked);
	n->received = GET(tp, bytes_received);
	n->sent_once = GET(tp, bytes_sent) - again;
	n->sent_again = again;
	n->snd_una = GET(tp, snd_una);
	n->snd_nxt = GET(tp, snd_nxt);
	n->rcv_nxt = GET(tp, rcv_nxt);
	n->write_seq = GET(tp, write_seq);
	n->fin_queued = queues_fin(state);
}

/*
 * Who began a connection older than the probe: sequence octets sent minus payload octets sent leaves the
 * SYN of an initiator, and nothing of a responder (whose SYN was sent before its counters began). The
 * kernel moves these numbers one by one: wait for a moment when no single octet can be under way.
 */
static __always_inline __u8 derive_role(const struct numbers *n)
{
	__u32 sent_base = n->snd_una - (__u32)n->acked;
	__u32 extra = n->snd_nxt - sent_base - n->sent_once - fin_sent(n);

	if (n->write_seq - n->snd_nxt == 1 || (n->sent_again && n->snd_una != n->snd_nxt))
		return ROLE_UNKNOWN;
	return extra == 1 ? ROLE_INITIATOR : extra == 0 ? ROLE_RESPONDER : ROLE_UNKNOWN;
}

static __always_inline void read_bases(struct identity *id, const struct numbers *n)
{
	id->sent_base = n->snd_una - (__u32)n->acked;
	id->received_base = n->rcv_nxt - (__u32)n->received;
}

static __always_inline void identify(struct identity *id, const struct numbers *n)
{
	read_bases(id, n);
	id->role = derive_role(n);
}

static __always_inline bool sequence_known(const struct conn *c)
{
	return c->flags & CONN_SEQUENCE_KNOWN || c->walk & WALK_LEARNED;
}

static __always_inline void learn(struct conn *c, const struct identity *id)
{
	if (!sequence_known(c)) {
		c->sent_base = id->sent_base;
		c->received_base = id->received_base;
		c->flags |= CONN_SEQUENCE_KNOWN;
	}
	if (c->role == ROLE_UNKNOWN)
		c->role = id->role;
}

static __always_inline __u64 sent_bytes(const struct conn *c, const struct numbers *n)
{
	return sequence_known(c) ? payload_sent(n, c->sent_base, c->role) : 0;
}

static __always_inline void put_sequence(struct socket_record *r, const struct conn *c)
{
	bool initiator = c->role == ROLE_INITIATOR;

	if (!sequence_known(c) || c->role == ROLE_UNKNOWN)
		return;
	r->initiator_seq = initiator ? c->sent_base + 1 : c->received_base;
	r->responder_seq = initiator ? c->received_base : c->sent_base;
}

static __always_inline void put_traffic(struct socket_record *r, const struct conn *c,
					const struct numbers *n, __u64 received)
{
	r->sent_bytes = sent_bytes(c, n);
	r->received_bytes = sequence_known(c) ? received : 0;
	put_sequence(r, c);
}

static __always_inline bool fin_received(struct sock *sk, const bool probe)
{
	return HAS_FLAG(SOCK_DONE);
}

/* Closed by whoever had it. */
static __always_inline bool orphaned(struct sock *sk, const bool probe)
{
	return HAS_FLAG(SOCK_DEAD);
}

/* CLOCK_BOOTTIME - CLOCK_MONOTONIC. Set by user space: only a suspend changes it. */
__u64 suspended_ns;

/* When TCP took up the segment or timer that it is at. It has read the clock, and once more is dear: that waits for
 * everything before it. */
static __always_inline boot_ns_t segment_time(struct tcp_sock *tp)
{
	return tp->tcp_clock_cache + suspended_ns;
}

/* Somebody holds the socket's lock: its numbers may be half of what they will be. */
static __always_inline bool is_busy(struct sock *sk, const bool probe)
{
	if (SK(sk_lock.owned))
		return true;
	if (!bpf_core_field_exists(sk->sk_lock.slock.rlock.raw_lock.val.counter))
		return false; /* a lock of another kind: a real-time kernel's, or one CPU */
	return SK(sk_lock.slock.rlock.raw_lock.val.counter) != 0;
}

/* Only a segment or a timer ends an orphan whose peer's FIN has come; what else ends may have long been silent. */
static __always_inline boot_ns_t end_time(struct sock *sk, struct tcp_sock *tp)
{
	return orphaned(sk, false) && fin_received(sk, false) ? segment_time(tp) :
								bpf_ktime_get_boot_ns();
}

/* skc_num is 0 once the port is given back; inet_sport stays. */
static __always_inline void put_addresses(struct socket_record *r, struct sock *sk,
					  struct tcp_sock *tp, const bool probe)
{
	r->local_port = bpf_ntohs(GET(tp, inet_conn.icsk_inet.inet_sport));
	r->remote_port = bpf_ntohs(SK(__sk_common.skc_dport));
	put_local(r->local, sk, probe);
	put_remote(r->remote, sk, probe);
}

static __always_inline void put_interface(struct socket_record *r, struct sock *sk,
					  const bool probe)
{
	struct dst_entry *route = SK(sk_dst_cache);
	struct net_device *device = probe ? BPF_CORE_READ(route, dev) : route->dev;

	if (device)
		put_16(r->interface, &device->name, probe);
}

/* Everything that is neither time nor sequence arithmetic; `r` is zero before. */
static __always_inline void put_socket(struct socket_record *r, struct sock *sk,
				       struct tcp_sock *tp, const bool probe)
{
	__u32 rtt_min = GET(tp, rtt_min.s[0].v);

	r->cgroup_id = cgroup_id_of(sk, probe);
	r->netns = netns_of(sk, probe);
	r->segs_out = GET(tp, segs_out);
	r->segs_in = GET(tp, segs_in);
	r->retransmits = GET(tp, total_retrans);
	r->srtt_us = GET(tp, srtt_us) >> 3;
	r->rtt_min_us = rtt_min == ~0U ? 0 : rtt_min;
	put_addresses(r, sk, tp, probe);
	put_interface(r, sk, probe);
}

static __always_inline void put_conn(struct socket_record *r, const struct conn *c)
{
	r->start_ns = start_of(c);
	r->handshake_us = handshake_us(c);
	r->role = c->role;
	r->flags = c->flags & CONN_ROLE_SEEN ? FLAG_ROLE_SEEN : 0;
	if (c->walk & WALK_SHARED)
		r->flags |= FLAG_SHARED;
	r->owner_source = c->owner_source;
	if (!c->owner_source)
		return;
	r->tgid = c->owner.tgid;
	r->uid = c->owner.uid;
	__builtin_memcpy(r->comm, c->owner.comm, sizeof(r->comm));
}

#endif
