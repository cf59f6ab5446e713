/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which sockets a probe looks at. The loader sets the variables. */
#ifndef WEIR_SELECTION_H
#define WEIR_SELECTION_H

#include "owner.h"
#include "socket_read.h"

#define CGROUP_DEPTH_MAX 24

const volatile netns_t only_netns;
const volatile cgroup_id_t only_cgroup; /* with all below it */
/* Up to eight ports of either end, four to a word; 0 = no port. */
const volatile __u64 only_ports_low, only_ports_high;
/* The process of the socket: its id, and its name with the 0 behind it. What follows in comm is left from an older name
 * (older kernels do not pad it), so the masks say how many of the 16 octets count. */
const volatile __u32 only_tgid;
const volatile __u64 only_comm_low, only_comm_high, comm_mask_low, comm_mask_high;

/* Inlined like everything: see `functions of its own` in kernel/probes/object.native.test.ts. */
static __always_inline bool below_cgroup(struct sock *sk)
{
	struct cgroup *group = cgroup_of(sk);

#pragma clang loop unroll(disable)
	for (int i = 0; i < CGROUP_DEPTH_MAX && group; i++) {
		if (BPF_CORE_READ(group, kn, id) == only_cgroup)
			return true;
		group = (struct cgroup *)BPF_CORE_READ(group, self.parent);
	}
	return false;
}

static __always_inline bool is_one_of(__u64 ports, __u16 port)
{
	return port == (__u16)ports || port == (__u16)(ports >> 16) ||
	       port == (__u16)(ports >> 32) || port == (__u16)(ports >> 48);
}

static __always_inline bool is_selected_port(__be16 network)
{
	__u16 port = bpf_ntohs(network);

	return port && (is_one_of(only_ports_low, port) || is_one_of(only_ports_high, port));
}

/* Read by probe: the verifier knows the pointer as a sock, and inet_sport is behind it. skc_num is 0 at an end. */
static __always_inline bool has_selected_port(struct sock *sk)
{
	struct inet_sock *inet = (struct inet_sock *)sk;

	return is_selected_port(BPF_CORE_READ(inet, inet_sport)) ||
	       is_selected_port(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* Asked once the owner is known: of an accepted socket that is at its first read or write, or its listener. */
static __always_inline bool selects_owner(const struct owner *o)
{
	const __u64 *comm = (const __u64 *)o->comm;

	if (only_tgid && o->tgid != only_tgid)
		return false;
	return !only_comm_low || ((comm[0] & comm_mask_low) == only_comm_low &&
				  (comm[1] & comm_mask_high) == only_comm_high);
}

static __always_inline bool selected(struct sock *sk, const bool probe)
{
	if (only_ports_low && !has_selected_port(sk))
		return false;
	if (only_netns && netns_of(sk, probe) != only_netns)
		return false;
	return !only_cgroup || below_cgroup(sk);
}

#endif
