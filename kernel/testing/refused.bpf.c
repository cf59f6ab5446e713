// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that every kernel refuses, for a reason that stands behind a long account of it. Nothing of Weir loads this. */
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("socket")
int refused(void *context)
{
	asm volatile(".rept 10000; r0 = 1; .endr; r0 = r9" ::: "r0");
	return 0;
}
