/* SPDX-License-Identifier: BSD-3-Clause */
/* Three: one pool mapped for a NIC behind VFIO, for RDMA and for AF_XDP at the same time. */
#include "cable.h"
#include "rdma.h"

#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pp_dma_dpdk.h"
#include "pp_dma_xsk.h"

#define BUFFER 2048
#define PAGE_BUFFERS ((2u << 20) / BUFFER)
#define PATIENCE_US 1000000
#define SENT 40
#define ROUNDS 10

static struct three {
	struct pp_pool *pool;
	struct pp_cache *cache;
	const struct pp_region *region;
	struct cable cable;
	struct end from, to;
	struct pp_xsk_umem *umem;
	struct pp_xsk_port *ports[2];
	struct pp_xsk_queue *queues[2];
	int nic, xsk;
} t;

static uint32_t serial = 1000;

static struct pp_device_info info_of(int device)
{
	struct pp_device_info info = { 0 };

	CHECK(!pp_pool_device(t.pool, (unsigned)device, &info), "device %d: %s", device,
	      pp_error());
	return info;
}

static struct pp_dma_verbs_stats regions(const struct end *end)
{
	struct pp_dma_verbs_stats stats;

	pp_dma_verbs_stats(end->verbs, &stats);
	return stats;
}

static uint32_t pages_of(void)
{
	struct pp_stats stats;

	pp_pool_stats(t.pool, &stats);
	return stats.pages;
}

/* Each device has every hugepage, and no other. */
static void all_have(uint32_t pages)
{
	const int devices[] = { t.nic, t.from.device, t.to.device, t.xsk };

	CHECK(pages_of() == pages, "%u hugepages", pages_of());
	for (unsigned i = 0; i < 4; i++)
		CHECK(info_of(devices[i]).mapped == pages, "%s has %u of %u",
		      info_of(devices[i]).name, info_of(devices[i]).mapped, pages);
	CHECK(regions(&t.from).mapped == pages, "%lu", regions(&t.from).mapped);
	CHECK(regions_of(&t.from) == pages, "%u", regions_of(&t.from));
}

static int device_named(const char *name)
{
	struct pp_device_info info;

	for (unsigned d = 0; d < 8; d++)
		if (!pp_pool_device(t.pool, d, &info) && !strcmp(info.name, name))
			return (int)d;
	return -1;
}

static bool by_nic(void *buffer)
{
	rte_iova_t iova = pp_buffer_iova(t.region, (unsigned)t.nic, buffer);

	return cable_send(&t.cable, buffer, iova, true);
}

static bool by_rdma(void *buffer)
{
	void *in = pp_alloc(t.cache, 0);
	bool intact;

	frame_write(buffer, ++serial);
	end_receive(&t.to, in, BUFFER);
	end_send(&t.from, &t.to, buffer, FRAME_BYTES, 0);
	intact = end_wait(t.from.send_cq).status == IBV_WC_SUCCESS;
	intact &= end_wait(t.to.receive_cq).status == IBV_WC_SUCCESS;
	intact &= frame_is(in, FRAME_BYTES, serial);
	pp_free(t.cache, in);
	return intact;
}

/* What is sent goes back to the pool by itself. */
static bool by_xsk(void *buffer)
{
	struct pp_xsk_queue *tx = t.queues[0], *rx = t.queues[1];
	bool intact = false;
	struct xdp_desc *desc;
	uint32_t at;

	frame_write(buffer, ++serial);
	if (!xsk_ring_prod__reserve(&tx->tx, 1, &at))
		return false;
	desc = xsk_ring_prod__tx_desc(&tx->tx, at);
	desc->addr = pp_xsk_data(tx, pp_xsk_give(tx, buffer), 0);
	desc->len = FRAME_BYTES;
	desc->options = 0;
	pp_xsk_submit(tx, 1);
	pp_xsk_wake_tx(tx, 1);
	/* The interfaces may have something of their own to say, too. */
	for (int i = 0; i < 60000 && !intact; i++) {
		while (xsk_ring_cons__peek(&rx->rx, 1, &at)) {
			const struct xdp_desc *got = xsk_ring_cons__rx_desc(&rx->rx, at);
			char *in = pp_xsk_take(rx, got->addr);

			intact |= frame_is(in + pp_xsk_umem_data(t.umem), got->len, serial);
			xsk_ring_cons__release(&rx->rx, 1);
			rx->level--;
			pp_free(t.cache, in);
		}
		pp_xsk_refill(rx);
		pp_xsk_wake_rx(rx);
		usleep(intact ? 0 : 1000);
	}
	while (tx->sending) {
		pp_xsk_reclaim(tx);
		usleep(100);
	}
	return intact;
}

static void queues_open(void)
{
	struct pp_xsk_queue_params params = { .sz = sizeof(params), .rx = 64, .tx = 64 };
	const char *names[] = { "xa", "xb" };

	for (int i = 0; i < 2; i++) {
		CHECK(!pp_xsk_port_open(names[i], &t.ports[i]), "%s: %s", names[i], pp_error());
		if (pp_xsk_queue_create(t.umem, t.ports[i], &params, &t.queues[i])) {
			printf("%s: %s\n", names[i], pp_error());
			exit(1);
		}
	}
}

static void queues_close(void)
{
	for (int i = 0; i < 2; i++) {
		pp_xsk_queue_destroy(t.queues[i]);
		pp_xsk_port_close(t.ports[i]);
	}
}

static void the_same_buffers_go_through_all_three(void)
{
	void *buffers[SENT];

	CHECK(pp_alloc_bulk(t.cache, buffers, SENT, 0) == SENT, "no buffers");
	for (int i = 0; i < SENT; i++) {
		CHECK(by_nic(buffers[i]), "buffer %d by the NIC", i);
		CHECK(by_rdma(buffers[i]), "buffer %d by RDMA", i);
		CHECK(by_xsk(buffers[i]), "buffer %d by AF_XDP", i);
	}
	printf("%d buffers, each through VFIO, RDMA and AF_XDP\n", SENT);
}

/* Takes and frees, and looks at each: never one that a device has not got yet. */
static struct watch {
	uint64_t seen, on_new, unmapped;
	bool stop;
} watch;

static void *watch_run(void *arg)
{
	const unsigned devices[] = { (unsigned)t.nic, (unsigned)t.from.device,
				     (unsigned)t.to.device, (unsigned)t.xsk };
	struct pp_cache *cache = pp_pool_cache(t.pool);
	void *buffers[512];
	struct pp_extent extent;

	(void)arg;
	pp_region_extent(t.region, &extent);
	while (!__atomic_load_n(&watch.stop, __ATOMIC_ACQUIRE)) {
		unsigned n = pp_alloc_burst(cache, buffers, 512, 0);

		for (unsigned i = 0; i < n; i++) {
			for (unsigned k = 0; k < 4; k++)
				watch.unmapped += pp_buffer_iova(t.region, devices[k],
								 buffers[i]) == UINT64_MAX;
			watch.unmapped += !pp_buffer_lkey(t.region, devices[1], buffers[i]);
			watch.on_new += (size_t)((char *)buffers[i] - (char *)extent.base) >=
					2 * extent.page;
		}
		watch.seen += n;
		pp_free_bulk(cache, buffers, n);
	}
	return NULL;
}

static void what_grows_is_mapped_for_all_before_it_is_handed_out(void)
{
	struct pp_dma_verbs_stats before = regions(&t.from), after;
	unsigned grown = 0, shrunk = 0;
	void *held[2 * PAGE_BUFFERS];
	unsigned n = pp_alloc_burst(t.cache, held, 2 * PAGE_BUFFERS - 64, 0);
	pthread_t thread;

	/* Nearly all that there was is out: who takes now takes what is new. */
	pthread_create(&thread, NULL, watch_run, NULL);
	for (int i = 0; i < 60000 && (grown < ROUNDS || shrunk < ROUNDS || watch.on_new < 1000);
	     i++) {
		grown += pp_pool_grow(t.pool, 1) > 0;
		usleep(2000);
		shrunk += pp_pool_shrink(t.pool, 1, 20000) > 0;
	}
	__atomic_store_n(&watch.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	pp_free_bulk(t.cache, held, n);
	while (pages_of() > 2 && pp_pool_shrink(t.pool, 1, PATIENCE_US) > 0)
		shrunk++;
	after = regions(&t.from);
	printf("%u hugepages came, %u went; %lu buffers looked at, %lu on new ones, %lu not mapped\n",
	       grown, shrunk, watch.seen, watch.on_new, watch.unmapped);
	CHECK(grown >= ROUNDS && grown == shrunk, "rounds");
	CHECK(watch.on_new >= 1000 && !watch.unmapped, "handed out too early");
	CHECK(after.maps - before.maps == grown, "%lu", after.maps - before.maps);
	CHECK(after.unmaps - before.unmaps == shrunk, "%lu", after.unmaps - before.unmaps);
	all_have(2);
}

/* The UMEM is fixed while its queues are open: it refuses, and the others give it up again. */
static void a_refusal_costs_that_hugepage_only(void)
{
	struct pp_dma_verbs_stats before = regions(&t.from), after;
	struct pp_device_info info;

	CHECK(pp_pool_grow(t.pool, 1) == -EIO, "%s", pp_error());
	info = info_of(t.xsk);
	printf("refused: %s\n", info.reason);
	CHECK(info.refused >= 1 && strstr(info.reason, "outside the UMEM"), "%s", info.reason);
	CHECK(strstr(pp_error(), "outside the UMEM"), "%s", pp_error());
	after = regions(&t.from);
	CHECK(after.maps - before.maps == after.unmaps - before.unmaps, "%lu mapped, %lu unmapped",
	      after.maps - before.maps, after.unmaps - before.unmaps);
	all_have(2);
	CHECK(!pp_pool_check(t.pool), "%s", pp_error());
	the_same_buffers_go_through_all_three();
}

static void a_hugepage_that_leaves_is_unmapped_once(void)
{
	struct pp_dma_verbs_stats before, after;
	struct pp_page_info page;
	rte_iova_t iova;
	uint32_t p = 2;

	CHECK(pp_pool_grow(t.pool, 1) > 0, "%s", pp_error());
	pp_region_page(t.region, p, &page);
	CHECK(page.present, "another hugepage came");
	all_have(3);
	CHECK(by_nic(page.start), "on the new one");
	iova = pp_buffer_iova(t.region, (unsigned)t.nic, page.start);
	before = regions(&t.from);
	CHECK(pp_pool_shrink(t.pool, 1, PATIENCE_US) > 0, "%s", pp_error());
	pp_region_page(t.region, p, &page);
	CHECK(!page.present, "another hugepage left");
	after = regions(&t.from);
	CHECK(after.unmaps - before.unmaps == 1, "%lu", after.unmaps - before.unmaps);
	CHECK(pp_buffer_lkey(t.region, (unsigned)t.from.device, page.start) == 0,
	      "its key is left");
	all_have(2);
	CHECK(cable_faults(&t.cable, page.start, iova), "it has left, and is reached");
}

/* The RDMA device goes while buffers are out; the others have them yet. */
static void a_device_goes_with_buffers_in_flight(void)
{
	unsigned before = faults();
	void *buffers[7];

	CHECK(pp_alloc_bulk(t.cache, buffers, 7, 0) == 7, "no buffers");
	ends_part(&t.from, &t.to);
	CHECK(pp_pool_unmap_device(t.pool, (unsigned)t.from.device) == 7, "in flight");
	CHECK(pp_pool_unmap_device(t.pool, (unsigned)t.to.device) == 7, "in flight");
	CHECK(!regions(&t.from).mapped && regions(&t.from).maps == regions(&t.from).unmaps,
	      "%lu of %lu", regions(&t.from).unmaps, regions(&t.from).maps);
	CHECK(!regions_of(&t.from) && !regions_of(&t.to), "the kernel has regions yet");
	CHECK(pp_pool_unmap_device(t.pool, (unsigned)t.from.device) == -ENOENT, "twice");
	CHECK(by_nic(buffers[0]), "the NIC without RDMA");
	queues_open();
	/* By AF_XDP it goes home by itself. */
	CHECK(by_xsk(buffers[0]), "AF_XDP without RDMA");
	queues_close();
	pp_free_bulk(t.cache, buffers + 1, 6);
	CHECK(faults() == before, "%u new faults", faults() - before);
}

static void pool_make(void)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "three",
		.buffer_size = BUFFER,
		.buffers = 2 * PAGE_BUFFERS,
		.buffers_max = 4 * PAGE_BUFFERS,
		.flags = PP_POOL_GAPLESS,
	};

	if (pp_pool_create(&params, &t.pool)) {
		printf("no pool: %s\n", pp_error());
		exit(3);
	}
	t.region = pp_pool_region(t.pool);
	t.cache = pp_pool_cache(t.pool);
}

static void devices_map(void)
{
	struct pp_xsk_umem_params params = { .sz = sizeof(params) };

	t.nic = pp_dma_dpdk_map(t.pool, t.cable.device[0]);
	CHECK(t.nic >= 0, "%s", pp_error());
	end_open(&t.from, "rxe0");
	end_open(&t.to, "rxe1");
	t.from.region = t.to.region = t.region;
	t.from.device = pp_pool_map_device(t.pool, &pp_dma_verbs_ops, t.from.verbs);
	t.to.device = pp_pool_map_device(t.pool, &pp_dma_verbs_ops, t.to.verbs);
	CHECK(t.from.device >= 0 && t.to.device >= 0, "%s", pp_error());
	CHECK(!pp_xsk_umem_create(t.pool, &params, &t.umem), "%s", pp_error());
	t.xsk = device_named("xsk");
	ends_join(&t.from, &t.to, IBV_QPT_RC);
}

int main(int argc, char **argv)
{
	struct rte_mempool *ring;
	unsigned before = faults();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rte_eal_init(argc, argv) < 0 || rte_eth_dev_count_avail() < 2)
		return 3;
	ring = rte_pktmbuf_pool_create("ring", 511, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	cable_open(&t.cable, 0, ring);
	pool_make();
	devices_map();
	all_have(2);
	what_grows_is_mapped_for_all_before_it_is_handed_out();
	queues_open();
	the_same_buffers_go_through_all_three();
	a_refusal_costs_that_hugepage_only();
	queues_close();
	CHECK(faults() == before, "%u new faults", faults() - before);
	a_hugepage_that_leaves_is_unmapped_once();
	a_device_goes_with_buffers_in_flight();
	CHECK(!pp_pool_check(t.pool), "%s", pp_error());
	CHECK(!pp_xsk_umem_destroy(t.umem), "%s", pp_error());
	CHECK(!pp_pool_destroy(t.pool), "%s", pp_error());
	end_close(&t.from);
	end_close(&t.to);
	cable_close(&t.cable);
	printf("%s\n", failures ? "FAILED" : "all as it should be");
	return failures ? 1 : 0;
}
