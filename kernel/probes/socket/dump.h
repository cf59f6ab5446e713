/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What lives, when it is asked for. Part of socket.bpf.c.
 *
 * A dump reads sockets by the addresses in the probe's own slots, which costs nothing per process and descriptor
 * and shows also what nobody holds any more; then those that have socket storage instead. A walk over the
 * descriptors of all processes finds whose sockets they are and finds those older than the probe; it is dear and rare.
 * Before 5.11 there are neither slots nor storage: there the walk itself is the dump.
 */
#ifndef WEIR_SOCKET_DUMP_H
#define WEIR_SOCKET_DUMP_H

#include "both_ends.h"
#include "selection.h"

#define READINGS_MAX 4
#define ONCE(x) (*(volatile typeof(x) *)&(x))

/* Set by user space before a dump: leave out what is as it was last shown. */
bool only_changes;

/* Set by user space before a walk: its number, 1 to WALK_NUMBER. */
__u8 walk_number;

/* What a dump works on. Not on the stack: there the verifier would follow each value, and go through the code of a
 * group of sockets hundreds of thousands of steps long. One dump runs at a time. */
struct scratch {
	struct socket_record record;
	struct conn conn; /* a copy */
	struct numbers numbers;
	struct identity id;
	bool unsure; /* the record may have an octet less than the socket: to be shown again */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_here(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&scratches, &only);
}

static __always_inline bool same_bases(const struct identity *a, const struct identity *b)
{
	return a->sent_base == b->sent_base && a->received_base == b->received_base;
}

/* No lock is held: what two readings in a row agree on is not torn. `id` comes with an earlier reading.
 * False = none did, in a busy moment. */
static __always_inline bool settle(struct identity *id, struct numbers *n, struct tcp_sock *tp,
				   __u8 state, const bool probe)
{
	struct identity before;

#pragma clang loop unroll(disable)
	for (int i = 0; i < READINGS_MAX; i++) {
		before = *id;
		read_numbers(n, tp, state, probe);
		identify(id, n);
		if (!same_bases(&before, id))
			continue;
		if (before.role != id->role)
			id->role = ROLE_UNKNOWN;
		return true;
	}
	return false;
}

/* A slot knows the role, and the bases unless the kernel left socket_state out at ESTABLISHED. */
static __always_inline bool settle_slot(struct identity *id, struct numbers *n, struct tcp_sock *tp,
					__u8 state, const bool probe)
{
	struct identity before = *id;

	read_numbers(n, tp, state, probe);
	read_bases(id, n);
	return same_bases(&before, id);
}

/*
 * A live record of `tp`; false = not to be shown now. `c` learns what was not known.
 *
 * The kernel counts a peer's FIN a moment before it says so (SOCK_DONE). What was received is therefore taken from
 * before the flag was read, when the flag is not there, and from after, less the FIN, when it is. The moment can be
 * long (a virtual CPU that waits for its turn), but the socket is locked in it: of a locked socket without the flag
 * the last octet may be a FIN, so it is left for the next dump. `locked`: by the iterator itself (iter/tcp).
 *
 * Of what was sent, a FIN of ours is counted after the state has changed. So the state is read again after the
 * numbers: if a FIN is in them, it says so. If the FIN came behind them, there is an octet too few for a moment, and none
 * too few of none (payload_sent).
 */
static __always_inline bool put_live(struct scratch *here, struct tcp_sock *tp, const bool slot,
				     const bool locked, const bool probe)
{
	struct socket_record *r = &here->record;
	struct identity *id = &here->id;
	struct numbers *n = &here->numbers;
	struct conn *c = &here->conn;
	struct sock *sk = sock_of(tp);
	__u8 state = SK(__sk_common.skc_state);
	bool done, settled;
	__u64 received;

	if (state == TCP_CLOSE || state == TCP_LISTEN || c->flags & CONN_CLOSED)
		return false;
	__builtin_memset(r, 0, sizeof(*r));
	read_numbers(n, tp, state, probe);
	if (slot)
		read_bases(id, n);
	else
		identify(id, n);
	received = n->received;
	r->time_ns = bpf_ktime_get_boot_ns();
	put_socket(r, sk, tp, probe); /* takes longer than most of the kernel's changes */
	here->unsure = !locked && received && is_busy(sk, probe);
	done = fin_received(sk, probe);
	here->unsure &= !done;
	settled = slot ? settle_slot(id, n, tp, state, probe) : settle(id, n, tp, state, probe);
	barrier();
	state = SK(__sk_common.skc_state);
	n->fin_queued = queues_fin(state);
	if (state == TCP_CLOSE || (!settled && !sequence_known(c)))
		return false;
	if (!r->local_port) /* it is being connected: the port comes after the state */
		return false;
	if (synchronized(state))
		learn(c, id);
	own_by_listener(c, r);
	put_conn(r, c);
	put_traffic(r, c, n, done ? n->received - 1 : received - here->unsure);
	r->kind = SOCKET_LIVE;
	r->state = state;
	return true;
}

static __always_inline bool is_asked_for(const struct scratch *here)
{
	return selects_owner(&here->conn.owner) && passes(&here->record, MEETING_DUMP);
}

/* What a dump learned of a socket whose memory of us is its own: a slot may be another's at any moment. */
static __always_inline void keep_learned(struct conn *known, const struct conn *learned)
{
	if (known->flags & CONN_CLOSED)
		return;
	if (!sequence_known(known) && learned->flags & CONN_SEQUENCE_KNOWN) {
		known->sent_base = learned->sent_base;
		known->received_base = learned->received_base;
		known->walk |= WALK_LEARNED;
	}
	if (known->role == ROLE_UNKNOWN)
		known->role = learned->role;
}

/* Segments (both counters only grow) and state in one word; never 0. */
static __always_inline __u32 shown_as(struct tcp_sock *tp, const bool probe)
{
	struct sock *sk = sock_of(tp);

	return (GET(tp, segs_in) + GET(tp, segs_out)) << 4 | SK(__sk_common.skc_state);
}

/* Of a socket that this walk meets: the first process is whose it is unless we know better, another one shares it. */
static __always_inline void meet(struct conn *c, struct task_struct *task)
{
	bool first = (c->walk & WALK_NUMBER) != walk_number;

	if (first)
		c->walk = (c->walk & WALK_LEARNED) | (walk_number & WALK_NUMBER);
	if (first && c->owner_source < OWNER_IO &&
	    (c->owner_source != OWNER_HOLDER || c->owner.tgid != task->tgid)) {
		owner_of(&c->owner, task);
		c->owner_source = OWNER_HOLDER;
		c->shown = 0;
	}
	if (c->owner.tgid != task->tgid)
		c->walk |= WALK_SHARED;
}

/* Before 5.11: one record for the first process that is met with it. */
static __always_inline void dump_held(struct bpf_iter_meta *meta, struct task_struct *task,
				      struct tcp_sock *tp, struct conn *known)
{
	bool again = (known->walk & WALK_NUMBER) == walk_number;
	struct scratch *here = scratch_here();
	__u32 shown;

	if (!here)
		return;
	here->conn = *known;
	meet(&here->conn, task);
	shown = shown_as(tp, true);
	if (again || (only_changes && here->conn.shown == shown)) {
		meet(known, task);
		return;
	}
	here->conn.walk |= known->walk & WALK_SHARED; /* as the walk before found it */
	if (!selected(sock_of(tp), true)) {
		count(COUNTER_DUMP_FILTERED);
		return;
	}
	if (!put_live(here, tp, false, false, true))
		return;
	if (!is_asked_for(here)) {
		count(COUNTER_DUMP_FILTERED);
		meet(known, task);
		return;
	}
	here->record.cookie = (cookie_t)(long)tp;
	if (bpf_seq_write(meta->seq, &here->record, sizeof(here->record)))
		return; /* the page is full: the kernel comes again with this descriptor */
	count(COUNTER_DUMPED);
	meet(known, task);
	keep_learned(known, &here->conn);
	known->shown = here->unsure ? 0 : shown;
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
static __always_inline void meet_closed(struct sock *sk, struct tcp_sock *tp)
{
	struct conn *known = conn_find(sk);

	if (is_missed(sk, known) && segment_time(tp) > start_of(known))
		tell_missed(sk, tp, known, COUNTING_DUMP);
}

/* One socket whose memory of us is its own. `shared` = WALK_SHARED as the walk before found it. */
static __always_inline int dump_own(struct bpf_iter_meta *meta, struct tcp_sock *tp,
				    struct conn *known, const bool changes, __u8 shared,
				    const bool locked)
{
	struct scratch *here = scratch_here();
	struct sock *sk = sock_of(tp);
	__u32 shown = shown_as(tp, false);

	if (!here || (known && changes && known->shown == shown))
		return 0;
	if (!selected(sk, false)) {
		count(COUNTER_DUMP_FILTERED);
		return 0;
	}
	__builtin_memset(&here->conn, 0, sizeof(here->conn));
	if (known) {
		ONCE(known->shown) = shown; /* before the owner is read: a later change of it takes the mark away */
		barrier();
		here->conn = *known;
		here->conn.walk |= shared;
	}
	if (put_live(here, tp, false, locked, false)) {
		if (!is_asked_for(here)) {
			count(COUNTER_DUMP_FILTERED);
			return 0;
		}
		here->record.cookie = cookie_of(sk);
		if (!bpf_seq_write(meta->seq, &here->record, sizeof(here->record))) {
			count(COUNTER_DUMPED);
			if (known)
				keep_learned(known, &here->conn);
			if (!here->unsure)
				return 0;
		}
	}
	if (known) /* not now, or not all; or the page is full and the kernel comes again with this socket */
		known->shown = 0;
	return 0;
}

static __always_inline bool is_full(const struct seq_file *seq, __u32 records)
{
	return seq->size - seq->count < records * sizeof(struct socket_record);
}

/* Where the walk is to show it, it does, for the first process that is met with it. */
static __always_inline int meet_shown(struct bpf_iter_meta *meta, struct task_struct *task,
				      struct tcp_sock *tp, struct conn *known)
{
	bool again = (known->walk & WALK_NUMBER) == walk_number;
	__u8 shared = known->walk & WALK_SHARED;

	if (is_full(meta->seq, 1))
		return 1; /* the kernel comes again with this descriptor */
	storage_met = true;
	meet(known, task);
	return again ? 0 : dump_own(meta, tp, known, only_changes, shared, false);
}

static __always_inline int meet_file(struct bpf_iter_meta *meta, struct task_struct *task,
				     struct tcp_sock *tp, const bool probe)
{
	struct sock *sk = sock_of(tp);
	__u8 state = SK(__sk_common.skc_state);
	struct conn *known;

	if (state == TCP_LISTEN) {
		listener_met(tp, task, probe);
		return 0;
	}
	if (state == TCP_CLOSE) {
		if (!probe)
			meet_closed(sk, tp);
		return 0;
	}
	known = conn_create(sk);
	if (!known)
		count(COUNTER_LOST_STORAGE);
	else if (probe)
		dump_held(meta, task, tp, known);
	else if (walk_shows == WALK_SHOWS_ALL ||
		 (walk_shows == WALK_SHOWS_STORED && is_stored(known)))
		return meet_shown(meta, task, tp, known);
	else
		meet(known, task);
	return 0;
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
	return tp ? meet_file(ctx->meta, task, tp, !HAS_SOCKET_STORAGE) : 0;
}

#include "dump_slots.h"

/* What has no slot: older than the probe, or its slot was taken. */
SEC("iter/bpf_sk_storage_map")
int socket_stored(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct tcp_sock *tp;
	struct conn *known;

	if (!sk || !ctx->value)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	known = bpf_sk_storage_get(&conns, sk, 0, 0);
	return known ? dump_own(ctx->meta, tp, known, only_changes, 0, false) : 0;
}

/* One network namespace: finds what is older than the probe and held by nobody. */
SEC("iter/tcp")
int socket_table(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tp;
	struct conn *known;
	__u8 state;

	if (!common)
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp)
		return 0;
	state = sock_of(tp)->__sk_common.skc_state;
	if (state == TCP_LISTEN || state == TCP_CLOSE)
		return 0;
	known = conn_to_slot(conn_create(sock_of(tp)), sock_of(tp)); /* this iterator locks the socket */
	if (!known)
		count(COUNTER_LOST_STORAGE);
	return dump_own(ctx->meta, tp, known, false, 0, true);
}

#endif
