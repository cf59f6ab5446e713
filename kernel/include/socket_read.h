/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads what any socket has: addresses, cgroup, network namespace.
 *
 * `probe` (a constant at each call) says how: plain loads where the verifier knows the pointer's type, else
 * bpf_probe_read_kernel. Plain loads are several times cheaper.
 */
#ifndef WEIR_SOCKET_READ_H
#define WEIR_SOCKET_READ_H

#include "kernel_types.h"
#include "record_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define GET(pointer, field) \
	({ \
		typeof((pointer)->field) value_; \
		if (probe) \
			bpf_core_read(&value_, sizeof(value_), &(pointer)->field); \
		else \
			value_ = (pointer)->field; \
		value_; \
	})
#define SK(field) GET(sk, field)

#define HAS_FLAG(which) \
	(SK(__sk_common.skc_flags) >> bpf_core_enum_value(enum sock_flags, which) & 1)

static __always_inline void put_16(void *to, void *from, const bool probe)
{
	if (probe) {
		bpf_probe_read_kernel(to, 16, from);
		return;
	}
	((__u64 *)to)[0] = ((__u64 *)from)[0];
	((__u64 *)to)[1] = ((__u64 *)from)[1];
}

static __always_inline void put_v4(__u8 *to, __be32 address)
{
	*(__u64 *)to = 0;
	*(__u32 *)(to + 8) = bpf_htonl(0xffff);
	*(__u32 *)(to + 12) = address;
}

static __always_inline bool is_v4(const __u8 *address)
{
	return !*(__u64 *)address && *(__u32 *)(address + 8) == bpf_htonl(0xffff);
}

static __always_inline void put_local(__u8 *to, struct sock *sk, const bool probe)
{
	if (SK(__sk_common.skc_family) == AF_INET)
		put_v4(to, SK(__sk_common.skc_rcv_saddr));
	else
		put_16(to, &sk->__sk_common.skc_v6_rcv_saddr, probe);
}

static __always_inline void put_remote(__u8 *to, struct sock *sk, const bool probe)
{
	if (SK(__sk_common.skc_family) == AF_INET)
		put_v4(to, SK(__sk_common.skc_daddr));
	else
		put_16(to, &sk->__sk_common.skc_v6_daddr, probe);
}

static __always_inline struct cgroup *cgroup_of(struct sock *sk)
{
	struct sock_cgroup_data *data = &sk->sk_cgrp_data;
	__u64 old = 0;

	if (bpf_core_field_exists(data->cgroup))
		return BPF_CORE_READ(data, cgroup);
	bpf_core_read(&old, sizeof(old), &((struct sock_cgroup_data___before_5_15 *)data)->val);
	return old & 1 ? 0 : (struct cgroup *)(old & ~3ULL);
}

static __always_inline __u64 cgroup_id_of(struct sock *sk, const bool probe)
{
	if (!probe && bpf_core_field_exists(struct sock_cgroup_data, cgroup))
		return sk->sk_cgrp_data.cgroup->kn->id;
	return BPF_CORE_READ(cgroup_of(sk), kn, id);
}

static __always_inline netns_t netns_of(struct sock *sk, const bool probe)
{
	struct net *net = SK(__sk_common.skc_net.net);

	return probe ? BPF_CORE_READ(net, ns.inum) : net->ns.inum;
}

#endif
