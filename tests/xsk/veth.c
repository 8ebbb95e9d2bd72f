/* SPDX-License-Identifier: BSD-3-Clause */
/* Veth: a pair in a namespace of the process's own, whose far end sends and looks at what comes. */
#include "veth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* IEEE 802's local experimental EtherType 2. */
#define TYPE 0x88b6
#define HEADER 18

bool veth_enter(void)
{
	return !unshare(CLONE_NEWNET);
}

void command(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!system(text))
		return;
	fprintf(stderr, "failed: %s\n", text);
	abort();
}

void veth_make(unsigned mtu, unsigned queues)
{
	command("ip link add dev " NEAR
		" numrxqueues %u numtxqueues %u mtu %u type veth peer name " FAR
		" numrxqueues %u numtxqueues %u mtu %u",
		queues, queues, mtu, queues, queues, mtu);
	/* Nobody speaks unasked. */
	for (unsigned i = 0; i < 2; i++)
		command("sysctl -qw net.ipv6.conf.%s.disable_ipv6=1", i ? FAR : NEAR);
	command("ip link set dev " NEAR " up");
	command("ip link set dev " FAR " up");
}

void veth_remove(void)
{
	command("ip link del dev " NEAR);
}

int far_open(void)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE) };
	/* Bound is what gives it a protocol: before that it would hear every interface. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int bytes = 8 << 20;

	address.sll_ifindex = (int)if_nametoindex(FAR);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	perror("a socket on " FAR);
	abort();
}

void frame_make(uint8_t *frame, size_t bytes, uint32_t number)
{
	static const uint8_t header[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, TYPE >> 8, TYPE & 255
	};

	memcpy(frame, header, sizeof(header));
	memcpy(frame + sizeof(header), &number, sizeof(number));
	for (size_t i = HEADER; i < bytes; i++)
		frame[i] = (uint8_t)(number * 7 + i * 13 + (i >> 8));
}

bool frame_is_one(const uint8_t *frame, size_t bytes)
{
	return bytes >= HEADER && frame[12] == TYPE >> 8 && frame[13] == (TYPE & 255);
}

bool frame_is_right(const uint8_t *frame, size_t bytes, uint32_t *number)
{
	uint8_t want[FRAME_MOST];

	memcpy(number, frame + HEADER - sizeof(*number), sizeof(*number));
	frame_make(want, bytes, *number);
	return !memcmp(frame, want, bytes);
}

void far_send(int fd, size_t bytes, uint32_t number)
{
	uint8_t frame[FRAME_MOST];

	frame_make(frame, bytes, number);
	/* No room is no failure: a frame is lost, as on any wire. */
	if (send(fd, frame, bytes, 0) != (ssize_t)bytes && errno != ENOBUFS && errno != EAGAIN) {
		perror("send");
		abort();
	}
}

int far_receive(int fd, uint32_t *number, size_t *bytes)
{
	uint8_t frame[FRAME_MOST];
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	ssize_t n;

	do {
		n = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length);
		if (n < 0)
			return 0;
	} while (from.sll_pkttype == PACKET_OUTGOING || !frame_is_one(frame, (size_t)n));
	*bytes = (size_t)n;
	return frame_is_right(frame, (size_t)n, number) ? 1 : -1;
}
