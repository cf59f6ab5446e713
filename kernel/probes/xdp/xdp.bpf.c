// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * XDP: every packet that an interface receives, before the kernel makes anything of it. Rules label, limit and drop;
 * readers get packets. Kernels: 5.10 and later (bpf_link of XDP 5.9, ring 5.8, arrays of different sizes 5.10).
 * Why here: nothing drops earlier, and the frame is as the wire had it.
 */
#include <linux/types.h>

typedef _Bool bool;
enum { false = 0, true = 1 };

enum { XDP_DROP = 1, XDP_PASS = 2 };

struct bpf_spin_lock {
	__u32 val;
};

#include <bpf/bpf_helpers.h>
#include "xdp_events.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Referenced nowhere else, and still in BTF: the layout generator reads them. */
enum event_flag *event_flag_layout __attribute__((unused));
enum rule_flag *rule_flag_layout __attribute__((unused));
enum reader_want *want_layout __attribute__((unused));
enum xdp_counter *counter_layout __attribute__((unused));

SEC("xdp")
int weir_xdp(struct xdp_md *xdp)
{
	struct packet_source source = {
		.door = DOOR_XDP,
		.data = (void *)(long)xdp->data,
		.data_end = (void *)(long)xdp->data_end,
		.context = xdp,
		.held = xdp->data_end - xdp->data,
		.length = xdp->data_end - xdp->data,
	};
	struct work *work = work_of_cpu();

	if (!work)
		return XDP_PASS;
	work->counters[COUNTER_SEEN]++;
	__builtin_memset(&work->verdict, 0, sizeof(work->verdict));
	work->verdict.action = XDP_PASS;
	work->verdict.generation = NO_GENERATION;
	work->verdict.rank = NO_RANK;
	work->verdict.shadow_rank = NO_RANK;
	parse_packet(&source, LINK_ETHERNET, &work->packet);
	if (work->packet.family)
		decide(work);
	else
		work->counters[COUNTER_NOT_IP]++;
	report(xdp, &work->packet, &work->verdict);
	work->counters[work->verdict.action == XDP_DROP ? COUNTER_DROPPED : COUNTER_PASSED]++;
	return work->verdict.action == XDP_DROP ? XDP_DROP : XDP_PASS;
}
