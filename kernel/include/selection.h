/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which sockets a probe looks at. The loader sets the variables. */
#ifndef WEIR_SELECTION_H
#define WEIR_SELECTION_H

#include "socket_read.h"

#define CGROUP_DEPTH_MAX 24

const volatile netns_t only_netns;
const volatile cgroup_id_t only_cgroup; /* with all below it */

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

static __always_inline bool selected(struct sock *sk, const bool probe)
{
	if (only_netns && netns_of(sk, probe) != only_netns)
		return false;
	return !only_cgroup || below_cgroup(sk);
}

#endif
