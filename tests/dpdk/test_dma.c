/* SPDX-License-Identifier: BSD-3-Clause */
/* Dma: a pool's hugepages mapped for a device of EAL's, in EAL's books as long as they are. */
#define ALLOW_EXPERIMENTAL_API
#include "dpdk_test.h"

#include <errno.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_memory.h>
#include <sys/mman.h>

#include "pp_dma_dpdk.h"

#define PAGES_MAX 16
#define SHIMS 2

/*
 * The faults: a device whose driver maps memory, as mlx5's does, put in the
 * place of a vdev whose driver does not. All else is EAL's own.
 */
static struct shim {
	struct rte_device *device;
	unsigned maps, unmaps, mapped, fail_map;
	int fail_errno;
	uint64_t iova[PAGES_MAX];
	bool is_pci;
} shims[SHIMS];
static const char *order;

static struct shim *shim_of(const struct rte_device *device)
{
	for (unsigned i = 0; i < SHIMS; i++)
		if (shims[i].is_pci && shims[i].device == device)
			return &shims[i];
	return NULL;
}

const char *rte_bus_name(const struct rte_bus *bus)
{
	(void)bus;
	return shims[0].is_pci || shims[1].is_pci ? "pci" : "vdev";
}

static unsigned page_of(void *va)
{
	struct pp_extent extent;

	pp_region_extent(pp_pool_region(pp_pool_find(va)), &extent);
	return (unsigned)(((uintptr_t)va - (uintptr_t)extent.base) / extent.page);
}

int rte_dev_dma_map(struct rte_device *device, void *va, uint64_t iova, size_t bytes)
{
	struct shim *shim = shim_of(device);
	unsigned p = page_of(va);

	assert_non_null(shim);
	/* What mlx5 asks before it maps, and how it looks a hugepage up. */
	assert_non_null(rte_mem_virt2memseg_list(va));
	assert_int_equal(rte_mem_virt2memseg(va, NULL)->iova, iova);
	assert_int_equal(iova, rte_mem_virt2iova(va));
	assert_int_equal(bytes, 2 << 20);
	if (++shim->maps == shim->fail_map) {
		rte_errno = shim->fail_errno;
		return -1;
	}
	assert_int_equal(shim->iova[p], 0);
	shim->iova[p] = iova;
	shim->mapped++;
	order = shim == &shims[0] ? "0" : "1";
	return 0;
}

int rte_dev_dma_unmap(struct rte_device *device, void *va, uint64_t iova, size_t bytes)
{
	struct shim *shim = shim_of(device);
	unsigned p = page_of(va);

	(void)bytes;
	assert_non_null(shim);
	assert_non_null(rte_mem_virt2memseg_list(va));
	assert_int_equal(shim->iova[p], iova);
	shim->iova[p] = 0;
	shim->unmaps++;
	shim->mapped--;
	return 0;
}

static struct shim *shim_start(unsigned i)
{
	struct shim *shim = &shims[i];
	struct rte_device *device = shim->device;

	memset(shim, 0, sizeof(*shim));
	shim->device = device;
	shim->is_pci = true;
	return shim;
}

static void shims_end(void)
{
	for (unsigned i = 0; i < SHIMS; i++) {
		assert_int_equal(shims[i].mapped, 0);
		shims[i].is_pci = false;
	}
}

static struct pp_pool *raw_pool(unsigned pages, unsigned pages_max, uint32_t flags)
{
	/* Without gaps a hugepage holds so many, and with them a few less. */
	uint32_t each = flags & PP_POOL_GAPLESS ? 1024 : 900;
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.buffer_size = 2048,
		.buffers = pages * each,
		.buffers_max = pages_max * each,
		.pages = (enum pp_pages)test_pages,
		.flags = flags,
	};
	struct pp_pool *pool;

	if (pp_pool_create(&params, &pool))
		fail_msg("no pool: %s", pp_error());
	return pool;
}

static void pool_end(struct pp_pool *pool)
{
	assert_int_equal(pp_pool_check(pool), 0);
	assert_int_equal(pp_pool_destroy(pool), 0);
}

/* As rte_memseg_walk() finds them: those of all pools, and only present ones. */
static int used_count(const struct rte_memseg_list *list, const struct rte_memseg *seg, void *arg)
{
	(void)seg;
	*(unsigned *)arg += list->external;
	return 0;
}

static unsigned used_in_eal(void)
{
	unsigned n = 0;

	rte_memseg_walk(used_count, &n);
	return n;
}

static void test_a_raw_pool_is_mapped_page_by_page_and_follows_its_size(void **state)
{
	struct test_footprint before = test_footprint();
	struct shim *shim = shim_start(0);
	struct pp_pool *pool = raw_pool(3, 5, PP_POOL_GAPLESS);
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_extent extent;
	int d = pp_dma_dpdk_map(pool, shim->device);

	(void)state;
	assert_true(d >= 0);
	assert_int_equal(shim->mapped, 3);
	assert_int_equal(used_in_eal(), 3);
	assert_int_equal(test_footprint().lists, before.lists + 1);
	pp_region_extent(region, &extent);
	for (uint32_t p = 0; p < 3; p++) {
		char *va = (char *)extent.base + p * extent.page + 77;

		assert_int_equal(pp_buffer_iova(region, (unsigned)d, va), rte_mem_virt2iova(va));
	}
	assert_true(pp_pool_grow(pool, 1) > 0);
	assert_int_equal(shim->mapped, 4);
	assert_int_equal(used_in_eal(), 4);
	assert_true(pp_pool_shrink(pool, 1, 0) > 0);
	assert_int_equal(shim->mapped, 3);
	assert_int_equal(used_in_eal(), 3);
	assert_int_equal(pp_pool_unmap_device(pool, (unsigned)d), 0);
	assert_int_equal(shim->mapped, 0);
	assert_int_equal(shim->maps, shim->unmaps);
	assert_int_equal(test_footprint().lists, before.lists);
	pool_end(pool);
	shims_end();
	test_footprint_assert(before);
}

static void test_a_pool_that_goes_takes_its_mappings_along(void **state)
{
	struct test_footprint before = test_footprint();
	struct shim *shim = shim_start(0);
	struct pp_pool *pool = raw_pool(2, 2, PP_POOL_GAPLESS);

	(void)state;
	assert_true(pp_dma_dpdk_map(pool, shim->device) >= 0);
	pool_end(pool);
	assert_int_equal(shim->maps, shim->unmaps);
	shims_end();
	test_footprint_assert(before);
}

static void test_two_devices_each_get_every_page_once(void **state)
{
	struct test_footprint before = test_footprint();
	struct shim *a = shim_start(0), *b = shim_start(1);
	struct pp_pool *pool = raw_pool(2, 3, PP_POOL_GAPLESS);
	void *buffer = pp_alloc(pp_pool_cache(pool), 0);
	int d, e;

	(void)state;
	d = pp_dma_dpdk_map(pool, a->device);
	e = pp_dma_dpdk_map(pool, b->device);
	assert_true(d >= 0 && e >= 0 && d != e);
	assert_true(pp_pool_grow(pool, 1) > 0);
	assert_int_equal(a->mapped, 3);
	assert_int_equal(b->mapped, 3);
	/* With a buffer in flight, and EAL's books kept for the other. */
	assert_int_equal(pp_pool_unmap_device(pool, (unsigned)d), 1);
	assert_int_equal(a->mapped, 0);
	assert_int_equal(a->maps, a->unmaps);
	assert_int_equal(used_in_eal(), 3);
	assert_int_equal(pp_pool_unmap_device(pool, (unsigned)d), -ENOENT);
	pp_free(pp_pool_cache(pool), buffer);
	pool_end(pool);
	shims_end();
	test_footprint_assert(before);
}

/* What the mempool registered is shared: one registration, marked as long as either wants it. */
static void test_a_pktmbuf_pool_is_registered_once(void **state)
{
	struct test_footprint before = test_footprint();
	struct shim *shim = shim_start(0);
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = 1500, .mbufs_max = 4000 });
	unsigned pages = used_in_eal();
	int d = pp_dma_dpdk_map(pp_pktmbuf_pool(mp), shim->device);

	(void)state;
	assert_true(d >= 0);
	assert_int_equal(shim->mapped, pages);
	assert_int_equal(used_in_eal(), pages);
	assert_int_equal(test_footprint().lists, before.lists + 1);
	assert_true(pp_pktmbuf_pool_grow(mp, 1) > 0);
	assert_int_equal(shim->mapped, pages + 1);
	assert_int_equal(pp_pool_unmap_device(pp_pktmbuf_pool(mp), (unsigned)d), 0);
	assert_int_equal(used_in_eal(), pages + 1);
	test_lists_assert(mp);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	shims_end();
	test_footprint_assert(before);
}

/* One hugepage is tried first, so the pool keeps all that it has. */
static void test_a_device_that_cannot_map_changes_nothing(void **state)
{
	static const int errors[] = { ENOTSUP, EINVAL, ENOMEM, 0 };
	struct test_footprint before = test_footprint();
	struct pp_pool *pool = raw_pool(2, 2, 0);
	struct pp_stats stats;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(errors); i++) {
		struct shim *shim = shim_start(0);

		shim->fail_map = 1;
		shim->fail_errno = errors[i];
		assert_int_equal(pp_dma_dpdk_map(pool, shim->device),
				 errors[i] ? -errors[i] : -EIO);
		assert_non_null(strstr(pp_error(), "net_null0"));
		if (errors[i] == ENOTSUP)
			assert_non_null(strstr(pp_error(), "--bind=vfio-pci"));
		pp_pool_stats(pool, &stats);
		assert_int_equal(stats.pages, 2);
		assert_int_equal(stats.pages_lost, 0);
		assert_int_equal(used_in_eal(), 0);
		shims_end();
	}
	pool_end(pool);
	test_footprint_assert(before);
}

static void test_a_refused_growth_leaves_the_pool_as_it_was(void **state)
{
	struct test_footprint before = test_footprint();
	struct shim *a = shim_start(0), *b = shim_start(1);
	struct pp_pool *pool = raw_pool(2, 3, 0);
	struct pp_stats stats;

	(void)state;
	assert_true(pp_dma_dpdk_map(pool, a->device) >= 0);
	assert_true(pp_dma_dpdk_map(pool, b->device) >= 0);
	b->fail_map = b->maps + 1;
	b->fail_errno = ENOMEM;
	assert_int_equal(pp_pool_grow(pool, 1), -EIO);
	/* The first device had taken it. */
	assert_string_equal(order, "0");
	assert_int_equal(a->mapped, 2);
	assert_int_equal(b->mapped, 2);
	assert_int_equal(used_in_eal(), 2);
	pp_pool_stats(pool, &stats);
	assert_int_equal(stats.pages, 2);
	assert_int_equal(stats.total, stats.fresh);
	/* And it comes when the device has room again. */
	assert_true(pp_pool_grow(pool, 1) > 0);
	assert_int_equal(b->mapped, 3);
	pool_end(pool);
	shims_end();
	test_footprint_assert(before);
}

static void test_a_device_without_dma_is_told_so(void **state)
{
	struct test_footprint before = test_footprint();
	struct pp_pool *pool = raw_pool(1, 1, 0);

	(void)state;
	assert_int_equal(pp_dma_dpdk_map(pool, shims[0].device), -ENOTSUP);
	assert_non_null(strstr(pp_error(), "net_null0 does no DMA"));
	assert_int_equal(pp_dma_dpdk_map(pool, NULL), -EINVAL);
	assert_int_equal(used_in_eal(), 0);
	pool_end(pool);
	test_footprint_assert(before);
}

static void test_the_end_of_eals_lists_is_named(void **state)
{
	size_t size = RTE_MAX_MEMSEG_LISTS * 4096;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct shim *shim = shim_start(0);
	struct pp_pool *pool = raw_pool(1, 1, 0);
	char limit[16];
	unsigned n = 0;

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	while (!rte_extmem_register(memory + (size_t)n * 4096, 4096, NULL, 0, 4096))
		n++;
	assert_true(n > 0 && n < RTE_MAX_MEMSEG_LISTS);
	assert_true(pp_dma_dpdk_map(pool, shim->device) < 0);
	snprintf(limit, sizeof(limit), "%d lists", RTE_MAX_MEMSEG_LISTS);
	assert_non_null(strstr(pp_error(), limit));
	assert_int_equal(shim->maps, 0);
	while (n-- > 0)
		assert_int_equal(rte_extmem_unregister(memory + (size_t)n * 4096, 4096), 0);
	assert_true(pp_dma_dpdk_map(pool, shim->device) >= 0);
	munmap(memory, size);
	pool_end(pool);
	shims_end();
}

static void device_make(unsigned i)
{
	struct rte_eth_dev_info info;
	char name[16];
	uint16_t port;

	snprintf(name, sizeof(name), "net_null%u", i);
	if (rte_eal_hotplug_add("vdev", name, "size=64") ||
	    rte_eth_dev_get_port_by_name(name, &port) || rte_eth_dev_info_get(port, &info))
		exit(3);
	shims[i].device = info.device;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_device_without_dma_is_told_so),
		cmocka_unit_test(test_a_raw_pool_is_mapped_page_by_page_and_follows_its_size),
		cmocka_unit_test(test_a_pool_that_goes_takes_its_mappings_along),
		cmocka_unit_test(test_two_devices_each_get_every_page_once),
		cmocka_unit_test(test_a_pktmbuf_pool_is_registered_once),
		cmocka_unit_test(test_a_device_that_cannot_map_changes_nothing),
		cmocka_unit_test(test_a_refused_growth_leaves_the_pool_as_it_was),
		cmocka_unit_test(test_the_end_of_eals_lists_is_named),
	};

	test_eal_start(argc, argv, 16);
	for (unsigned i = 0; i < SHIMS; i++)
		device_make(i);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
