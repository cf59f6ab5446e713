/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a packet is freed: its device, its namespace, its socket. Not in whose process: that is mostly a softirq, and a
 * kernel without all symbols does not say when it is not. The agent finds the process by the socket.
 */
#ifndef WEIR_DROP_CONTEXT_H
#define WEIR_DROP_CONTEXT_H

#include "owner.h" /* HAS_SOCKET_STORAGE */
#include "packet_read.h"
#include "packet_types.h"
#include "socket_read.h"

/* Where they begin with page tables of five levels (x86) or less; what stands in place of a device is far below. */
#define KERNEL_ADDRESSES 0xff00000000000000ULL

/*
 * A queue of the socket keeps something else in place of `dev`: only a device that is confirmed is one. Plain loads: they
 * are several times cheaper than bpf_probe_read_kernel, and one that faults gives 0.
 */
static __always_inline struct net_device___drop *device_of(struct sk_buff___drop *skb)
{
	struct net_device___drop *device = skb->dev;
	struct dst_entry___drop *route;
	int index;

	if ((__u64)device < KERNEL_ADDRESSES)
		return 0;
	index = device->ifindex;
	if (index <= 0)
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
		return device->nd_net.net->ns.inum;
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

/* From this end of the socket to the other, or back. False if it is no TCP socket of ours. */
static __always_inline bool tuple_of(struct drop_key *key, struct sock *sk, bool outward)
{
	struct inet_sock *inet = (void *)sk;
	__u16 local, remote;

	if (!has_socket(sk))
		return false;
	key->protocol = IPPROTO_TCP;
	key->netns = netns_of(sk, true);
	local = is_full(sk) ? bpf_ntohs(BPF_CORE_READ(inet, inet_sport)) :
			      BPF_CORE_READ((struct sock___port *)sk, __sk_common.skc_num);
	remote = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	put_local(outward ? key->source : key->destination, sk, true);
	put_remote(outward ? key->destination : key->source, sk, true);
	key->source_port = outward ? local : remote;
	key->destination_port = outward ? remote : local;
	return true;
}

static __always_inline __u32 ip_bytes(const struct drop_key *key)
{
	return is_v4(key->source) ? 20 : 40;
}

/* Of a segment that this socket sends: IP and TCP. */
static __always_inline __u32 header_bytes(const struct drop_key *key, struct sock *sk)
{
	return ip_bytes(key) + BPF_CORE_READ((struct tcp_sock___drop *)sk, tcp_header_len);
}

#endif
