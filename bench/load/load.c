/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a great many connections and says exactly how many: `load server ADDRESS PORT` answers on one port,
 * `load client ADDRESS FIRST_PORT PORTS LIVE RATE SECONDS` keeps LIVE sockets open, sends on a tenth of them
 * each second, and beside that opens RATE short connections a second. One line of JSON at the end.
 *
 * `load crr ADDRESS FIRST_PORT PORTS SECONDS` connects, asks and closes as fast as it can.
 *
 * One request is 64 octets, one answer 256; a client closes first. The client's calls block: its own
 * arithmetic is then the truth, with nothing under way when it prints.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 64, ANSWER = 256, EVENTS = 256 };

static char octets[ANSWER];
static volatile sig_atomic_t stopping;

static void stop(int sig)
{
	(void)sig;
	stopping = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *text, int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, text, &at.sin_addr) != 1)
		die(text);
	return at;
}

/* Whole requests only ever come in one piece of 64 octets here, but a stream may split them: count. */
static void serve(const char *address, int port)
{
	static uint8_t have[1 << 20];
	struct sockaddr_in at = address_of(address, port);
	struct epoll_event events[EVENTS], want = { .events = EPOLLIN };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, poller = epoll_create1(0);
	uint64_t accepted = 0, requests = 0;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (void *)&at, sizeof(at)) || listen(listener, 4096))
		die("listen");
	want.data.fd = listener;
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &want);
	printf("{\"ready\":%d}\n", port);
	fflush(stdout);
	while (!stopping) {
		int count = epoll_wait(poller, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				while ((fd = accept(listener, NULL, NULL)) >= 0) {
					have[fd] = 0;
					accepted++;
					want.data.fd = fd;
					epoll_ctl(poller, EPOLL_CTL_ADD, fd, &want);
				}
				continue;
			}
			ssize_t got = recv(fd, octets, REQUEST - have[fd], 0);
			if (got <= 0) {
				close(fd);
				continue;
			}
			have[fd] += got;
			if (have[fd] < REQUEST)
				continue;
			have[fd] = 0;
			requests++;
			if (send(fd, octets, ANSWER, MSG_NOSIGNAL) != ANSWER)
				die("answering");
		}
	}
	printf("{\"accepted\":%lu,\"requests\":%lu}\n", accepted, requests);
}

static int dial(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (const void *)at, sizeof(*at)))
		die("connect");
	return fd;
}

static void ask(int fd)
{
	size_t got = 0;
	if (send(fd, octets, REQUEST, MSG_NOSIGNAL) != REQUEST)
		die("asking");
	while (got < ANSWER) {
		ssize_t part = recv(fd, octets, ANSWER - got, 0);
		if (part <= 0)
			die("reading the answer");
		got += part;
	}
}

struct load {
	struct sockaddr_in first;
	int ports, live, rate, *fds;
	double seconds;
	uint64_t opened, asked;
};

static struct sockaddr_in next_target(const struct load *load, uint64_t turn)
{
	struct sockaddr_in at = load->first;
	at.sin_port = htons(ntohs(at.sin_port) + turn % load->ports);
	return at;
}

/* Everything that is due by the clock, in order; late work is made up for, never left out. */
static void run(struct load *load)
{
	double begun = now(), slowest = 0;
	uint64_t shorts = 0, touches = 0, shorts_all = load->rate * load->seconds;
	uint64_t touches_all = load->live / 10 * load->seconds;

	while (!stopping && (shorts < shorts_all || touches < touches_all)) {
		double since = now() - begun;
		if (shorts < shorts_all && shorts < since * load->rate) {
			struct sockaddr_in at = next_target(load, shorts++);
			int fd = dial(&at);
			ask(fd);
			close(fd);
			load->opened++;
			load->asked++;
		} else if (touches < touches_all && touches < since * load->live / 10) {
			ask(load->fds[touches++ % load->live]);
			load->asked++;
		} else {
			poll(NULL, 0, 1);
		}
		slowest = since;
	}
	fprintf(stderr, "load: %.1f s for %.1f s of work\n", slowest, load->seconds);
}

/* The live sockets stay open until the reader of our truth closes our input. */
static void ask_all(char **argv)
{
	struct load load = { .first = address_of(argv[0], atoi(argv[1])), .ports = atoi(argv[2]),
			     .live = atoi(argv[3]), .rate = atoi(argv[4]), .seconds = atof(argv[5]) };
	char end;

	load.fds = calloc(load.live + 1, sizeof(int));
	for (int i = 0; i < load.live; i++) {
		struct sockaddr_in at = next_target(&load, i);
		load.fds[i] = dial(&at);
		load.opened++;
	}
	printf("{\"ready\":%d}\n", load.live);
	fflush(stdout);
	if (read(0, &end, 1) != 1)
		return;
	run(&load);
	printf("{\"opened\":%lu,\"asked\":%lu,\"bytes\":%lu,\"reverse_bytes\":%lu,\"live\":%d}\n", load.opened,
	       load.asked, load.asked * REQUEST, load.asked * ANSWER, load.live);
	fflush(stdout);
	(void)!read(0, &end, 1);
}

static void race(char **argv)
{
	struct load load = { .first = address_of(argv[0], atoi(argv[1])), .ports = atoi(argv[2]) };
	double begun = now(), until = begun + atof(argv[3]);

	while (now() < until) {
		struct sockaddr_in at = next_target(&load, load.opened++);
		int fd = dial(&at);
		ask(fd);
		close(fd);
	}
	printf("{\"opened\":%lu,\"seconds\":%.6f}\n", load.opened, now() - begun);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 1 << 20, 1 << 20 };

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (setrlimit(RLIMIT_NOFILE, &files)) {
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
	if (argc == 4 && !strcmp(argv[1], "server"))
		serve(argv[2], atoi(argv[3]));
	else if (argc == 8 && !strcmp(argv[1], "client"))
		ask_all(argv + 2);
	else if (argc == 6 && !strcmp(argv[1], "crr"))
		race(argv + 2);
	else
		return fputs("usage: load server ADDRESS PORT | client ADDRESS PORT PORTS LIVE RATE SECONDS\n"
			     "       load crr ADDRESS PORT PORTS SECONDS\n", stderr), 2;
	return 0;
}
