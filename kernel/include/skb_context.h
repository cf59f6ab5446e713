/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Contexts of packet programs as far as they are read; places as in linux/bpf.h, checked below. */
#ifndef WEIR_SKB_CONTEXT_H
#define WEIR_SKB_CONTEXT_H

#include <linux/types.h>

struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 before_ingress_ifindex[7];
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 before_data[8];
	__u32 data;
	__u32 data_end;
	__u32 before_gso_segs[20];
	__u32 gso_segs;
	__u64 sk;
	__u32 gso_size;
};

_Static_assert(__builtin_offsetof(struct __sk_buff, ingress_ifindex) == 36, "as in linux/bpf.h");
_Static_assert(__builtin_offsetof(struct __sk_buff, ifindex) == 40, "as in linux/bpf.h");
_Static_assert(__builtin_offsetof(struct __sk_buff, data) == 76, "as in linux/bpf.h");
_Static_assert(__builtin_offsetof(struct __sk_buff, gso_segs) == 164, "as in linux/bpf.h");
_Static_assert(__builtin_offsetof(struct __sk_buff, gso_size) == 176, "as in linux/bpf.h");

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
};

#endif
