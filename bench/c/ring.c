/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C consumer that Weir's own is measured against: drains the ring of the map with that id through
 * libbpf, once for each line it reads, and prints how many records in how many nanoseconds.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The sized types come from linux/types.h here; kernel_types.h would declare the kernel's a second time. */
#define WEIR_KERNEL_TYPES_H
#include "../../kernel/probes/socket/socket_record.h"

static __u64 sum;

static int take(void *context, void *data, size_t size)
{
	const struct socket_record *record = data;

	(void)context;
	(void)size;
	sum += record->sent_bytes + record->received_bytes + record->tgid;
	return 0;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? bpf_map_get_fd_by_id(atoi(argv[1])) : -1;
	struct ring_buffer *ring = fd < 0 ? NULL : ring_buffer__new(fd, take, NULL, NULL);
	char line[16];

	if (!ring)
		return perror("ring"), 1;
	while (fgets(line, sizeof(line), stdin)) {
		double begun = now_ns();
		int records = ring_buffer__consume(ring);

		printf("{\"records\":%d,\"ns\":%.0f,\"sum\":%llu}\n", records, now_ns() - begun, sum);
		fflush(stdout);
	}
	return 0;
}
