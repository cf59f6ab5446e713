/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the socket probe remembers of a socket that the kernel does not: when it began, whose it is, who
 * began it, and what of it was shown last.
 *
 * Creating socket storage costs 2 us, finding it four cache lines. So a connection that begins before our
 * eyes takes a slot of an array, one cache line, by its socket's cookie. Cookies rise one by one: nobody
 * else has the slot unless a connection is older than the last SLOTS sockets; then storage it is, as for
 * sockets older than the probe. Kernels whose tracing programs have no socket storage (before 5.11) get a
 * table by socket address instead.
 */
#ifndef WEIR_CONN_H
#define WEIR_CONN_H

#include "owner.h"
#include "socket_record.h"

/* Written by the tracepoints alone: a dump's |= on the same octet could undo one of theirs. */
enum conn_flag {
	CONN_ROLE_SEEN = 1,
	CONN_SEQUENCE_KNOWN = 2,
	CONN_CLOSED = 4, /* sk_state is written after the tracepoint: a dump must not show it alive */
	CONN_SHUT = 8, /* closed or shut down by this end */
};

/* Written by dumps and walks alone. */
enum walk_flag {
	WALK_NUMBER = 63, /* of the walk over descriptors that met the socket last; 0 = none */
	WALK_LEARNED = 64, /* the bases are known from a dump */
	WALK_SHARED = 128, /* that walk met a process other than the owner */
};

struct conn {
	__u64 tag; /* of a slot: cookie << 1 | free; 0 = never used */
	__u64 began; /* see start_of */
	__u64 address; /* of the socket: what a dump reads it by; it may be another's by then */
	__u32 sent_base;     /* snd_una - bytes_acked: an initiator's ISS, a responder's ISS + 1 */
	union {
		__u32 received_base; /* rcv_nxt - bytes_received: the peer's ISS + 1 */
		__u32 attempt_error; /* before there is a handshake: what ICMP said, see socket_error */
	};
	struct owner owner;
	__u32 shown; /* segments and state as a dump showed them (shown_as); 0 = not shown, or another owner since */
	__u8 owner_source;
	__u8 role;
	__u8 flags; /* enum conn_flag */
	__u8 walk;  /* enum walk_flag */
};

_Static_assert(sizeof(struct conn) == 64, "a slot is one cache line");

/*
 * When it began and how long its handshake took share a word, or a slot would be more than a cache line: 48 bits of 1024 ns,
 * which last nine years from boot, and below them a number of 13 bits and how often it is taken 16 times, in 1024 ns
 * too; 0 = no handshake yet. Up to 8 ms that is exact, then to a 512th.
 */
#define BEGAN_SHIFT 16
#define UNIT_SHIFT 10
#define TOOK_BITS 13
#define TOOK_MAX ((1U << TOOK_BITS) - 1)
#define SCALES 4

static __always_inline boot_ns_t start_of(const struct conn *c)
{
	return c->began >> BEGAN_SHIFT << UNIT_SHIFT;
}

/* Rounded up: what happened before it began must not seem to have happened after. */
static __always_inline __u64 began_at(boot_ns_t start)
{
	return (start + (1U << UNIT_SHIFT) - 1) >> UNIT_SHIFT << BEGAN_SHIFT;
}

static __always_inline void conn_established(struct conn *c, boot_ns_t now)
{
	boot_ns_t start = start_of(c);
	__u64 took = now > start ? (now - start) >> UNIT_SHIFT : 0;
	__u64 scale = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < SCALES; i++) {
		if (took > TOOK_MAX) {
			took >>= 4;
			scale++;
		}
	}
	if (took > TOOK_MAX)
		took = TOOK_MAX;
	c->began |= scale << TOOK_BITS | (took ? took : 1);
}

static __always_inline __u32 handshake_us(const struct conn *c)
{
	__u64 took = c->began & TOOK_MAX;
	__u64 scale = c->began >> TOOK_BITS & 7;

	return (took << (4 * scale)) * (1U << UNIT_SHIFT) / 1000;
}

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conn);
} conns SEC(".maps");

#define SLOTS (1 << 16)

/* The loader shrinks this where there is no socket storage, and the next where there is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct conn);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct conn);
} conns_by_address SEC(".maps");

static __always_inline struct conn *conn_by_address(const void *sk)
{
	__u64 key = (__u64)(long)sk;

	return bpf_map_lookup_elem(&conns_by_address, &key);
}

static __always_inline struct conn *conn_by_address_create(const void *sk)
{
	__u64 key = (__u64)(long)sk;
	struct conn empty = {};

	bpf_map_update_elem(&conns_by_address, &key, &empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&conns_by_address, &key);
}

/* The kernel gives a cookie when somebody asks for it first. */
static __always_inline cookie_t cookie_of(struct sock *sk)
{
	cookie_t cookie;

	if (!HAS_SOCKET_STORAGE)
		return (cookie_t)(long)sk;
	cookie = sk->__sk_common.skc_cookie.counter;
	return cookie ? cookie : bpf_get_socket_cookie(sk);
}

static __always_inline struct conn *slot_of(cookie_t cookie)
{
	__u32 index = cookie & (SLOTS - 1);

	return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline struct conn *conn_find(struct sock *sk)
{
	struct conn *c;
	cookie_t cookie;

	if (!HAS_SOCKET_STORAGE)
		return conn_by_address(sk);
	cookie = cookie_of(sk);
	c = slot_of(cookie);
	if (c && c->tag >> 1 == cookie)
		return c;
	return bpf_sk_storage_get(&conns, sk, 0, 0);
}

/* Set by the loader where the kernel refuses iterators over maps: what the walk over descriptors shows instead of them. */
enum walk_shows {
	WALK_SHOWS_NONE,
	WALK_SHOWS_STORED,
	WALK_SHOWS_ALL,
};
const volatile __u8 walk_shows;

/* Something has got storage, or the walk met what has. */
bool storage_met;

static __always_inline struct conn *conn_store(struct sock *sk)
{
	storage_met = true;
	return bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline struct conn *conn_create(struct sock *sk)
{
	struct conn *c;

	if (!HAS_SOCKET_STORAGE)
		return conn_by_address_create(sk);
	c = conn_find(sk);
	return c ? c : conn_store(sk);
}

static __always_inline bool is_stored(const struct conn *c)
{
	return !c->tag;
}

/*
 * Moves what has storage into its slot, if that is free: dumps show slots. Only with the socket's lock held. The copy that
 * stays behind says that it has ended, for when another socket has the slot.
 */
static __always_inline struct conn *conn_to_slot(struct conn *c, struct sock *sk)
{
	cookie_t cookie;
	struct conn *slot;

	if (walk_shows != WALK_SHOWS_STORED || !c || !is_stored(c) || c->flags & CONN_CLOSED)
		return c;
	cookie = cookie_of(sk);
	slot = slot_of(cookie);
	if (!slot || (slot->tag && !(slot->tag & 1)))
		return c;
	slot->began = c->began;
	slot->address = (__u64)(long)sk;
	slot->sent_base = c->sent_base;
	slot->received_base = c->received_base;
	slot->owner = c->owner;
	slot->shown = 0;
	slot->owner_source = c->owner_source;
	slot->role = c->role;
	slot->flags = c->flags;
	slot->walk = c->walk;
	*(volatile __u64 *)&slot->tag = cookie << 1;
	c->flags |= CONN_CLOSED;
	return slot;
}

/*
 * For a connection that begins: a slot that is free or was this socket's, which failed and tries again.
 * The claim is no compare-and-swap: 5.10 refuses an object with that instruction in it, wherever it stands.
 * Two claims collide only if sockets whose cookies are a multiple of SLOTS apart begin in the same few
 * nanoseconds on two CPUs; then one loses its start and owner, never its counters.
 */
static __always_inline struct conn *conn_create_new(struct sock *sk)
{
	struct conn *c;
	cookie_t cookie;

	if (!HAS_SOCKET_STORAGE)
		return conn_by_address_create(sk);
	cookie = cookie_of(sk);
	c = slot_of(cookie);
	if (!c)
		return 0;
	if (!c->tag || c->tag & 1 || c->tag >> 1 == cookie) {
		if (c->tag != cookie << 1)
			c->role = ROLE_UNKNOWN; /* what is left is of another life */
		c->tag = cookie << 1;
		return c;
	}
	return conn_store(sk);
}

/* Nothing is known of it but that it began. */
static __always_inline void conn_begin(struct conn *c, struct sock *sk, __u8 role, boot_ns_t start)
{
	c->began = began_at(start);
	c->address = (__u64)(long)sk;
	c->sent_base = 0;
	c->received_base = 0;
	c->shown = 0;
	c->walk = 0;
	c->owner_source = OWNER_NONE;
	c->role = role;
	c->flags = CONN_ROLE_SEEN;
}

/*
 * The current task's process as the owner. Never from softirq. A kernel thread reads, writes and closes for others
 * (delayed close, MPTCP's subflows, io workers of a file system): it owns only what it has connected itself.
 * True when it is another process than before.
 */
static __always_inline bool conn_own(struct conn *c, struct sock *sk, __u8 source)
{
	bool same = c->owner_source && c->owner.tgid == current_tgid();

	if (!same && !owner_current(&c->owner, source == OWNER_CONNECT ? sk : 0))
		return false;
	c->owner_source = source;
	c->shown = 0;
	return !same;
}

#endif
