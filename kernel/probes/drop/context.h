/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a packet is freed: its device, its namespace, its socket. Not in whose process: that is mostly a softirq, and a
 * kernel without all symbols does not say when it is not. The agent finds the process by the socket.
 */
#ifndef WEIR_DROP_CONTEXT_H
#define WEIR_DROP_CONTEXT_H

#include "owner.h" /* HAS_SOCKET_STORAGE */
#include "packet_types.h"
#include "socket_read.h"

/* A queue of the socket keeps something else in place of `dev`: only a device that is confirmed is one. */
static __always_inline struct net_device___drop *device_of(struct sk_buff___drop *skb)
{
	struct net_device___drop *device = skb->dev;
	struct dst_entry___drop *route;
	int index = 0;

	if ((__u64)device < 4096 || bpf_core_read(&index, sizeof(index), &device->ifindex) || index <= 0)
		return 0;
	if (!skb->skb_iif || index == skb->skb_iif)
		return device;
	route = (void *)(skb->_skb_refdst & ~1UL);
	return route && BPF_CORE_READ(route, dev) == device ? device : 0;
}

static __always_inline netns_t netns_of_packet(struct sk_buff___drop *skb,
					       struct net_device___drop *device, struct sock *sk)
{
	struct dst_entry___drop *route;

	if (device)
		return BPF_CORE_READ(device, nd_net.net, ns.inum);
	if (sk)
		return netns_of(sk, true);
	route = (void *)(skb->_skb_refdst & ~1UL);
	return route ? BPF_CORE_READ(route, dev, nd_net.net, ns.inum) : 0;
}

/* One of ours: neither 0 nor of another family. */
static __always_inline bool has_socket(struct sock *sk)
{
	__u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;

	return family == AF_INET || family == AF_INET6;
}

/* TIME_WAIT and a handshake in progress are less than a socket. */
static __always_inline bool is_full(struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

#endif
