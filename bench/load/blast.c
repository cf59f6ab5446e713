/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends frames as fast as one process can: `blast INTERFACE MAC COUNT SOURCES` sends COUNT UDP datagrams of 60 octets past
 * the queueing discipline, from 10.200.0.0 + one of SOURCES. One line of JSON says how many the interface took, and in how many seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 60, BATCH = 64 };

static void die(const char *what)
{
	fprintf(stderr, "blast: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fill(unsigned char *frame, const unsigned char *mac)
{
	static const unsigned char rest[] = { 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 };

	memset(frame, 0, FRAME);
	memcpy(frame, mac, 6);
	memcpy(frame + 6, rest, sizeof(rest));
	frame[26] = 10;
	frame[27] = 200;
	memcpy(frame + 30, (unsigned char[]){ 10, 77, 0, 2, 0x9c, 0x40, 0x27, 0x0f, 0, 26 }, 10);
}

int main(int argc, char **argv)
{
	static unsigned char frames[BATCH][FRAME], mac[6];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	long count, sources, sent = 0, yes = 1;
	double begun;
	int fd;

	if (argc != 5 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
		die("usage");
	count = atol(argv[3]);
	sources = atol(argv[4]);
	to.sll_ifindex = if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(argv[1]);
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &(int){ yes }, sizeof(int)) < 0)
		die("qdisc bypass");
	for (int i = 0; i < BATCH; i++) {
		fill(frames[i], mac);
		parts[i] = (struct iovec){ frames[i], FRAME };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	begun = now();
	while (sent < count) {
		long left = count - sent, batch = left < BATCH ? left : BATCH;
		int taken;

		for (long i = 0; i < batch; i++) {
			long source = (sent + i) % sources;

			frames[i][28] = source >> 8;
			frames[i][29] = source;
		}
		taken = sendmmsg(fd, messages, batch, 0);
		if (taken < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("sendmmsg");
		if (taken > 0)
			sent += taken;
	}
	printf("{\"frames\":%ld,\"seconds\":%.6f}\n", sent, now() - begun);
	return 0;
}
