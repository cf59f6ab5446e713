/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the socket probe remembers of a socket that the kernel does not: when it began, whose it is, who
 * began it. In socket storage, which the kernel clones from a listener to the sockets it accepts. Kernels
 * whose tracing programs have no socket storage (before 5.11) get a table by socket address instead.
 */
#ifndef WEIR_CONN_H
#define WEIR_CONN_H

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "socket_record.h"

/* A constant when the object is loaded: the verifier never sees the branch that is not taken. */
#define HAS_SOCKET_STORAGE \
	bpf_core_enum_value_exists(enum bpf_func_id___weir, BPF_FUNC_sock_from_file___weir)

enum conn_flag {
	CONN_ROLE_SEEN = 1,
	CONN_SEQUENCE_KNOWN = 2,
	CONN_CLOSED = 4, /* sk_state is written after the tracepoint: a dump must not show it alive */
	CONN_UNSETTLED = 8, /* only in a dump's copy: see settle() */
};

struct conn {
	__u64 start_ns;
	__u64 session; /* of the task_file dump that met it last */
	__u32 sent_base;     /* snd_una - bytes_acked: an initiator's ISS, a responder's ISS + 1 */
	__u32 received_base; /* rcv_nxt - bytes_received: the peer's ISS + 1 */
	__u32 tgid;
	__u32 uid;
	__u32 holder; /* whom that dump met it with */
	__u8 owner_source;
	__u8 role;
	__u8 flags; /* enum conn_flag */
	__u8 padding;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct conn);
} conns SEC(".maps");

/*
 * Creating socket storage costs 2 us, finding it four cache lines. So a connection that begins before our
 * eyes takes a slot of this table, one cache line, by its socket's cookie. Cookies rise one by one: nobody
 * else has the slot unless a connection is older than the last SLOTS sockets; then storage it is.
 */
#define SLOTS (1 << 16)

struct slot {
	__u64 tag; /* cookie << 1 | ended; 0 = never used */
	struct conn conn;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* The loader shrinks these two where socket storage is there, and that one where it is not. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct conn);
} conns_by_address SEC(".maps");

struct listener {
	netns_t netns;
	__u32 port; /* host order */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, struct conn);
} listeners SEC(".maps");

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

static __always_inline struct slot *slot_of(__u64 cookie)
{
	__u32 index = cookie & (SLOTS - 1);

	return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline struct conn *conn_find(struct sock *sk)
{
	struct slot *slot;
	__u64 cookie;

	if (!HAS_SOCKET_STORAGE)
		return conn_by_address(sk);
	cookie = bpf_get_socket_cookie(sk);
	slot = slot_of(cookie);
	if (slot && slot->tag >> 1 == cookie)
		return &slot->conn;
	return bpf_sk_storage_get(&conns, sk, 0, 0);
}

static __always_inline struct conn *conn_create(struct sock *sk)
{
	struct conn *c;

	if (!HAS_SOCKET_STORAGE)
		return conn_by_address_create(sk);
	c = conn_find(sk);
	return c ? c : bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/*
 * For a connection that begins: a slot that is free or was this socket's, which failed and tries again.
 * The claim is no compare-and-swap: 5.10 refuses an object with that instruction in it, wherever it stands.
 * Two claims collide only if sockets whose cookies are a multiple of SLOTS apart begin in the same few
 * nanoseconds on two CPUs; then one loses its start and owner, never its counters.
 */
static __always_inline struct conn *conn_create_new(struct sock *sk)
{
	struct slot *slot;
	__u64 cookie, old;

	if (!HAS_SOCKET_STORAGE)
		return conn_by_address_create(sk);
	cookie = bpf_get_socket_cookie(sk);
	slot = slot_of(cookie);
	if (!slot)
		return 0;
	old = slot->tag;
	if (!old || old & 1 || old >> 1 == cookie) {
		slot->tag = cookie << 1;
		return &slot->conn;
	}
	return bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
}

/* Over: the slot may be taken. */
static __always_inline void conn_end(struct sock *sk, struct conn *c)
{
	struct slot *slot;
	__u64 cookie;

	c->flags |= CONN_CLOSED;
	if (!HAS_SOCKET_STORAGE)
		return;
	cookie = bpf_get_socket_cookie(sk);
	slot = slot_of(cookie);
	if (slot && slot->tag == cookie << 1)
		slot->tag |= 1;
}

/* Of a new connection, after its owner is set. */
static __always_inline void conn_begin(struct conn *c, __u8 role)
{
	c->start_ns = bpf_ktime_get_boot_ns();
	c->session = 0;
	c->sent_base = 0;
	c->received_base = 0;
	c->holder = 0;
	c->role = role;
	c->flags = CONN_ROLE_SEEN;
}

static __always_inline void copy_name(char *to, char *from)
{
	((__u64 *)to)[0] = ((__u64 *)from)[0];
	((__u64 *)to)[1] = ((__u64 *)from)[1];
}

/* An accepted socket begins with the owner of its listener. */
static __always_inline void conn_inherit(struct conn *c, struct conn *listener)
{
	if (!listener) {
		__builtin_memset(c, 0, sizeof(*c));
		return;
	}
	c->owner_source = listener->owner_source;
	c->tgid = listener->tgid;
	c->uid = listener->uid;
	copy_name(c->comm, listener->comm);
}

/* A kernel thread that only works for a process (delayed close, io workers of a file system) does not
 * displace it. */
static __always_inline void conn_own_by(struct conn *c, __u8 source)
{
	struct task_struct *task;
	__u64 id = bpf_get_current_pid_tgid();

	if (HAS_SOCKET_STORAGE) {
		task = bpf_get_current_task_btf();
		if (c->owner_source && task->flags & PF_KTHREAD)
			return;
		copy_name(c->comm, task->group_leader->comm);
		c->uid = task->cred->uid.val;
	} else {
		task = (void *)bpf_get_current_task();
		if (c->owner_source && BPF_CORE_READ(task, flags) & PF_KTHREAD)
			return;
		BPF_CORE_READ_INTO(&c->comm, task, group_leader, comm);
		c->uid = (__u32)bpf_get_current_uid_gid();
	}
	c->tgid = id >> 32;
	c->owner_source = source;
}

/* The current task's process as the owner. Never from softirq. */
static __always_inline void conn_own(struct conn *c, __u8 source)
{
	if (c->owner_source && c->tgid == bpf_get_current_pid_tgid() >> 32)
		c->owner_source = source;
	else
		conn_own_by(c, source);
}

#endif
