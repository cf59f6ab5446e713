/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The dump by slots: an iterator over a small array visits GROUP slots at a time and reads each socket by the address
 * in its slot. Nothing holds the socket meanwhile, and its memory may be another's. So what was read counts only if
 * the slot, and the cookie in the socket, are afterwards what they were before: cookies are never given twice.
 *
 * Two programs do the same. bpf_rdonly_cast (6.2 and later) makes loads plain ones that may fault; elsewhere
 * bpf_probe_read_kernel reads, which is slower and which a kernel locked down for confidentiality refuses.
 *
 * A third one is for kernels that refuse to load iterators over maps (some hardened ones do, because these hand out the
 * memory of values): it is run once for one task and goes through the slots in a loop of its own (6.4 and later).
 */
#ifndef WEIR_SOCKET_DUMP_SLOTS_H
#define WEIR_SOCKET_DUMP_SLOTS_H

/* More would need more steps to verify than the kernel takes; fewer cost more runs. */
#define GROUP 16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS / GROUP);
	__type(key, __u32);
	__type(value, __u32);
} groups SEC(".maps");

extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

static __always_inline struct tcp_sock *tcp_at(__u64 address, const bool probe)
{
	void *at = (void *)address;

	return probe ? at : bpf_rdonly_cast(at, bpf_core_type_id_kernel(struct tcp_sock));
}

/* The same life of the same socket, and not ended, as when `c` was copied. */
static __always_inline bool is_still(struct conn *known, const struct conn *c, struct sock *sk,
				     const bool probe)
{
	barrier();
	return SK(__sk_common.skc_cookie.counter) == c->tag >> 1 &&
	       SK(__sk_common.skc_state) != TCP_CLOSE && ONCE(known->tag) == c->tag &&
	       ONCE(known->began) == c->began && !(ONCE(known->flags) & CONN_CLOSED);
}

enum slot_verdict { SLOT_QUIET, SLOT_FILTERED, SLOT_SHOWN };

/* Set when a dump met an end that nobody reported (is_missed): a walk reports it. */
__u8 missed_met;

static __always_inline void meet_missed(struct tcp_sock *tp, const struct conn *known,
					const bool probe)
{
	struct sock *sk = sock_of(tp);

	if (SK(__sk_common.skc_state) == TCP_CLOSE && selected(sk, probe) && SK(__sk_common.skc_dport) &&
	    SK(__sk_common.skc_cookie.counter) == known->tag >> 1 &&
	    GET(tp, tcp_clock_cache) + suspended_ns > start_of(known))
		missed_met = 1;
}

/* A value of `shown`: the last dump did not find the socket of the slot. No socket is in this state. */
#define SHOWN_GONE 15

/* Its memory is free, or another's. */
static __always_inline bool is_gone(struct sock *sk, __u64 tag, const bool probe)
{
	return SK(__sk_common.skc_cookie.counter) != tag >> 1 ||
	       !SK(__sk_common.skc_refcnt.refs.counter);
}

/*
 * Nothing is shown of the slot. It is free once the end of its socket was reported, so if two dumps in a row do not find the
 * socket, no program has reported its end. One dump is not enough: a new slot may still have the address of an old socket.
 */
static __always_inline enum slot_verdict leave_out(struct tcp_sock *tp, struct conn *known, __u64 tag,
						   __u32 shown_before, const bool probe)
{
	if (!is_gone(sock_of(tp), tag, probe)) {
		meet_missed(tp, known, probe);
		known->shown = 0;
		return SLOT_QUIET;
	}
	known->shown = SHOWN_GONE;
	barrier();
	if (shown_before != SHOWN_GONE || ONCE(known->tag) != tag || known->flags & CONN_CLOSED)
		return SLOT_QUIET;
	known->flags |= CONN_CLOSED;
	ONCE(known->tag) = tag | 1;
	count(COUNTER_UNREPORTED);
	return SLOT_QUIET;
}

/* Who shows it says so before the owner is read: a later change of owner takes the mark away again. */
static __always_inline enum slot_verdict put_slot(struct scratch *here, struct conn *known,
						  __u64 tag, const bool probe)
{
	struct tcp_sock *tp = tcp_at(known->address, probe);
	__u32 shown = shown_as(tp, probe), before = ONCE(known->shown);

	if ((shown & 15) == TCP_CLOSE)
		return leave_out(tp, known, tag, before, probe);
	if (!selected(sock_of(tp), probe))
		return SLOT_FILTERED;
	if (only_changes && before == shown)
		return SLOT_QUIET;
	ONCE(known->shown) = shown;
	barrier();
	here->conn = *known;
	if (here->conn.tag == tag && put_live(here, tp, true, false, probe) &&
	    is_still(known, &here->conn, sock_of(tp), probe)) {
		if (here->unsure)
			known->shown = 0;
		return is_asked_for(here) ? SLOT_SHOWN : SLOT_FILTERED;
	}
	return leave_out(tp, known, tag, before, probe);
}

static __always_inline bool is_live(__u64 tag, const struct conn *known)
{
	return tag && !(tag & 1) && !(known->flags & CONN_CLOSED);
}

static __always_inline enum slot_verdict look_at(struct scratch *here, struct conn *known,
						 const bool probe)
{
	__u64 tag = ONCE(known->tag);
	enum slot_verdict verdict;

	if (!is_live(tag, known))
		return SLOT_QUIET;
	verdict = put_slot(here, known, tag, probe);
	if (verdict == SLOT_SHOWN)
		here->record.cookie = tag >> 1;
	return verdict;
}

static __always_inline void write_slot(struct seq_file *seq, const struct scratch *here,
				       int verdict)
{
	if (verdict == SLOT_QUIET)
		return;
	if (verdict == SLOT_SHOWN)
		bpf_seq_write(seq, &here->record, sizeof(here->record));
	count(verdict == SLOT_SHOWN ? COUNTER_DUMPED : COUNTER_DUMP_FILTERED);
}

/* A full page takes back all that the group has written, but not the marks: then the whole group comes again. */
static __always_inline int dump_group(struct bpf_iter__bpf_map_elem *ctx, const bool probe)
{
	struct seq_file *seq = ctx->meta->seq;
	struct scratch *here = scratch_here();
	__u32 *group = ctx->key;
	struct conn *known;
	__u32 first;

	if (!here || !group || !ctx->value)
		return 0;
	if (is_full(seq, GROUP))
		return 1;
	first = *group * GROUP;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GROUP; i++) {
		known = slot_of(first + i);
		if (known)
			write_slot(seq, here, look_at(here, known, probe));
	}
	return 0;
}

SEC("iter/bpf_map_elem")
int socket_slots(struct bpf_iter__bpf_map_elem *ctx)
{
	return dump_group(ctx, true);
}

SEC("iter/bpf_map_elem")
int socket_slots_cast(struct bpf_iter__bpf_map_elem *ctx)
{
	return dump_group(ctx, false);
}

extern int bpf_iter_num_new(struct bpf_iter_num *numbers, int first, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *numbers) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *numbers) __ksym __weak;

/* A run keeps the CPU, so it must be short. */
#define SLOTS_A_RUN (1 << 12)

/* Where the next run goes on; user space sets it to 0 before a dump, which is over at SLOTS. */
__u32 next_slot;

/*
 * One slot; what is shown of it is left in the scratch. The verifier goes through a global function once. Inlined, it went through
 * it with each turn of the loop, until 6.12 gave up ("The sequence of 8193 jumps is too complex"). Only here: kernels before 6.4
 * crash on a faulting load in a program that has functions.
 */
__noinline int look_at_slot(__u32 slot)
{
	struct scratch *here = scratch_here();
	struct conn *known = slot_of(slot);

	return here && known ? look_at(here, known, false) : SLOT_QUIET;
}

SEC("iter/task")
int socket_slots_loop(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct scratch *here = scratch_here();
	__u32 first = next_slot;
	__u32 end = first + SLOTS_A_RUN < SLOTS ? first + SLOTS_A_RUN : SLOTS;
	struct bpf_iter_num numbers;
	struct conn *known;
	int *slot;

	if (!here || !ctx->task || first >= SLOTS)
		return 0;
	bpf_iter_num_new(&numbers, first, end);
	while ((slot = bpf_iter_num_next(&numbers)) && !is_full(seq, 1)) {
		known = slot_of(*slot);
		if (known && is_live(ONCE(known->tag), known)) /* most are not, and a call takes time */
			write_slot(seq, here, look_at_slot(*slot));
		next_slot = *slot + 1;
	}
	bpf_iter_num_destroy(&numbers);
	return 0;
}

#endif
