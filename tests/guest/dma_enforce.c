/* SPDX-License-Identifier: BSD-3-Clause */
/* Enforce: what is mapped a device can reach, and nothing else; an IOMMU says so. */
#include "cable.h"
#include "pp_dma_dpdk.h"
#include "pp_pktmbuf.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US 1000000
#define ROUNDS 12

static enum pp_pages pages = PP_PAGES_2M;

static struct pp_pool *raw_pool(uint32_t buffers, uint32_t buffers_max)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "raw",
		.buffer_size = 2048,
		.buffers = buffers,
		.buffers_max = buffers_max,
		.pages = pages,
	};
	struct pp_pool *pool;

	if (pp_pool_create(&params, &pool)) {
		printf("no pool: %s\n", pp_error());
		exit(3);
	}
	return pool;
}

static struct rte_mempool *mbuf_pool(const char *name, uint32_t mbufs, uint32_t mbufs_max)
{
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = name,
		.mbufs = mbufs,
		.mbufs_max = mbufs_max,
		.socket = SOCKET_ID_ANY,
		.pages = pages,
	};
	struct rte_mempool *mp = pp_pktmbuf_pool_create(&params);

	if (!mp) {
		printf("no mbuf pool: %s\n", pp_error());
		exit(3);
	}
	return mp;
}

static bool send_mapped(struct cable *cable, struct pp_pool *pool, int device, void *from)
{
	rte_iova_t iova = pp_buffer_iova(pp_pool_region(pool), (unsigned)device, from);
	unsigned before = faults();

	return cable_send(cable, from, iova, true) && faults() == before;
}

/* Where a device would look for a buffer, mapped or not. */
static rte_iova_t called(const void *va)
{
	return rte_eal_iova_mode() == RTE_IOVA_VA ? (uintptr_t)va : rte_mem_virt2phy(va);
}

static void nothing_is_reached_that_is_not_mapped(struct cable *cable)
{
	struct pp_pool *pool = raw_pool(900, 900);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *buffer = pp_alloc(cache, 0);
	rte_iova_t iova = called(buffer);
	int d, e;

	frame_write(buffer, 1);
	CHECK(cable_faults(cable, buffer, iova), "never mapped, and reached");
	d = pp_dma_dpdk_map(pool, cable->device[0]);
	CHECK(d >= 0, "%s", pp_error());
	CHECK(send_mapped(cable, pool, d, buffer), "mapped, and not intact");
	/* One container, so one mapping for both, as long as either wants it. */
	e = pp_dma_dpdk_map(pool, cable->device[1]);
	CHECK(e >= 0, "%s", pp_error());
	CHECK(pp_pool_unmap_device(pool, (unsigned)d) == 1, "one buffer is in flight");
	CHECK(send_mapped(cable, pool, e, buffer), "still mapped for the other, and not intact");
	CHECK(pp_pool_unmap_device(pool, (unsigned)e) == 1, "one buffer is in flight");
	CHECK(cable_faults(cable, buffer, iova), "the device was removed, and it is reached");
	pp_free(cache, buffer);
	CHECK(!pp_pool_check(pool), "%s", pp_error());
	CHECK(!pp_pool_destroy(pool), "%s", pp_error());
}

/* Also that no old translation is used for the new hugepage at the same address. */
static void a_hugepage_that_leaves_is_out_of_reach(struct cable *cable)
{
	struct pp_pool *pool = raw_pool(900, 1800);
	const struct pp_region *region = pp_pool_region(pool);
	int d = pp_dma_dpdk_map(pool, cable->device[0]);
	struct pp_page_info info;
	rte_iova_t iova;

	CHECK(d >= 0, "%s", pp_error());
	for (int round = 0; round < 2; round++) {
		CHECK(pp_pool_grow(pool, 1) > 0, "%s", pp_error());
		pp_region_page(region, 1, &info);
		CHECK(send_mapped(cable, pool, d, info.start), "grown, and not intact");
		iova = pp_buffer_iova(region, (unsigned)d, info.start);
		CHECK(pp_pool_shrink(pool, 1, PATIENCE_US) > 0, "%s", pp_error());
		pp_region_page(region, 1, &info);
		CHECK(!info.present, "another hugepage has left");
		CHECK(cable_faults(cable, info.start, iova), "it has left, and is reached");
	}
	CHECK(!pp_pool_destroy(pool), "%s", pp_error());
}

/* A receive ring full of buffers that no device may write to any more. */
static void what_is_received_needs_a_mapping_too(struct cable *cable, struct rte_mempool *ring)
{
	struct pp_pool *pool = pp_pktmbuf_pool(ring), *source = raw_pool(900, 900);
	struct pp_cache *cache = pp_pool_cache(source);
	int d = pp_dma_dpdk_map(source, cable->device[0]);
	void *buffer = pp_alloc(cache, 0);
	unsigned before;

	CHECK(send_mapped(cable, source, d, buffer), "before, and not intact");
	before = faults();
	/* The mempool is the pool's device 0, VFIO its device 1. */
	CHECK(pp_pool_unmap_device(pool, 1) >= 64, "the ring's mbufs are in flight");
	/* It tells of so many in so many seconds only. */
	for (int i = 0; i < 200 && faults() == before; i++) {
		CHECK(!cable_send(cable, buffer,
				  pp_buffer_iova(pp_pool_region(source), (unsigned)d, buffer),
				  true),
		      "received without a mapping");
		usleep(250000);
	}
	CHECK(faults() > before, "received, and no fault");
	CHECK(pp_dma_dpdk_map(pool, cable->device[1]) == 1, "%s", pp_error());
	/* What came meanwhile lies in the ring yet. */
	CHECK(send_mapped(cable, source, d, buffer), "mapped again, and not intact");
	pp_free(cache, buffer);
	CHECK(!pp_pool_destroy(source), "%s", pp_error());
}

static struct traffic {
	struct cable *cable;
	struct rte_mempool *mp;
	uint64_t sent, intact, changed;
	bool stop;
} traffic;

static void traffic_receive(void)
{
	struct rte_mbuf *got[32];
	uint16_t n = rte_eth_rx_burst(traffic.cable->port[1], 0, got, 32);

	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *data = rte_pktmbuf_mtod(got[i], const uint8_t *);
		uint32_t number;

		memcpy(&number, data + 14, sizeof(number));
		if (frame_is(data, got[i]->pkt_len, number))
			traffic.intact++;
		else
			traffic.changed++;
	}
	rte_pktmbuf_free_bulk(got, n);
}

/* Whatever is received is what was sent, in buffers of every hugepage that there is. */
static int traffic_run(void *arg)
{
	struct rte_mbuf *mbufs[32];
	uint32_t number = 1;

	(void)arg;
	while (!__atomic_load_n(&traffic.stop, __ATOMIC_ACQUIRE)) {
		uint16_t n = 0, sent;

		while (n < 32 && (mbufs[n] = rte_pktmbuf_alloc(traffic.mp))) {
			frame_write(rte_pktmbuf_append(mbufs[n], FRAME_BYTES), number++);
			n++;
		}
		sent = rte_eth_tx_burst(traffic.cable->port[0], 0, mbufs, n);
		rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
		__atomic_fetch_add(&traffic.sent, sent, __ATOMIC_RELAXED);
		traffic_receive();
	}
	return 0;
}

static void growing_and_shrinking_under_traffic_faults_never(struct cable *cable,
							     struct rte_mempool *ring)
{
	unsigned before = faults(), grown = 0, shrunk = 0, lcore = rte_get_next_lcore(-1, 1, 0);

	traffic = (struct traffic){ .cable = cable, .mp = ring };
	rte_eal_remote_launch(traffic_run, NULL, lcore);
	for (int i = 0; i < 60000 && (grown < ROUNDS || shrunk < ROUNDS ||
				      __atomic_load_n(&traffic.sent, __ATOMIC_RELAXED) < 2000);
	     i++) {
		grown += pp_pktmbuf_pool_grow(ring, 1) > 0;
		usleep(1000);
		shrunk += pp_pktmbuf_pool_shrink(ring, 1, 2000) > 0;
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELEASE);
	rte_eal_wait_lcore(lcore);
	/* The last ones are on their way. */
	for (int i = 0; i < 100; i++) {
		traffic_receive();
		usleep(1000);
	}
	printf("%lu frames sent, %lu came intact, %lu changed; %u hugepages came, %u went\n",
	       traffic.sent, traffic.intact, traffic.changed, grown, shrunk);
	CHECK(grown >= ROUNDS && shrunk >= ROUNDS, "too few rounds in a minute");
	CHECK(traffic.intact >= 1000, "hardly anything came through");
	CHECK(!traffic.changed, "frames came with other bytes");
	CHECK(faults() == before, "%u new faults", faults() - before);
}

/* 1 GiB: its first and its last buffer, mbufs on it, and no second one to be had. */
static void a_1g_hugepage_is_mapped_to_its_end(struct cable *cable)
{
	struct pp_pool *pool = raw_pool(64, 64), *second = NULL;
	struct pp_pool_params params = {
		.sz = sizeof(params), .buffer_size = 2048, .buffers = 64, .pages = PP_PAGES_1G
	};
	int d = pp_dma_dpdk_map(pool, cable->device[0]);
	struct pp_extent extent;

	CHECK(d >= 0, "%s", pp_error());
	pp_region_extent(pp_pool_region(pool), &extent);
	CHECK(extent.page == 1ull << 30, "%zu", extent.page);
	CHECK(send_mapped(cable, pool, d, extent.base), "its first bytes");
	CHECK(send_mapped(cable, pool, d, (char *)extent.base + extent.page / 2 + 4096),
	      "its middle");
	CHECK(send_mapped(cable, pool, d, (char *)extent.base + extent.page - 2048),
	      "its last bytes");
	CHECK(pp_pool_create(&params, &second) == -ENOMEM, "a second hugepage");
	printf("%s\n", pp_error());
	CHECK(strstr(pp_error(),
		     "echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages") ||
		      strstr(pp_error(), "hugepages-1048576kB/nr_hugepages"),
	      "%s", pp_error());
	CHECK(!pp_pool_destroy(pool), "%s", pp_error());
}

static void run(uint16_t first)
{
	struct rte_eth_dev_info info;
	struct rte_mempool *ring;
	struct cable cable;
	char name[16];

	rte_eth_dev_info_get(first, &info);
	printf("%s: IOVA mode %s\n", info.driver_name,
	       rte_eal_iova_mode() == RTE_IOVA_VA ? "VA" : "PA");
	fflush(stdout);
	snprintf(name, sizeof(name), "ring%u", first);
	if (pages == PP_PAGES_1G) {
		ring = rte_pktmbuf_pool_create(name, 511, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					       SOCKET_ID_ANY);
		cable_open(&cable, first, ring);
		a_1g_hugepage_is_mapped_to_its_end(&cable);
		cable_close(&cable);
		return;
	}
	ring = mbuf_pool(name, 800, 2800);
	cable_open(&cable, first, ring);
	nothing_is_reached_that_is_not_mapped(&cable);
	a_hugepage_that_leaves_is_out_of_reach(&cable);
	what_is_received_needs_a_mapping_too(&cable, ring);
	growing_and_shrinking_under_traffic_faults_never(&cable, ring);
	cable_close(&cable);
	CHECK(!pp_pktmbuf_pool_free(ring), "%s", pp_error());
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	uint16_t ports = n < 0 ? 0 : rte_eth_dev_count_avail();

	if (ports < 2) {
		printf("no EAL, or no pair of ports\n");
		return 3;
	}
	if (argc > n + 1 && !strcmp(argv[n + 1], "1g"))
		pages = PP_PAGES_1G;
	for (uint16_t first = 0; first + 1 < ports; first += 2)
		run(first);
	printf("%s\n", failures ? "FAILED" : "all as it should be");
	return failures ? 1 : 0;
}
