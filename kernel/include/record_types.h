/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the members of a record mean. Typedefs keep it in BTF, where the layout generator finds it. */
#ifndef WEIR_RECORD_TYPES_H
#define WEIR_RECORD_TYPES_H

#include "kernel_types.h"

typedef __u64 boot_ns_t;    /* nanoseconds of CLOCK_BOOTTIME, suspend included */
typedef __u64 cookie_t;     /* socket cookie; on kernels without it in tracing: the socket's address */
typedef __u64 cgroup_id_t;  /* inode of the cgroup2 folder */
typedef __u32 netns_t;      /* inode of the network namespace */
typedef __u8 address_t[16]; /* network order; v4 as ::ffff:a.b.c.d */

#endif
