/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what a mempool on our ops is told does what it says, and what is no option is refused. */
#include "ops_options.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include "ops_test.h"

#define N 5000

static void test_what_is_no_option_fails_the_mempool_and_says_so(void **state)
{
	static const char *const bad[] = { "reserv=1",       "reserve",           "reserve=-1",
					   "reserve=1x",     "debug=2",           "caches=0",
					   "caches=251",     "layout=none",       "lcore_cache=513",
					   "debug=1,what=2", "reserve=999999999", "poison=" };
	unsigned zones = ops_zones();

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		ops_logged();
		assert_null(ops_mempool("bad", 100, 0, bad[i]));
		assert_int_equal(rte_errno, EINVAL);
		assert_non_null(strstr(ops_logged(), "pktpool: bad: "));
		assert_int_equal(ops_zones(), zones);
	}
	setenv("PKTPOOL_MEMPOOL", "reserve=7,nonsense=1", 1);
	assert_null(ops_mempool("bad", 100, 0, NULL));
	assert_non_null(strstr(ops_logged(), "no option \"nonsense\" in PKTPOOL_MEMPOOL"));
	/* What a mempool is given counts for more than what all are. */
	setenv("PKTPOOL_MEMPOOL", "reserve=7", 1);
	for (unsigned given = 0; given < 2; given++) {
		struct rte_mempool *mp = ops_mempool("env", 100, 0, given ? "reserve=3" : NULL);

		assert_int_equal(mp->size, given ? 103 : 107);
		rte_mempool_free(mp);
	}
	unsetenv("PKTPOOL_MEMPOOL");
	/* What they say is of a type of its own, in any DPDK. */
	assert_int_equal(rte_log_set_level_pattern("mempool.pktpool", RTE_LOG_CRIT), 0);
	ops_logged();
	assert_null(ops_mempool("bad", 100, 0, bad[0]));
	assert_string_equal(ops_logged(), "");
	rte_log_set_level_pattern("mempool.pktpool", RTE_LOG_INFO);
}

static void test_reserve_is_on_top_and_for_the_critical(void **state)
{
	struct rte_mempool *mp = ops_mempool("reserve", N, 0, "reserve=64");
	int (*critical)(int on) = (int (*)(int))ops_symbol("pktpool_mempool_critical");
	static void *objs[N + 64], *more;

	(void)state;
	assert_non_null(mp);
	assert_int_equal(mp->size, N + 64);
	assert_int_equal(rte_mempool_avail_count(mp), N + 64);
	assert_int_equal(rte_mempool_get_bulk(mp, objs, N), 0);
	assert_int_equal(rte_mempool_get(mp, &more), -ENOBUFS);
	assert_int_equal(critical(1), 0);
	assert_int_equal(rte_mempool_get_bulk(mp, objs + N, 65), -ENOBUFS);
	assert_int_equal(rte_mempool_get_bulk(mp, objs + N, 64), 0);
	assert_int_equal(rte_mempool_get(mp, &more), -ENOBUFS);
	assert_int_equal(critical(0), 1);
	/* What comes home fills the reserve first. */
	rte_mempool_put_bulk(mp, objs, 64);
	assert_int_equal(rte_mempool_get(mp, &more), -ENOBUFS);
	rte_mempool_put(mp, objs[64]);
	assert_int_equal(rte_mempool_get(mp, &more), 0);
	rte_mempool_put(mp, more);
	rte_mempool_put_bulk(mp, objs + 65, N - 1);
	assert_int_equal(rte_mempool_avail_count(mp), N + 64);
	rte_mempool_free(mp);
}

static void test_debug_sees_misuse_and_leaves_objects_alone(void **state)
{
	struct rte_mempool *mp = ops_mempool("debug", 1000, 0, "debug=1");
	int stranger = 0;
	void *obj;

	(void)state;
	assert_non_null(mp);
	ops_all_of(mp, 1000);
	assert_int_equal(rte_mempool_get(mp, &obj), 0);
	memset(obj, 0x11, 512);
	rte_mempool_put(mp, obj);
	assert_int_equal(((uint8_t *)obj)[500], 0x11);
	ops_logged();
	rte_mempool_put(mp, obj);
	assert_non_null(strstr(ops_logged(), "double free"));
	obj = &stranger;
	rte_mempool_ops_enqueue_bulk(mp, &obj, 1);
	assert_non_null(strstr(ops_logged(), "foreign free"));
	ops_all_of(mp, 1000);
	rte_mempool_free(mp);
}

/* Past what a sanitizer forbids. */
static __attribute__((no_sanitize_address, noinline)) uint8_t byte_peek(void *obj, unsigned at)
{
	return ((volatile uint8_t *)obj)[at];
}

static __attribute__((no_sanitize_address, noinline)) void byte_poke(void *obj, unsigned at)
{
	((volatile uint8_t *)obj)[at] = 1;
}

static void test_poison_sees_a_write_after_the_free(void **state)
{
	struct rte_mempool *mp = ops_mempool("poison", 100, 0, "poison=128");
	void *obj;

	(void)state;
	assert_non_null(mp);
	assert_int_equal(rte_mempool_get(mp, &obj), 0);
	memset(obj, 0x11, 512);
	rte_mempool_put(mp, obj);
	assert_int_equal(byte_peek(obj, 127), 0x11);
	assert_int_equal(byte_peek(obj, 128), 0x5a);
	ops_logged();
	byte_poke(obj, 130);
	ops_all_of(mp, 100);
	assert_non_null(strstr(ops_logged(), "written after free"));
	rte_mempool_free(mp);
}

static unsigned layout_gaps(struct rte_mempool *mp)
{
	struct rte_mempool_objhdr *hdr;
	char *before = NULL;
	unsigned gaps = 0;

	STAILQ_FOREACH(hdr, &mp->elt_list, next)
	{
		size_t stride = mp->header_size + mp->elt_size + mp->trailer_size;

		if (before && (char *)hdr != before + stride)
			gaps++;
		before = (char *)hdr;
	}
	return gaps;
}

static void test_objects_are_gapless_and_ascending_unless_asked_otherwise(void **state)
{
	struct rte_mempool *mp = ops_empty("gaps", N, 2200, 0, NULL);
	bool physical = rte_eal_iova_mode() == RTE_IOVA_PA;

	(void)state;
	ops_logged();
	assert_int_equal(rte_mempool_populate_default(mp), N);
	/* With physical addresses, at the ends of its pieces; net_af_xdp knows nothing of these. */
	assert_in_range(layout_gaps(mp), 0, mp->nb_mem_chunks - 1);
	assert_true(physical || mp->nb_mem_chunks == 1);
	assert_int_equal(strstr(ops_logged(), "net_af_xdp LOSES") != NULL, layout_gaps(mp) > 0);
	ops_all_of(mp, N);
	rte_mempool_free(mp);
	mp = ops_empty("gaps", N, 2200, 0, "layout=one");
	ops_logged();
	if (rte_mempool_populate_default(mp) == N)
		assert_int_equal(layout_gaps(mp), 0);
	else
		assert_true(physical && strstr(ops_logged(), "in several pieces"));
	rte_mempool_free(mp);
	mp = ops_empty("gaps", N, 2200, 0, "layout=pages");
	assert_int_equal(rte_mempool_populate_default(mp), N);
	assert_int_not_equal(layout_gaps(mp), 0);
	ops_all_of(mp, N);
	rte_mempool_free(mp);
}

static unsigned times(const char *text, const char *words)
{
	unsigned n = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		n++;
	}
	return n;
}

static void test_several_pieces_are_said_once(void **state)
{
	static char memory[3][1 << 20] __attribute__((aligned(4096)));
	struct rte_mempool *mp = ops_empty("pieces", N, 2048, 0, NULL);

	(void)state;
	ops_logged();
	for (unsigned i = 3; i-- > 0;)
		assert_true(rte_mempool_populate_iova(mp, memory[i], RTE_BAD_IOVA,
						      sizeof(memory[i]), NULL, NULL) > 0);
	assert_int_equal(times(ops_logged(), "pieces: EAL's memory is in several pieces"), 1);
	ops_all_of(mp, mp->populated_size);
	rte_mempool_free(mp);
	/* Who asks for gaps does not count on it. */
	mp = ops_empty("pieces", N, 2048, 0, "layout=pages");
	for (unsigned i = 3; i-- > 0;)
		assert_true(rte_mempool_populate_iova(mp, memory[i], RTE_BAD_IOVA,
						      sizeof(memory[i]), NULL, NULL) > 0);
	assert_int_equal(times(ops_logged(), "pieces"), 0);
	rte_mempool_free(mp);
}

/* More than EAL has: of the books, when there is a mempool to have them. */
static void test_no_memory_is_said_and_leaves_nothing(void **state)
{
	unsigned zones = ops_zones();
	struct rte_mempool *mp;

	(void)state;
	/* No such node here. */
	assert_null(rte_pktmbuf_pool_create_by_ops("far", 1000, 0, 0, 2176, RTE_MAX_NUMA_NODES - 1,
						   "pktpool"));
	assert_int_not_equal(rte_errno, 0);
	assert_int_equal(ops_zones(), zones);
	mp = ops_empty("vast", 200000000, 64, 0, NULL);
	assert_non_null(mp);
	ops_logged();
	assert_int_equal(rte_mempool_populate_default(mp), -ENOMEM);
	assert_non_null(strstr(ops_logged(), "vast: no "));
	rte_mempool_free(mp);
	if (!rte_eal_has_hugepages())
		return;
	/* A node that has memory for the mempool's own structure and no more. */
	mp = ops_empty("far", 1000, 64, 0, NULL);
	assert_non_null(mp);
	mp->socket_id = RTE_MAX_NUMA_NODES - 1;
	ops_logged();
	assert_true(rte_mempool_populate_default(mp) < 0);
	assert_non_null(strstr(ops_logged(), " KiB of EAL's memory on node 31 for the books"));
	rte_mempool_free(mp);
	assert_int_equal(ops_zones(), zones);
}

/* As if the application had another DPDK. */
static const char *other_version;

const char *rte_version(void)
{
	static const char *(*own)(void);

	if (!own)
		own = (const char *(*)(void))dlsym(RTLD_NEXT, "rte_version");
	return other_version ? other_version : own();
}

/* 1: another version; 2: the same, built with a smaller max_lcores. */
static void other_begin(const struct rte_mempool *mp, unsigned other)
{
	other_version = other == 1 ? "DPDK 23.11.0" : NULL;
	if (other == 2)
		((struct rte_memzone *)(uintptr_t)mp->mz)->len -=
			64 * sizeof(struct rte_mempool_cache);
}

static void test_caches_of_another_dpdk_are_left_alone(void **state)
{
	(void)state;
	for (unsigned other = 0; other < 3; other++) {
		struct rte_mempool *mp = ops_mempool("caches", 1000, 250, "debug=1");
		void *obj;

		/* One object is out, and others are in this lcore's cache. */
		assert_int_equal(rte_mempool_get(mp, &obj), 0);
		assert_true(mp->local_cache[rte_lcore_id()].len > 0);
		other_begin(mp, other);
		ops_logged();
		rte_mempool_free(mp);
		assert_non_null(strstr(ops_logged(), other ? "or free in caches of its own"
							   : "and 1 of its objects are out"));
		mp = rte_mempool_create_empty("caches", 1000, 64, 250, 0, SOCKET_ID_ANY, 0);
		assert_int_equal(rte_mempool_set_ops_byname(mp, "pktpool",
							    (void *)(uintptr_t) "lcore_cache=0"),
				 0);
		other_begin(mp, other);
		assert_int_equal(rte_mempool_populate_default(mp), other ? -ENOTSUP : 1000);
		assert_int_equal(mp->local_cache[rte_lcore_id()].size, other ? 250 : 0);
		assert_int_equal(!strstr(ops_logged(), "lcore_cache is for DPDK 22.11"), !other);
		other_version = NULL;
		rte_mempool_free(mp);
	}
}

static void test_lcore_caches_are_tuned_and_private_data_stays(void **state)
{
	struct rte_mempool *mp;
	unsigned lcore = rte_lcore_id();

	(void)state;
	setenv("PKTPOOL_MEMPOOL", "lcore_cache=0", 1);
	mp = rte_pktmbuf_pool_create_by_ops("mbufs", 2000, 250, 64, 2176, SOCKET_ID_ANY, "pktpool");
	unsetenv("PKTPOOL_MEMPOOL");
	assert_non_null(mp);
	assert_int_equal(mp->cache_size, 250);
	assert_int_equal(mp->local_cache[lcore].size, 0);
	assert_int_equal(rte_pktmbuf_data_room_size(mp), 2176);
	assert_int_equal(rte_pktmbuf_priv_size(mp), 64);
	for (unsigned round = 0; round < 3; round++) {
		struct rte_mbuf *mbufs[2000];

		assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, 2000), 0);
		assert_null(rte_pktmbuf_alloc(mp));
		rte_pktmbuf_free_bulk(mbufs, 2000);
		assert_int_equal(rte_mempool_avail_count(mp), 2000);
		assert_int_equal(mp->local_cache[lcore].len, 0);
	}
	rte_mempool_free(mp);
}

int ops_options_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_option_fails_the_mempool_and_says_so),
		cmocka_unit_test(test_reserve_is_on_top_and_for_the_critical),
		cmocka_unit_test(test_debug_sees_misuse_and_leaves_objects_alone),
		cmocka_unit_test(test_poison_sees_a_write_after_the_free),
		cmocka_unit_test(test_objects_are_gapless_and_ascending_unless_asked_otherwise),
		cmocka_unit_test(test_several_pieces_are_said_once),
		cmocka_unit_test(test_no_memory_is_said_and_leaves_nothing),
		cmocka_unit_test(test_caches_of_another_dpdk_are_left_alone),
		cmocka_unit_test(test_lcore_caches_are_tuned_and_private_data_stays),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
