/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: mempools that a driver's queues send from come and go, and a device refuses some. */
#include <signal.h>
#include <ucontext.h>

#include "../dpdk/dpdk_test.h"
#include "pp_regions.h"
#include "shim.h"

#define SMALL 15
#define TRAP_FLAG 0x100

static struct pp_regions regions;

static int enter(void **state)
{
	shim_reset(state);
	shim.attr.max_mr = SHIM_REGIONS;
	regions = (struct pp_regions){ .pd = &shim_domain };
	return 0;
}

static struct rte_mempool *mempool_of(const char *name, unsigned mbufs)
{
	struct rte_mempool *mp = rte_pktmbuf_pool_create(name, mbufs, 0, 0, 512, SOCKET_ID_ANY);

	assert_non_null(mp);
	return mp;
}

/* As a driver hears of it. */
static void mempool_end(struct rte_mempool *mp)
{
	pp_regions_forget(&regions, mp);
	rte_mempool_free(mp);
}

static int mempool_send(struct rte_mempool *mp, unsigned *hint)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	struct ibv_sge sge[2] = { 0 };
	int n;

	assert_non_null(m);
	rte_pktmbuf_append(m, 100);
	n = pp_regions_mbuf(&regions, hint, m, sge);
	if (n) {
		const struct ibv_mr *mr = &shim.mrs[sge[0].lkey - 100];

		assert_int_equal(n, 1);
		assert_int_equal(sge[0].addr, rte_pktmbuf_mtod(m, uintptr_t));
		assert_int_equal(sge[0].length, 100);
		assert_non_null(mr->pd);
		assert_in_range(sge[0].addr, (uintptr_t)mr->addr,
				(uintptr_t)mr->addr + mr->length - 100);
	}
	rte_pktmbuf_free(m);
	return n;
}

static void test_a_mempool_that_ends_leaves_its_place_to_the_next(void **state)
{
	struct rte_mempool *lasting = mempool_of("lasting", SMALL);
	unsigned hint = 0, own;

	(void)state;
	assert_int_equal(mempool_send(lasting, &hint), 1);
	own = shim.live;
	for (unsigned i = 0; i < PP_REGIONS_MAX + 100; i++) {
		struct rte_mempool *passing = mempool_of("passing", SMALL + i % 7 * 10);

		if (mempool_send(passing, &hint) != 1)
			fail_msg("mempool %u: %s", i, pp_error());
		assert_int_equal(mempool_send(lasting, &hint), 1);
		assert_true(shim.live > own);
		mempool_end(passing);
		assert_int_equal(shim.live, own);
	}
	pp_regions_clear(&regions);
	assert_int_equal(shim.live, 0);
	rte_mempool_free(lasting);
}

static void test_one_too_many_at_a_time_is_named_and_costs_itself(void **state)
{
	struct rte_mempool *mps[PP_REGIONS_MAX + 1];
	unsigned hint = 0, n = 0;
	char name[16];

	(void)state;
	do {
		snprintf(name, sizeof(name), "many%u", n);
		mps[n] = mempool_of(name, SMALL);
	} while (mempool_send(mps[n], &hint) == 1 && ++n <= PP_REGIONS_MAX);
	assert_int_equal(n, PP_REGIONS_MAX);
	assert_non_null(strstr(pp_error(), "more than 256 pieces of memory"));
	assert_int_equal(shim.live, PP_REGIONS_MAX);
	mempool_end(mps[100]);
	assert_int_equal(mempool_send(mps[n], &hint), 1);
	for (unsigned i = 0; i <= n; i++)
		if (i != 100)
			mempool_end(mps[i]);
	assert_int_equal(shim.live, 0);
	pp_regions_clear(&regions);
}

/* Locked memory ends somewhere in the midst of it. */
static void test_a_pool_that_is_refused_is_left_as_it_was(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){
		.mbufs = 5000, .mbufs_max = 9000, .socket = SOCKET_ID_ANY });
	struct pp_stats before, after;

	(void)state;
	pp_pool_stats(pp_pktmbuf_pool(mp), &before);
	assert_true(before.pages > 4);
	shim.reg_error = ENOMEM;
	for (shim.reg_most = 0; shim.reg_most < before.pages; shim.reg_most++) {
		assert_int_equal(pp_regions_add(&regions, mp), -ENOMEM);
		assert_non_null(strstr(pp_error(), "shim0 cannot register"));
		pp_pool_stats(pp_pktmbuf_pool(mp), &after);
		assert_int_equal(after.pages, before.pages);
		assert_int_equal(after.total, before.total);
		assert_int_equal(after.pages_lost, before.pages_lost);
		assert_int_equal(shim.live, 0);
		assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	}
	assert_int_equal(pp_regions_add(&regions, mp), 0);
	assert_int_equal(shim.live, before.pages);
	/* From there on it is the hugepage that is refused. */
	assert_true(pp_pktmbuf_pool_grow(mp, 1) < 0);
	assert_int_equal(shim.live, before.pages);
	shim.reg_error = 0;
	assert_true(pp_pktmbuf_pool_grow(mp, 1) > 0);
	assert_int_equal(shim.live, before.pages + 1);
	pp_regions_clear(&regions);
	assert_int_equal(shim.live, 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static struct rte_mempool *shorter, *longer;
static bool long_one;
/* Instructions since step_begin(), and after how many there is a change. */
static volatile unsigned steps, change_at;

/* One comes where the other was. */
static void ranges_change(void)
{
	pp_regions_forget(&regions, long_one ? longer : shorter);
	pp_regions_add(&regions, long_one ? shorter : longer);
	long_one = !long_one;
}

/* After every instruction, up to the one at which another thread would have been so quick. */
static void step(int signal, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)signal;
	(void)info;
	if (steps++ < change_at) {
		*flags |= TRAP_FLAG;
		return;
	}
	*flags &= ~TRAP_FLAG;
	ranges_change();
}

static const char *memory_of(const struct rte_mempool *mp)
{
	return STAILQ_FIRST(&mp->mem_list)->addr;
}

static uint32_t key_of(const struct rte_mempool *mp)
{
	struct ibv_sge sge[2];
	unsigned hint = 0;

	return pp_regions_sge(&regions, &hint, memory_of(mp), 1, sge) == 1 ? sge[0].lkey : 0;
}

/* What is read lies behind the short one: with the length of the long one it would be in it. */
static void test_a_lookup_never_mixes_two_ranges(void **state)
{
	const struct sigaction stepping = { .sa_sigaction = step, .sa_flags = SA_SIGINFO };
	struct rte_mempool *one = mempool_of("one", SMALL), *two = mempool_of("two", SMALL);
	struct rte_mempool *read = memory_of(one) < memory_of(two) ? two : one;
	unsigned changes = 0, wrong = 0;
	bool changed;
	uint32_t key;

	(void)state;
	longer = mempool_of("long", 40 * SMALL);
	shorter = read == one ? two : one;
	assert_true(memory_of(shorter) + STAILQ_FIRST(&longer->mem_list)->len > memory_of(read));
	assert_int_equal(pp_regions_add(&regions, shorter), 0);
	assert_int_equal(pp_regions_add(&regions, read), 0);
	key = key_of(read);
	assert_int_not_equal(key, 0);
	sigaction(SIGTRAP, &stepping, NULL);
	do {
		/* There and back. */
		changed = false;
		for (unsigned i = 0; i < 2; i++) {
			steps = 0;
			change_at = 1 + changes / 2;
			raise(SIGTRAP);
			wrong += key_of(read) != key;
			changed = steps > change_at;
			/* It was over before. */
			change_at = 0;
		}
		changes += 2;
	} while (changed);
	if (wrong)
		fail_msg("%u of %u", wrong, changes);
	assert_true(changes > 50);
	pp_regions_clear(&regions);
	assert_int_equal(shim.live, 0);
	rte_mempool_free(one);
	rte_mempool_free(two);
	rte_mempool_free(longer);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_mempool_that_ends_leaves_its_place_to_the_next,
				       enter),
		cmocka_unit_test_setup(test_one_too_many_at_a_time_is_named_and_costs_itself,
				       enter),
		cmocka_unit_test_setup(test_a_pool_that_is_refused_is_left_as_it_was, enter),
		cmocka_unit_test_setup(test_a_lookup_never_mixes_two_ranges, enter),
	};

	test_eal_start(argc, argv, 0);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
