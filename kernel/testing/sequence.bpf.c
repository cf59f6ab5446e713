// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The arithmetic of sequence numbers, on numbers of a test's own. Nothing of Weir loads this. */
#include "../probes/socket/sequence.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before a run; `struct numbers` says what they are. */
__u64 acked;
__u32 snd_nxt, write_seq, sent_base;
__u8 fin_queued, role;

/* Set by a run. */
__u64 sent;

SEC("socket")
int payload(void *ctx)
{
	struct numbers n = {
		.acked = acked,
		.snd_nxt = snd_nxt,
		.write_seq = write_seq,
		.fin_queued = fin_queued,
	};

	sent = payload_sent(&n, sent_base, role);
	return 0;
}
