/* SPDX-License-Identifier: BSD-3-Clause */
/* Flood: sends numbered UDP datagrams as fast as it can, or counts those that come. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define BYTES 64
#define MAGIC 0x706b74706f6f6cULL
/* A receiver gives up when nothing came for that long after the first, or before it. */
#define QUIET_MS 700
#define PATIENCE_MS 15000

struct datagram {
	uint64_t magic;
	uint64_t number;
	uint64_t fill[BYTES / 8 - 2]; /* each is number times its place: damage shows */
};

static double clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void datagram_write(struct datagram *d, uint64_t number)
{
	d->magic = MAGIC;
	d->number = number;
	for (unsigned i = 0; i < BYTES / 8 - 2; i++)
		d->fill[i] = number * (i + 1);
}

static bool datagram_right(const struct datagram *d, size_t bytes)
{
	struct datagram want;

	datagram_write(&want, d->number);
	return bytes == sizeof(want) && memcmp(d, &want, sizeof(want)) == 0;
}

static int socket_open(const char *address, const char *port, bool receive)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int room = 32 << 20;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -1;
	/* Root's way past net.core.rmem_max: what overflows here is no loss of the forwarder's. */
	if (receive && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		return -1;
	if (receive ? bind(fd, (struct sockaddr *)&to, sizeof(to))
		    : connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -1;
	return fd;
}

static void batch_prepare(struct mmsghdr *messages, struct iovec *parts, struct datagram *data)
{
	memset(messages, 0, BATCH * sizeof(*messages));
	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ &data[i], sizeof(data[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Waits until it is time for as many as were sent. */
static void pace(double start, uint64_t sent, double rate)
{
	double early = start + (double)sent / rate - clock_read();
	struct timespec nap = { .tv_sec = (time_t)early };

	if (early <= 0)
		return;
	nap.tv_nsec = (long)((early - (double)nap.tv_sec) * 1e9);
	nanosleep(&nap, NULL);
}

/* Until so many were sent or so much time has passed, whatever comes first; at
 * no more than `rate` a second, if that is not 0. */
static int flood_send(int fd, uint64_t most, double seconds, double rate)
{
	static struct datagram data[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	double start = clock_read();
	uint64_t sent = 0, refused = 0;

	batch_prepare(messages, parts, data);
	while (sent < most && clock_read() - start < seconds) {
		unsigned n = most - sent < BATCH ? (unsigned)(most - sent) : BATCH;
		int done;

		if (rate > 0)
			pace(start, sent, rate);
		for (unsigned i = 0; i < n; i++)
			datagram_write(&data[i], sent + i);
		done = sendmmsg(fd, messages, n, 0);
		if (done > 0) {
			sent += (unsigned)done;
		} else if (++refused > 1000) {
			/* A full queue or a port unreachable is said of one datagram. */
			perror("udp-flood: sendmmsg");
			return 1;
		}
	}
	printf("{\"sent\":%" PRIu64 ",\"seconds\":%.3f}\n", sent, clock_read() - start);
	return 0;
}

static int flood_receive(int fd)
{
	static struct datagram data[BATCH];
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	uint64_t received = 0, damaged = 0, reordered = 0, next = 0;
	double first = 0, last = 0;

	batch_prepare(messages, parts, data);
	while (poll(&wait, 1, received == 0 ? PATIENCE_MS : QUIET_MS) > 0) {
		int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);

		if (n <= 0)
			continue;
		last = clock_read();
		if (received == 0)
			first = last;
		received += (unsigned)n;
		for (int i = 0; i < n; i++) {
			damaged += !datagram_right(&data[i], messages[i].msg_len);
			reordered += data[i].number < next;
			next = data[i].number + 1;
		}
	}
	printf("{\"received\":%" PRIu64 ",\"damaged\":%" PRIu64 ",\"reordered\":%" PRIu64
	       ",\"seconds\":%.3f}\n",
	       received, damaged, reordered, last - first);
	return 0;
}

int main(int argc, char **argv)
{
	bool receive = argc == 4 && strcmp(argv[1], "receive") == 0;
	int fd;

	if (!receive && ((argc != 6 && argc != 7) || strcmp(argv[1], "send") != 0)) {
		fprintf(stderr,
			"usage: udp-flood receive ADDRESS PORT\n"
			"       udp-flood send ADDRESS PORT DATAGRAMS SECONDS [A_SECOND]\n");
		return 2;
	}
	fd = socket_open(argv[2], argv[3], receive);
	if (fd < 0) {
		fprintf(stderr, "udp-flood: %s port %s: %s\n", argv[2], argv[3], strerror(errno));
		return 3;
	}
	return receive ? flood_receive(fd)
		       : flood_send(fd, strtoull(argv[4], NULL, 0), strtod(argv[5], NULL),
				    argc == 7 ? strtod(argv[6], NULL) : 0);
}
