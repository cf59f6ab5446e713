// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Every TCP connection of the host, from 5.10 on.
 *
 * inet_sock_set_state sees each begin and each end, in all network namespaces, about five times in a
 * connection's life whatever its traffic; the totals are in the socket when it ends, so no hook is on the
 * path of packets. What lives is read by the iterators when asked for. sock_send_length/sock_recv_length
 * (6.3 and later) only tell who uses a socket that one process accepted and another serves.
 */
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "socket_record.h"
#include "counters.h"
#include "conn.h"
#include "tcp_read.h"
#include "listener.h"
#include "both_ends.h"
#include "selection.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ended SEC(".maps");

/* Ring records have no type of their own in BTF; these keep their layout in it for the generator. */
struct socket_record *record_layout __attribute__((unused));
enum socket_kind *kind_layout __attribute__((unused));
enum socket_role *role_layout __attribute__((unused));
enum owner_source *owner_layout __attribute__((unused));
enum socket_flag *flag_layout __attribute__((unused));
enum tcp_state *state_layout __attribute__((unused));
enum socket_counter *counter_layout __attribute__((unused));

/* connect(): in the caller's context. A socket may connect again after it failed. */
static __always_inline void on_connect(struct sock *sk)
{
	struct conn *c = conn_create_new(sk);

	if (!c) {
		count(COUNTER_LOST_STORAGE);
		return;
	}
	conn_begin(c, sk, ROLE_INITIATOR, bpf_ktime_get_boot_ns());
	conn_own(c, sk, OWNER_CONNECT);
}

/*
 * The peer's handshake is done: in softirq, `current` is anybody. Not before ESTABLISHED, because up to 6.12 at
 * least the kernel gives an accepted socket its cookie only after the tracepoint of SYN_RECV. One that is an
 * initiator already has met its peer half-way (simultaneous open).
 */
static __always_inline struct conn *on_accept(struct sock *sk, struct tcp_sock *tp)
{
	struct conn *c = conn_create_new(sk);

	if (!c) {
		count(COUNTER_LOST_STORAGE);
		return 0;
	}
	if (c->role != ROLE_INITIATOR || c->flags & CONN_CLOSED)
		conn_begin(c, sk, ROLE_RESPONDER, segment_time(tp));
	return c;
}

/* Under the socket's lock, so exact; a dump would have to guess. */
static __always_inline void on_established(struct sock *sk, struct tcp_sock *tp, int from)
{
	struct conn *c = from == TCP_SYN_RECV ? on_accept(sk, tp) : conn_find(sk);

	if (!c)
		return;
	c->sent_base = tp->snd_una - (__u32)tp->bytes_acked;
	c->received_base = tp->rcv_nxt - (__u32)tp->bytes_received;
	c->flags |= CONN_SEQUENCE_KNOWN;
	if (c->role == ROLE_INITIATOR && c->began)
		conn_established(c, segment_time(tp));
	meet_conditions(c, sk, tp, MEETING_STATE);
}

/* The current process is now whose the socket is. */
static __always_inline void own(struct conn *c, struct sock *sk, __u8 source,
				const enum meeting who)
{
	struct tcp_sock *tp;

	if (!conn_own(c, sk, source) || !conditions_asked || !sequence_known(c))
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		meet_conditions(c, sk, tp, who);
}

/* close() or shutdown() by the current process. */
static __always_inline void on_shut(struct sock *sk)
{
	struct conn *c = conn_to_slot(conn_create(sk), sk);

	if (!c) {
		count(COUNTER_LOST_STORAGE);
		return;
	}
	own(c, sk, OWNER_CLOSE, MEETING_STATE);
	c->flags |= CONN_SHUT;
}

/* An ICMP error that came while the caller had the socket (in connect(), say) is a soft one: it waits until somebody
 * asks for it. */
static __always_inline __u16 attempt_error(struct sock *sk, const struct conn *c)
{
	__u32 error = sk->sk_err_soft;

	barrier(); /* or one load would serve both pointers, which the verifier refuses */
	return error ? error : c->attempt_error;
}

/* `late` = when the socket goes: TCP's clock still shows the end, but the application may have taken the error. */
static __always_inline void put_end(struct socket_record *r, struct sock *sk, struct tcp_sock *tp,
				    struct conn *c, __u8 from, const bool late)
{
	struct identity id;
	struct numbers n;

	__builtin_memset(r, 0, sizeof(*r));
	read_numbers(&n, tp, from, false);
	if (synchronized(from)) {
		identify(&id, &n);
		learn(c, &id);
	}
	put_socket(r, sk, tp, false);
	own_by_listener(c, r);
	put_conn(r, c);
	put_traffic(r, c, &n, n.received - fin_received(sk, false));
	r->time_ns = late ? segment_time(tp) : end_time(sk, tp);
	r->cookie = cookie_of(sk);
	r->kind = SOCKET_CLOSED;
	r->state = late && !sk->sk_err && !(c->flags & CONN_SHUT) ? TCP_CLOSE : from;
	r->error = sk->sk_err;
	if (from == TCP_SYN_SENT && !r->error)
		r->error = attempt_error(sk, c);
}

static __always_inline enum socket_counter record_end(struct sock *sk, struct tcp_sock *tp,
						   struct conn *c, __u8 from, const bool late)
{
	struct socket_record *r;

	if (!selected(sk, false))
		return COUNTER_FILTERED;
	if (from == TCP_SYN_RECV && c->role == ROLE_UNKNOWN)
		conn_begin(c, sk, ROLE_RESPONDER, bpf_ktime_get_boot_ns());
	/* An abort (unread data, SO_LINGER 0) goes from here straight to CLOSE, without an error. */
	if (!late && (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT) && !sk->sk_err)
		conn_own(c, sk, OWNER_CLOSE);
	r = bpf_ringbuf_reserve(&ended, sizeof(*r), 0);
	if (!r)
		return COUNTER_LOST_RING;
	put_end(r, sk, tp, c, from, late);
	if (!selects_owner(&c->owner) || !passes(r, MEETING_STATE)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return COUNTER_FILTERED;
	}
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return COUNTER_CLOSED;
}

/* Older than the probe, and no dump has met it. */
static __always_inline enum socket_counter end_of_unknown(struct sock *sk, struct tcp_sock *tp,
							  __u8 from)
{
	struct conn none = {};

	return record_end(sk, tp, &none, from, false);
}

/* A slot is free, and may be another's at once, when its record is out. */
static __always_inline enum socket_counter end_of(struct conn *c, struct sock *sk,
						  struct tcp_sock *tp, __u8 from, const bool late)
{
	enum socket_counter how;

	c->flags |= CONN_CLOSED;
	how = record_end(sk, tp, c, from, late);
	c->flags |= CONN_CLOSED;
	c->tag |= 1;
	return how;
}

static __always_inline void count_end(enum socket_counter how, enum counting who)
{
	struct socket_counters *here = counters_here(who);

	if (!here)
		return;
	here->values[COUNTER_SEEN]++;
	if (how == COUNTER_CLOSED)
		here->values[COUNTER_CLOSED]++;
	else if (how == COUNTER_FILTERED)
		here->values[COUNTER_FILTERED]++;
	else
		here->values[COUNTER_LOST_RING]++;
	if (who != COUNTING_STATE)
		here->values[COUNTER_RECOVERED]++;
}

/*
 * Every ACK that completes a handshake makes a socket, also a second one that another CPU takes in at that moment: a lost
 * SYN-ACK is sent again by the timers of both sides, after the same second. The kernel throws that socket away
 * (inet_ehash_nolisten); what it is a copy of is the connection. One for which there is no memory is thrown away too,
 * and the handshake goes on. In SYN_RECV only these are connections: with Fast Open, and an initiator that has met its peer
 * half-way. (What is known by address, before 5.11, may be of an older socket that has ended.)
 */
static __always_inline bool is_surplus(struct tcp_sock *tp, const struct conn *c, __u8 from)
{
	bool initiator = c && c->role == ROLE_INITIATOR && !(c->flags & CONN_CLOSED);

	return from == TCP_SYN_RECV && !tp->fastopen_rsk && !initiator;
}

static __always_inline void on_end(struct sock *sk, struct tcp_sock *tp, __u8 from)
{
	struct conn *c = conn_find(sk);

	if (is_surplus(tp, c, from))
		return;
	count_end(c ? end_of(c, sk, tp, from, false) : end_of_unknown(sk, tp, from), COUNTING_STATE);
}

/* What needs TCP's own numbers. Loads through `tp` are checked ones, 45 octets of code each; those through `sk`
 * are not. */
static __always_inline void on_state(struct sock *sk, struct tcp_sock *tp, int from, int to)
{
	if (to == TCP_ESTABLISHED)
		on_established(sk, tp, from);
	else if (to == TCP_LISTEN)
		listener_new(tp);
	else if (from == TCP_LISTEN)
		listener_gone(tp);
	else
		on_end(sk, tp, from);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(socket_state, struct sock *sk, int from, int to)
{
	struct tcp_sock *tp;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if ((from == TCP_ESTABLISHED && to == TCP_FIN_WAIT1) ||
	    (from == TCP_CLOSE_WAIT && to == TCP_LAST_ACK)) {
		on_shut(sk);
	} else if (to == TCP_SYN_SENT) {
		on_connect(sk);
	} else if (to == TCP_ESTABLISHED || to == TCP_LISTEN || to == TCP_CLOSE) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (tp)
			on_state(sk, tp, from, to);
	}
	return 0;
}

/* The state that a missed end left. Only a segment or a timer interrupts: it was no abort. */
static __always_inline __u8 state_before(struct sock *sk, struct tcp_sock *tp, const struct conn *c)
{
	bool done = fin_received(sk, false);

	if (c->role == ROLE_INITIATOR && !tp->bytes_acked)
		return TCP_SYN_SENT;
	if (c->flags & CONN_SHUT)
		return done ? TCP_LAST_ACK : TCP_FIN_WAIT2;
	return done ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
}

/*
 * Closed, and nobody reported it. (Of one that was disconnected since, nothing is left to report.) A surplus socket has the
 * cookie of the connection if somebody asked for it during the handshake, as ss does.
 */
static __always_inline bool is_missed(struct sock *sk, const struct conn *c)
{
	return c && !(c->flags & CONN_CLOSED) && sk->__sk_common.skc_dport &&
	       (is_stored(c) || c->address == (__u64)(long)sk);
}

static __always_inline void tell_missed(struct sock *sk, struct tcp_sock *tp, struct conn *c,
					enum counting who)
{
	count_end(end_of(c, sk, tp, state_before(sk, tp, c), true), who);
}

/*
 * From 6.1 on the kernel leaves a program out when it interrupts itself: a segment or a timer that ends a connection
 * while the same CPU is inside socket_state for another. That end is reported here, a moment later; of a socket that
 * somebody holds, by the next dump or at close(). It cannot be left out too: the CPU is in socket_state or here, not
 * in both.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(socket_gone, struct sock *sk)
{
	struct conn *c = conn_find(sk);
	struct tcp_sock *tp;

	if (!is_missed(sk, c))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		tell_missed(sk, tp, c, COUNTING_GONE);
	return 0;
}

/*
 * ICMP reported a failing attempt to the application (IPv4 always does), in the socket's error queue. It may ask for the
 * error and give up before the kernel does: then nothing of it is left at the end.
 */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(socket_error, struct sock *sk)
{
	struct sock_extended_err *error;
	struct sk_buff *skb;
	struct conn *c;

	if (sk->__sk_common.skc_state != TCP_SYN_SENT || sk->sk_protocol != IPPROTO_TCP ||
	    !sk->sk_error_queue.qlen)
		return 0;
	c = conn_find(sk);
	if (!c || c->flags & CONN_SEQUENCE_KNOWN)
		return 0;
	skb = sk->sk_error_queue.prev;
	error = (void *)skb->cb + bpf_core_field_offset(struct sock_exterr_skb, ee);
	if (error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6)
		c->attempt_error = error->ee_errno;
	return 0;
}

static __always_inline void on_io(struct sock *sk)
{
	struct conn *c;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	c = conn_find(sk);
	if (!c || (c->owner_source >= OWNER_IO && c->owner.tgid == current_tgid()))
		return;
	own(c, sk, OWNER_IO, MEETING_IO);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_send, struct sock *sk, int result)
{
	if (result > 0)
		on_io(sk);
	return 0;
}

/* Reading the end of the stream (0) is reading too. */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_receive, struct sock *sk, int result)
{
	if (result >= 0)
		on_io(sk);
	return 0;
}

#include "dump.h"
