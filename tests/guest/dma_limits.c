/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits: what VFIO refuses comes out as the documented error, with its reason, and nothing is lost. */
#include "cable.h"
#include "pp_dma_dpdk.h"

#include <errno.h>
#include <linux/vfio.h>
#include <rte_eal.h>
#include <rte_memory.h>
#include <rte_vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define HUGEPAGE (2ul << 20)
/* Where nothing of EAL's and no pool lies. */
#define FREE_IOVA 0x1000000000ul

/* The fault: another device address than EAL would say. */
static rte_iova_t said;

rte_iova_t rte_mem_virt2iova(const void *va)
{
	return said                                 ? said
	       : rte_eal_iova_mode() == RTE_IOVA_VA ? (uintptr_t)va
						    : rte_mem_virt2phy(va);
}

static struct rte_device *device;

static struct pp_pool *pool_make(uint32_t buffers_max)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.buffer_size = 2048,
		.buffers = 900,
		.buffers_max = buffers_max,
	};
	struct pp_pool *pool;

	if (pp_pool_create(&params, &pool)) {
		printf("no pool: %s\n", pp_error());
		exit(3);
	}
	return pool;
}

static void books_balance(struct pp_pool *pool, uint32_t pages)
{
	struct pp_stats stats;

	CHECK(!pp_pool_check(pool), "%s", pp_error());
	pp_pool_stats(pool, &stats);
	CHECK(stats.pages == pages, "%u hugepages", stats.pages);
	CHECK(stats.in_flight == 0, "%lu in flight", stats.in_flight);
}

/* Mapping fails so, says that, and changes nothing; later it can be done. */
static void refused(const char *what, int error, const char *text)
{
	struct pp_pool *pool = pool_make(900);
	int rc = pp_dma_dpdk_map(pool, device);

	CHECK(rc == error, "%s: %d instead of %d", what, rc, error);
	CHECK(strstr(pp_error(), text), "%s: '%s' is not in: %s", what, text, pp_error());
	printf("%-28s %4d  %s\n", what, rc, pp_error());
	fflush(stdout);
	books_balance(pool, 1);
	said = 0;
	CHECK(!pp_pool_destroy(pool), "%s", pp_error());
}

static int kernel_map(void *va, uint64_t iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
						.flags = VFIO_DMA_MAP_FLAG_READ,
						.vaddr = (uintptr_t)va,
						.iova = iova,
						.size = bytes };

	return ioctl(rte_vfio_get_container_fd(), VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static void kernel_unmap(uint64_t iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
						    .iova = iova,
						    .size = bytes };

	CHECK(!ioctl(rte_vfio_get_container_fd(), VFIO_IOMMU_UNMAP_DMA, &unmap), "%d", errno);
	CHECK(unmap.size == bytes, "%llu of %zu bytes", unmap.size, bytes);
}

/* Somebody else's memory where the pool's next hugepage would be: EAL calls that success. */
static void an_overlap_is_seen(char *memory)
{
	struct pp_pool *pool = pool_make(1800);
	struct pp_extent extent;
	struct pp_stats stats;
	uint64_t next;

	pp_region_extent(pp_pool_region(pool), &extent);
	said = FREE_IOVA;
	CHECK(!kernel_map(memory, FREE_IOVA + HUGEPAGE - 4096, 4096), "%d", errno);
	refused("overlap", -EEXIST, "already");
	kernel_unmap(FREE_IOVA + HUGEPAGE - 4096, 4096);
	if (rte_eal_iova_mode() == RTE_IOVA_VA) {
		next = (uintptr_t)extent.base + HUGEPAGE;
		CHECK(pp_dma_dpdk_map(pool, device) >= 0, "%s", pp_error());
		CHECK(!kernel_map(memory, next, 4096), "%d", errno);
		CHECK(pp_pool_grow(pool, 1) == -EIO, "%s", pp_error());
		CHECK(strstr(pp_error(), "already"), "%s", pp_error());
		pp_pool_stats(pool, &stats);
		CHECK(stats.pages_lost == 1, "%u", stats.pages_lost);
		books_balance(pool, 1);
		kernel_unmap(next, 4096);
		CHECK(pp_pool_grow(pool, 1) > 0, "%s", pp_error());
		books_balance(pool, 2);
	}
	CHECK(!pp_pool_destroy(pool), "%s", pp_error());
}

static void addresses_that_the_iommu_has_not_are_named(void)
{
	said = FREE_IOVA + 8;
	refused("unaligned", -EINVAL, "pages of 0x1000");
	said = 0xfee00000;
	refused("window for interrupts", -EINVAL, "0xfef00000-");
	said = 1ul << 50;
	refused("beyond the width", -EINVAL, "--iova-mode=pa");
}

static void the_end_of_the_kernels_mappings_is_named(char *memory)
{
	uint64_t n = 0;
	int rc;

	while (!(rc = kernel_map(memory, FREE_IOVA + n * 4096, 4096)))
		n++;
	CHECK(rc == -ENOSPC, "%d", rc);
	CHECK(n > 60000 && n < 65536, "%lu", n);
	printf("%lu single mappings until %s\n", n, strerror(-rc));
	refused("all mappings used", -ENOSPC, "dma_entry_limit");
	kernel_unmap(FREE_IOVA, n * 4096);
}

static void the_end_of_eals_mappings_is_named(char *memory)
{
	uint64_t n = 0;

	/* Every other page, so that none are merged. */
	while (!rte_vfio_container_dma_map(RTE_VFIO_DEFAULT_CONTAINER_FD, (uintptr_t)memory,
					   FREE_IOVA + n * 8192, 4096))
		n++;
	CHECK(n > 200 && n <= 256, "%lu", n);
	refused("EAL's mappings used", -ENOSPC, "256");
	while (n-- > 0)
		CHECK(!rte_vfio_container_dma_unmap(RTE_VFIO_DEFAULT_CONTAINER_FD,
						    (uintptr_t)memory, FREE_IOVA + n * 8192, 4096),
		      "entry %lu", n);
}

/* With RLIMIT_MEMLOCK such that EAL starts, and two hugepages more. */
static void locked_memory_has_its_limit(void)
{
	struct pp_pool *pool = pool_make(100000);
	int rc, grown = 0;

	rc = pp_dma_dpdk_map(pool, device);
	while (rc >= 0 && pp_pool_grow(pool, 1) > 0)
		grown++;
	printf("%d, %d hugepages grown: %s\n", rc, grown, pp_error());
	CHECK(strstr(pp_error(), "RLIMIT_MEMLOCK is"), "%s", pp_error());
	CHECK(strstr(pp_error(), "ulimit -l"), "%s", pp_error());
	CHECK(rc >= 0 && grown >= 1 && grown < 16, "where the limit is");
	books_balance(pool, 1 + (uint32_t)grown);
	/* What is given back can be locked again. */
	CHECK(pp_pool_shrink(pool, 1, 0) > 0, "%s", pp_error());
	CHECK(pp_pool_grow(pool, 1) > 0, "%s", pp_error());
	CHECK(!pp_pool_destroy(pool), "%s", pp_error());
}

int main(int argc, char **argv)
{
	struct rte_eth_dev_info info;
	int n = rte_eal_init(argc, argv);
	char *memory;

	if (n < 0 || rte_eth_dev_info_get(0, &info)) {
		printf("no EAL, or no port\n");
		return 3;
	}
	device = info.device;
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (argc > n + 1 && !strcmp(argv[n + 1], "memlock")) {
		locked_memory_has_its_limit();
	} else {
		an_overlap_is_seen(memory);
		addresses_that_the_iommu_has_not_are_named();
		the_end_of_the_kernels_mappings_is_named(memory);
		the_end_of_eals_mappings_is_named(memory);
	}
	printf("%s\n", failures ? "FAILED" : "all as it should be");
	return failures ? 1 : 0;
}
