/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The kernel's structures as far as the drop probe reads them; see kernel_types.h. Names after ___ are ours. */
#ifndef WEIR_DROP_PACKET_TYPES_H
#define WEIR_DROP_PACKET_TYPES_H

#include "kernel_types.h"

enum { BPF_MAP_TYPE_HASH = 1 };

#define AF_INET6 10
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define IPPROTO_UDP 17
#define NO_REASON 0xffffffffU

/* Values that the loader replaces by the running kernel's. */
enum sk_rst_reason___weir { SK_RST_REASON_NOT_SPECIFIED___weir = 0 };
enum skb_drop_reason___weir { SKB_NOT_DROPPED_YET___weir = 0, SKB_CONSUMED___weir = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net_device___drop {
	char name[16];
	int ifindex;
	possible_net_t nd_net;
};

struct dst_entry___drop {
	struct net_device___drop *dev;
};

struct sk_buff___drop {
	struct net_device___drop *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned int len;
	int skb_iif;
	__be16 protocol;
	__u16 network_header;
	unsigned int tail; /* from head; 64-bit kernels have no pointer here */
	unsigned char *head;
	unsigned char *data;
	char cb[48];
};

struct tcp_skb_cb {
	__u16 tcp_gso_segs;
	__u8 tcp_flags; /* since 6.15 a __u16 with these bits low */
};

/* How many arguments a tracepoint has is not in CO-RE's reach; its event has a member for each. */
struct trace_event_raw_kfree_skb {
	enum skb_drop_reason___weir reason;
	void *rx_sk;
};

struct trace_event_raw_tcp_send_reset {
	enum sk_rst_reason___weir reason;
};

struct sock_common___port {
	__u16 skc_num;
};

struct sock___port {
	struct sock_common___port __sk_common;
};

struct tcp_sock___drop {
	__u16 tcp_header_len;
	__u32 mss_cache;
};

#pragma clang attribute pop

#endif
