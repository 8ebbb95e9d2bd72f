/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: what is freed, refused or fails half way leaves nothing behind. */
#include "dpdk_test.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_memory.h>
#include <rte_version.h>

#include "pp_lcore.h"

#define MBUFS 2000

/* Once, so that EAL and the C library have what they keep. */
static int warm_up(void **state)
{
	(void)state;
	assert_int_equal(pp_pktmbuf_pool_free(
				 test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS })),
			 0);
	return 0;
}

static void test_free_gives_back_hugepages_files_and_lists(void **state)
{
	struct test_footprint before = test_footprint();
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	char name[RTE_MEMPOOL_NAMESIZE];

	(void)state;
	strcpy(name, mp->name);
	assert_ptr_equal(rte_mempool_lookup(name), mp);
	assert_int_equal(test_footprint().lists, before.lists + 1);
	if (test_pages == PP_PAGES_2M)
		assert_true(test_footprint().hugepage_kib >= before.hugepage_kib + 4096);
	rte_pktmbuf_free(m);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	test_footprint_assert(before);
	assert_null(rte_mempool_lookup(name));
}

static void test_free_refuses_while_mbufs_are_out(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });
	struct rte_mbuf *m[3];

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, m, 3), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), -EBUSY);
	assert_non_null(strstr(pp_error(), "3 mbufs"));
	test_lists_assert(mp);
	test_mbuf_assert(mp, m[2]);
	rte_pktmbuf_free_bulk(m, 3);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_rte_mempool_free_leaks_nothing(void **state)
{
	struct test_footprint before = test_footprint();

	(void)state;
	for (int out = 0; out < 2; out++) {
		struct rte_mempool *mp =
			test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });

		if (out)
			assert_non_null(rte_pktmbuf_alloc(mp));
		assert_non_null(pp_lcore_cache(pp_pktmbuf_pool(mp), 1));
		rte_mempool_free(mp);
		test_footprint_assert(before);
	}
}

static void test_an_ordinary_mempool_is_not_taken_for_one(void **state)
{
	struct rte_mempool *mp = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, 0);

	(void)state;
	assert_non_null(mp);
	assert_null(pp_pktmbuf_pool(mp));
	assert_null(pp_pktmbuf_pool(NULL));
	assert_int_equal(pp_pktmbuf_pool_free(mp), -EINVAL);
	assert_int_equal(pp_pktmbuf_pool_grow(mp, 1), -EINVAL);
	assert_int_equal(pp_pktmbuf_pool_shrink(mp, 1, 0), -EINVAL);
	assert_int_equal(pp_pktmbuf_pool_recover(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(NULL), 0);
	rte_mempool_free(mp);
}

static void test_ops_alone_make_no_pool(void **state)
{
	(void)state;
	assert_null(rte_pktmbuf_pool_create_by_ops("byops", 63, 0, 0, 2048, 0, "pktpool_mbuf"));
	assert_null(rte_mempool_lookup("byops"));
}

static void refused(const struct pp_pktmbuf_params *params, int error, const char *word)
{
	struct test_footprint before = test_footprint();

	assert_null(pp_pktmbuf_pool_create(params));
	if (rte_errno != error)
		fail_msg("errno %d, not %d: %s", rte_errno, error, pp_error());
	if (!strstr(pp_error(), word))
		fail_msg("\"%s\" does not name %s", pp_error(), word);
	test_footprint_assert(before);
}

static void test_wrong_parameters_are_refused_by_name(void **state)
{
	const struct pp_pktmbuf_params right = {
		.sz = sizeof(right),
		.name = "test",
		.mbufs = 64,
		.pages = test_pages,
	};
	struct pp_pktmbuf_params wrong;

	(void)state;
	wrong = right;
	wrong.sz = 0;
	refused(&wrong, EINVAL, "sz");
	wrong.sz = sizeof(right) + 8;
	refused(&wrong, EINVAL, "sz");
	wrong = right;
	wrong.name = NULL;
	refused(&wrong, EINVAL, "name");
	wrong.name = "a name that is longer than a mempool's";
	refused(&wrong, EINVAL, "name");
	wrong = right;
	wrong.priv_size = 12;
	refused(&wrong, EINVAL, "priv_size");
	wrong = right;
	wrong.socket = PP_NODES_MAX;
	refused(&wrong, EINVAL, "socket");
	wrong = right;
	wrong.mbufs = 63;
	refused(&wrong, EINVAL, "buffers");
	refused(NULL, EINVAL, "sz");
}

static void test_a_name_in_use_is_refused(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .name = "test", .mbufs = 64 });
	struct pp_pktmbuf_params again = {
		.sz = sizeof(again),
		.name = "test",
		.mbufs = 64,
		.pages = test_pages,
	};

	(void)state;
	refused(&again, EEXIST, "test");
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_ordinary_pages_have_no_physical_address(void **state)
{
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = "test",
		.mbufs = 64,
		.pages = PP_PAGES_4K,
	};
	struct rte_mempool *mp;

	(void)state;
	if (rte_eal_iova_mode() == RTE_IOVA_PA) {
		refused(&params, ENOTSUP, "4 KiB");
		return;
	}
	mp = pp_pktmbuf_pool_create(&params);
	assert_non_null(mp);
	test_lists_assert(mp);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* EAL's table of external memory is finite: fill it, and the next pool fails half way. */
static void test_no_room_in_eal_leaves_nothing(void **state)
{
	enum { MOST = 200 };
	char *memory = aligned_alloc(4096, MOST * 4096);
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = "test",
		.mbufs = 64,
		.pages = test_pages,
	};
	int n = 0;

	(void)state;
	assert_non_null(memory);
	while (n < MOST && !rte_extmem_register(memory + n * 4096, 4096, NULL, 1, 4096))
		n++;
	assert_in_range(n, 1, MOST - 1);
	refused(&params, ENOSPC, "external memory");
	while (n--)
		assert_int_equal(rte_extmem_unregister(memory + n * 4096, 4096), 0);
	free(memory);
	assert_int_equal(pp_pktmbuf_pool_free(
				 test_pool_create((struct pp_pktmbuf_params){ .mbufs = 64 })),
			 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_gives_back_hugepages_files_and_lists),
		cmocka_unit_test(test_free_refuses_while_mbufs_are_out),
		cmocka_unit_test(test_rte_mempool_free_leaks_nothing),
		cmocka_unit_test(test_an_ordinary_mempool_is_not_taken_for_one),
		cmocka_unit_test(test_ops_alone_make_no_pool),
		cmocka_unit_test(test_wrong_parameters_are_refused_by_name),
		cmocka_unit_test(test_a_name_in_use_is_refused),
		cmocka_unit_test(test_ordinary_pages_have_no_physical_address),
		cmocka_unit_test(test_no_room_in_eal_leaves_nothing),
	};

	test_eal_start(argc, argv, 16);
	return cmocka_run_group_tests(tests, warm_up, NULL) ? 1 : 0;
}
