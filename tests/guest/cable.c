/* SPDX-License-Identifier: BSD-3-Clause */
/* Cable: two ports joined back to back, frames sent over it from any memory, and the IOMMU's faults. */
#include "cable.h"

#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#define ETHERTYPE 0x88b5
#define PATIENCE_MS 60000
#define BURST 32

_Atomic int failures;

static void give_up(const char *what)
{
	printf("cable: %s\n", what);
	exit(3);
}

static int port_start(uint16_t port, struct rte_mempool *receive)
{
	struct rte_eth_conf conf = { 0 };
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	rc = rc ? rc : rte_eth_rx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL, receive);
	rc = rc ? rc : rte_eth_tx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL);
	rc = rc ? rc : rte_eth_dev_start(port);
	return rc ? rc : rte_eth_promiscuous_enable(port);
}

static void link_wait(uint16_t port)
{
	struct rte_eth_link link = { 0 };

	for (int i = 0; i < PATIENCE_MS / 10 && !link.link_status; i++) {
		rte_eth_link_get_nowait(port, &link);
		usleep(10000);
	}
	if (!link.link_status)
		give_up("no link");
}

void cable_open(struct cable *cable, uint16_t first, struct rte_mempool *receive)
{
	struct rte_eth_dev_info info;
	char name[16];

	snprintf(name, sizeof(name), "heads%u", first);
	cable->heads = rte_pktmbuf_pool_create(name, 127, 0, 0, 0, SOCKET_ID_ANY);
	if (!cable->heads)
		give_up("no ordinary mbufs");
	for (int end = 0; end < 2; end++) {
		cable->port[end] = (uint16_t)(first + end);
		if (port_start(cable->port[end], receive) ||
		    rte_eth_dev_info_get(cable->port[end], &info))
			give_up("a port does not start");
		cable->device[end] = info.device;
	}
	link_wait(cable->port[0]);
	link_wait(cable->port[1]);
}

void cable_close(struct cable *cable)
{
	for (int end = 0; end < 2; end++) {
		rte_eth_dev_stop(cable->port[end]);
		rte_eth_dev_close(cable->port[end]);
	}
	rte_mempool_free(cable->heads);
}

void frame_write(void *data, uint32_t number)
{
	uint8_t *byte = data;

	memset(byte, 0xff, 12);
	byte[12] = ETHERTYPE >> 8;
	byte[13] = ETHERTYPE & 0xff;
	memcpy(byte + 14, &number, sizeof(number));
	for (uint32_t i = 18; i < FRAME_BYTES; i++)
		byte[i] = (uint8_t)(number * 31 + i);
}

bool frame_is(const void *data, uint32_t bytes, uint32_t number)
{
	uint8_t want[FRAME_BYTES];

	frame_write(want, number);
	return bytes >= FRAME_BYTES && !memcmp(data, want, FRAME_BYTES);
}

/* The kernel may have spoken on the wire before the port was ours. */
static void cable_drain(struct cable *cable)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t n;

	while ((n = rte_eth_rx_burst(cable->port[1], 0, mbufs, BURST)))
		rte_pktmbuf_free_bulk(mbufs, n);
}

static void external_free(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
}

bool cable_send(struct cable *cable, void *from, rte_iova_t iova, bool write)
{
	static struct rte_mbuf_ext_shared_info shared;
	static uint32_t number = 1;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(cable->heads), *got[BURST];
	bool intact = false;
	uint16_t n = 0;

	if (!mbuf)
		give_up("ordinary mbufs have run out");
	cable_drain(cable);
	number++;
	if (write)
		frame_write(from, number);
	rte_mbuf_ext_refcnt_set(&shared, 1);
	shared.free_cb = external_free;
	rte_pktmbuf_attach_extbuf(mbuf, from, iova, FRAME_BYTES, &shared);
	mbuf->data_off = 0;
	mbuf->data_len = FRAME_BYTES;
	mbuf->pkt_len = FRAME_BYTES;
	while (!rte_eth_tx_burst(cable->port[0], 0, &mbuf, 1))
		usleep(100);
	/* A NIC that could not read sends a frame all the same, or stops for good. */
	for (int i = 0; i < (write ? PATIENCE_MS : 1000) && !n; i++) {
		n = rte_eth_rx_burst(cable->port[1], 0, got, BURST);
		for (uint16_t k = 0; k < n; k++)
			intact |=
				frame_is(rte_pktmbuf_mtod(got[k], void *), got[k]->pkt_len, number);
		rte_pktmbuf_free_bulk(got, n);
		usleep(n ? 0 : 1000);
	}
	return intact;
}

unsigned faults(void)
{
	static char text[1 << 20];
	unsigned n = 0;
	int bytes;

	/* The interrupt that tells of one comes a little after it. */
	usleep(50000);
	bytes = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof(text) - 1);
	if (bytes < 0)
		give_up("the kernel's log cannot be read");
	text[bytes] = '\0';
	for (const char *at = text; (at = strstr(at, "fault addr")); at++)
		n++;
	return n;
}

bool cable_faults(struct cable *cable, void *from, rte_iova_t iova)
{
	unsigned before = faults();
	time_t end = time(NULL) + PATIENCE_MS / 1000;

	/* It tells of so many in so many seconds only. */
	do {
		if (cable_send(cable, from, iova, false))
			return false;
		if (faults() > before)
			return true;
	} while (time(NULL) < end);
	return false;
}
