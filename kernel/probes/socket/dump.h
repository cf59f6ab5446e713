/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The iterators of the socket probe: what lives, when it is asked for. Part of socket.bpf.c. */
#ifndef WEIR_SOCKET_DUMP_H
#define WEIR_SOCKET_DUMP_H

#include "listener.h"
#include "selection.h"

#define READINGS_MAX 4

/* Set by user space before a dump: leave out what is as it was last shown. */
bool only_changes;

/* No lock is held: what two readings in a row agree on is not torn. `id` comes with an earlier reading.
 * False = none did, in a busy moment; what was read last is then shown once and not remembered. */
static __always_inline bool settle(struct identity *id, struct numbers *n, struct tcp_sock *tp,
				   __u8 state, const bool probe)
{
	struct identity before;

#pragma clang loop unroll(disable)
	for (int i = 0; i < READINGS_MAX; i++) {
		before = *id;
		read_numbers(n, tp, state, probe);
		identify(id, n);
		if (before.sent_base != id->sent_base || before.received_base != id->received_base)
			continue;
		if (before.role != id->role)
			id->role = ROLE_UNKNOWN;
		return true;
	}
	id->role = ROLE_UNKNOWN;
	return false;
}

/* A live record of `tp`; false = not to be shown. `c` learns what was not known. */
static __always_inline bool put_live(struct socket_record *r, struct tcp_sock *tp, struct conn *c,
				     const bool probe)
{
	struct sock *sk = sock_of(tp);
	__u8 state = SK(__sk_common.skc_state);
	struct identity id;
	struct numbers n;
	bool settled;

	if (state == TCP_CLOSE || state == TCP_LISTEN || c->flags & CONN_CLOSED)
		return false;
	if (!selected(sk, probe)) {
		count(COUNTER_DUMP_FILTERED);
		return false;
	}
	read_numbers(&n, tp, state, probe);
	identify(&id, &n);
	r->time_ns = bpf_ktime_get_boot_ns();
	put_socket(r, sk, tp, probe); /* takes longer than any of the kernel's changes */
	settled = settle(&id, &n, tp, state, probe);
	if (synchronized(state))
		learn(c, &id);
	if (!settled)
		c->flags |= CONN_UNSETTLED;
	own_by_listener(c, tp, probe);
	put_conn(r, c);
	put_traffic(r, c, &n, fin_received(sk, probe));
	r->kind = SOCKET_LIVE;
	r->state = state;
	return true;
}

/* What the dump learned goes back: role and sequence numbers, if the tracepoint was not faster. */
static __always_inline void keep_learned(struct conn *known, const struct conn *learned)
{
	if (known->flags & CONN_CLOSED || learned->flags & CONN_UNSETTLED)
		return;
	if (!(known->flags & CONN_SEQUENCE_KNOWN) && learned->flags & CONN_SEQUENCE_KNOWN) {
		known->sent_base = learned->sent_base;
		known->received_base = learned->received_base;
		known->flags |= CONN_SEQUENCE_KNOWN;
	}
	if (known->role == ROLE_UNKNOWN)
		known->role = learned->role;
}

static __always_inline void keep_shown(struct conn *known, const struct conn *shown,
				       const struct socket_record *r)
{
	if (shown->flags & CONN_UNSETTLED)
		return;
	known->shown_segs = r->segs_in + r->segs_out;
	known->shown_state = r->state;
	known->flags |= CONN_SHOWN;
}

/* Nothing of a record can differ: no segment came or went, nobody else uses it. */
static __always_inline bool is_as_shown(const struct conn *c, struct tcp_sock *tp, const bool probe)
{
	struct sock *sk = sock_of(tp);

	return c->flags & CONN_SHOWN && c->shown_state == SK(__sk_common.skc_state) &&
	       c->shown_segs == GET(tp, segs_in) + GET(tp, segs_out);
}

static __always_inline void hold(struct conn *c, struct task_struct *task)
{
	owner_of(&c->owner, task);
	c->owner_source = OWNER_HOLDER;
}

/* One descriptor of one process. A socket met again in the same dump: shown again for another process
 * (FLAG_SHARED), not for a second descriptor of the same one. */
static __always_inline void dump_held(struct bpf_iter_meta *meta, struct task_struct *task,
				      struct tcp_sock *tp, struct conn *known, const bool probe)
{
	bool again = known->session == (__u32)meta->session_id;
	struct socket_record r = {};
	struct conn c;

	if (!again && only_changes && is_as_shown(known, tp, probe))
		return;
	if (again && known->holder == (__u32)task->tgid)
		return;
	c = *known;
	if (c.owner_source < OWNER_IO)
		hold(&c, task);
	if (!put_live(&r, tp, &c, probe))
		return;
	r.cookie = probe ? (cookie_t)(long)tp : cookie_of(sock_of(tp));
	if (again)
		r.flags |= FLAG_SHARED;
	if (bpf_seq_write(meta->seq, &r, sizeof(r)))
		return; /* the page is full: the kernel comes again with this descriptor */
	count(COUNTER_DUMPED);
	keep_learned(known, &c);
	known->session = meta->session_id;
	known->holder = task->tgid;
	if (again)
		return;
	keep_shown(known, &c, &r);
	if (known->owner_source < OWNER_IO)
		hold(known, task);
}

static __always_inline struct tcp_sock *tcp_of_old_file(struct file *file)
{
	struct socket *socket;
	struct sock *sk;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	return (struct tcp_sock *)sk;
}

static __always_inline struct tcp_sock *tcp_of_file(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);

	return socket && socket->sk ? bpf_skc_to_tcp_sock(socket->sk) : 0;
}

/* One that begins is still in CLOSE when socket_state knows it already; but no segment came since. */
static __always_inline void dump_closed(struct sock *sk, struct tcp_sock *tp)
{
	struct conn *known = conn_find(sk);

	if (is_missed(sk, known) && segment_time(tp) > known->start_ns)
		tell_missed(sk, tp, known, COUNTING_DUMP);
}

static __always_inline void dump_file(struct bpf_iter_meta *meta, struct task_struct *task,
				      struct tcp_sock *tp, const bool probe)
{
	struct sock *sk = sock_of(tp);
	__u8 state = SK(__sk_common.skc_state);
	struct conn *known;

	if (state == TCP_LISTEN) {
		listener_met(tp, task, probe);
		return;
	}
	if (state == TCP_CLOSE) {
		if (!probe)
			dump_closed(sk, tp);
		return;
	}
	known = conn_create(sk);
	if (known)
		dump_held(meta, task, tp, known, probe);
	else
		count(COUNTER_LOST_STORAGE);
}

SEC("iter/task_file")
int socket_holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct tcp_sock *tp;

	if (!file || !task)
		return 0;
	tp = HAS_SOCKET_STORAGE ? tcp_of_file(file) : tcp_of_old_file(file);
	if (tp)
		dump_file(ctx->meta, task, tp, !HAS_SOCKET_STORAGE);
	return 0;
}

/* One network namespace; the only way to sockets that no process holds. */
SEC("iter/tcp")
int socket_table(struct bpf_iter__tcp *ctx)
{
	struct socket_record r = {};
	struct conn c = {}, *known;
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tp;
	struct sock *sk;

	if (!common)
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp)
		return 0;
	sk = sock_of(tp);
	known = conn_create(sk);
	if (known)
		c = *known;
	else
		count(COUNTER_LOST_STORAGE);
	if (!put_live(&r, tp, &c, false))
		return 0;
	r.cookie = cookie_of(sk);
	if (bpf_seq_write(ctx->meta->seq, &r, sizeof(r)))
		return 0;
	count(COUNTER_DUMPED);
	if (known)
		keep_learned(known, &c);
	return 0;
}

#endif
