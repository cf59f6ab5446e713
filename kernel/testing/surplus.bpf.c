// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Counts the sockets that the kernel made for a connection and threw away, for a test. Nothing of Weir loads this. */
#include "../include/kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set by the test: the network namespace that is looked at. */
__u32 netns;

/* Sockets that went from SYN_RECV to CLOSE there. */
__u64 surplus;

SEC("tp_btf/inet_sock_set_state")
int count_surplus(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];

	if (ctx[1] == TCP_SYN_RECV && ctx[2] == TCP_CLOSE && sk->__sk_common.skc_net.net->ns.inum == netns)
		__sync_fetch_and_add(&surplus, 1);
	return 0;
}
