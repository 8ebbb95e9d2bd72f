/* SPDX-License-Identifier: BSD-3-Clause */
/* Far: a veth pair and sockets on the kernel's side. */
#include "dpdk_far.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

/* An Ethertype for local experiments. */
#define OURS 0x88b5
#define NUMBER_AT 14
#define WHOSE_AT 18
#define PADDING_AT 22

char far_near_name[IFNAMSIZ], far_name[IFNAMSIZ];
uint32_t far_whose;

static int run(const char *format, const char *a, const char *b)
{
	char command[160];

	snprintf(command, sizeof(command), format, a, b);
	return system(command);
}

static void veth_remove(void)
{
	run("ip link del dev %s 2>/dev/null%s", far_near_name, "");
}

void far_veth_create(void)
{
	far_whose = (uint32_t)getpid();
	snprintf(far_near_name, IFNAMSIZ, "ppn%d", getpid());
	snprintf(far_name, IFNAMSIZ, "ppf%d", getpid());
	if (geteuid() || run("ip link add %s type veth peer name %s", far_near_name, far_name)) {
		printf("skipped: no right to make a veth pair here\n");
		exit(77);
	}
	atexit(veth_remove);
	if (run("ip link set dev %s up && ip link set dev %s up", far_near_name, far_name))
		exit(3);
}

int far_open(const char *interface)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(OURS),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int room = 64 << 20, on = 1;
	/* Without a protocol it hears nothing until it is bound: other interfaces have our frames too. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void far_write(char *data, uint32_t number)
{
	memset(data, 0xff, 12);
	data[12] = (char)(OURS >> 8);
	data[13] = (char)(OURS & 0xff);
	memcpy(data + NUMBER_AT, &number, sizeof(number));
	memcpy(data + WHOSE_AT, &far_whose, sizeof(far_whose));
	memset(data + PADDING_AT, (int)number & 0x7f, FAR_FRAME - PADDING_AT);
}

uint32_t far_send(int fd, uint32_t first, uint32_t end)
{
	char frame[FAR_FRAME];
	uint32_t n = first;

	for (; n < end; n++) {
		far_write(frame, n);
		if (send(fd, frame, sizeof(frame), 0) != sizeof(frame))
			break;
	}
	return n - first;
}

uint32_t far_receive(int fd, uint8_t *seen, uint32_t end)
{
	char frame[2 * FAR_FRAME], right[FAR_FRAME];
	uint32_t n = 0, number;

	while (recv(fd, frame, sizeof(frame), 0) >= FAR_FRAME) {
		memcpy(&number, frame + NUMBER_AT, sizeof(number));
		if (memcmp(frame + WHOSE_AT, &far_whose, sizeof(far_whose)) != 0 || number >= end ||
		    seen[number])
			continue;
		far_write(right, number);
		assert_memory_equal(frame, right, FAR_FRAME);
		seen[number] = 1;
		n++;
	}
	return n;
}
