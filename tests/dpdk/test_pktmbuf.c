/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: a pktmbuf pool is an ordinary mempool to whoever uses it, and leaves nothing behind. */
#include "dpdk_test.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>

#define MBUFS 4000

static void test_every_mbuf_is_taken_once_and_comes_home(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });
	const struct pp_region *region = pp_pool_region(pp_pktmbuf_pool(mp));
	uint8_t *seen = calloc(pp_buffer_index_end(region), 1);
	struct rte_mbuf **mbufs;
	unsigned n;

	(void)state;
	assert_true(mp->populated_size >= MBUFS);
	assert_int_equal(rte_mempool_avail_count(mp), mp->populated_size);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	for (int round = 1; round <= 2; round++) {
		n = test_drain(mp, &mbufs);
		assert_int_equal(n, mp->populated_size);
		assert_int_equal(rte_mempool_in_use_count(mp), n);
		assert_int_equal(rte_mempool_avail_count(mp), 0);
		for (unsigned i = 0; i < n; i++) {
			int64_t index = pp_buffer_index(region, mbufs[i]);

			assert_true(index >= 0);
			assert_int_equal(seen[index], round - 1);
			seen[index] = (uint8_t)round;
			test_mbuf_assert(mp, mbufs[i]);
		}
		rte_pktmbuf_free_bulk(mbufs, n);
		assert_int_equal(rte_mempool_in_use_count(mp), 0);
		free(mbufs);
	}
	test_lists_assert(mp);
	rte_mempool_audit(mp);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	free(seen);
}

static void test_bulk_takes_all_or_nothing(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 64 });
	unsigned all = mp->populated_size;
	struct rte_mbuf **mbufs = calloc(all + 1, sizeof(*mbufs));

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, all + 1), -ENOBUFS);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, all), 0);
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs + all, 1), -ENOBUFS);
	rte_pktmbuf_free_bulk(mbufs, all);
	free(mbufs);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* Linked by `next`: n of them, each as a free mbuf but for that, then `end`. Leaves them reset. */
static void list_assert(struct rte_mempool *mp, struct rte_mbuf *m, unsigned n,
			const struct rte_mbuf *end)
{
	struct rte_mbuf *next;

	for (; n; n--, m = next) {
		assert_non_null(m);
		next = m->next;
		m->next = NULL;
		assert_true(test_mbuf_fresh(mp, m));
		rte_pktmbuf_reset(m);
		test_mbuf_assert(mp, m);
		m->next = next;
	}
	assert_ptr_equal(m, end);
}

static void test_a_list_is_a_chain_of_mbufs(void **state)
{
	static const unsigned sizes[] = { 1, 2, 64, 65, 200 };
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS });
	struct pp_cache *cache = pp_pool_cache(pp_pktmbuf_pool(mp));
	struct rte_mbuf **mbufs;
	const char *reason;
	void *list = NULL;
	unsigned all;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
		unsigned n = sizes[i];
		struct rte_mbuf *m;

		list = NULL;
		assert_int_equal(pp_alloc_bulk_list(cache, &list, n, 0), n);
		list_assert(mp, list, n, NULL);
		assert_int_equal(rte_mempool_in_use_count(mp), n);
		/* A packet of as many segments: DPDK frees the chain. */
		m = list;
		m->nb_segs = (uint16_t)n;
		m->pkt_len = 0;
		for (struct rte_mbuf *s = m; s; s = s->next) {
			s->data_len = 10;
			m->pkt_len += 10;
		}
		assert_int_equal(rte_mbuf_check(m, 1, &reason), 0);
		rte_pktmbuf_free(m);
		assert_int_equal(rte_mempool_in_use_count(mp), 0);
		/* In front of another, and freed as it came. */
		list = NULL;
		assert_int_equal(pp_alloc_bulk_list(cache, &list, 3, 0), 3);
		m = list;
		assert_int_equal(pp_alloc_bulk_list(cache, &list, n, PP_CRITICAL), n);
		list_assert(mp, list, n, m);
		list_assert(mp, m, 3, NULL);
		assert_int_equal(pp_free_bulk_list(cache, list), n + 3);
		assert_int_equal(rte_mempool_in_use_count(mp), 0);
	}
	/* All or nothing, and what came on the way is as it was. */
	list = NULL;
	assert_int_equal(pp_alloc_bulk_list(cache, &list, mp->populated_size + 1, 0), 0);
	assert_null(list);
	all = mp->populated_size;
	mbufs = calloc(all, sizeof(*mbufs));
	assert_non_null(mbufs);
	assert_int_equal(rte_mempool_get_bulk(mp, (void **)mbufs, all), 0);
	for (unsigned i = 0; i < all; i++)
		assert_true(test_mbuf_fresh(mp, mbufs[i]));
	rte_mempool_put_bulk(mp, (void **)mbufs, all);
	free(mbufs);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_a_cache_in_front_is_in_nobodys_way(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS, .cache = 64 });
	struct rte_mbuf *mbufs[32], **all;
	struct pp_stats stats;
	unsigned n;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, 32), 0);
	for (unsigned i = 0; i < 32; i++)
		rte_pktmbuf_free(mbufs[i]);
	/* Free to who asks the mempool, in flight to the pool. */
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	assert_in_range(stats.in_flight, 32, 96);
	n = test_drain(mp, &all);
	assert_int_equal(n, mp->populated_size);
	rte_pktmbuf_free_bulk(all, n);
	free(all);
	/* One is kept, as a closed port does; the cached ones are not taken for such. */
	mbufs[0] = rte_pktmbuf_alloc(mp);
	assert_non_null(mbufs[0]);
	assert_int_equal(pp_pktmbuf_pool_free(mp), -EBUSY);
	assert_non_null(strstr(pp_error(), "1 mbufs"));
	mbufs[1] = rte_pktmbuf_alloc(mp);
	rte_pktmbuf_free(mbufs[1]);
	assert_int_equal(pp_pktmbuf_pool_recover(mp), 1);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	mbufs[0] = rte_pktmbuf_alloc(mp);
	rte_pktmbuf_free(mbufs[0]);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* A failed refill of the cache in front must leave what is in it alone. */
static void test_run_dry_through_a_cache_each_mbuf_is_out_once(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = MBUFS, .cache = 64 });
	struct rte_mbuf **mbufs = calloc(mp->populated_size + 8, sizeof(struct rte_mbuf *));
	unsigned n = 0;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		while (!rte_mempool_get_bulk(mp, (void **)(mbufs + n), 7))
			for (unsigned end = n + 7; n < end; n++)
				assert_int_equal(mbufs[n]->hash.usr++, 0);
		assert_int_equal(n + rte_mempool_avail_count(mp), mp->populated_size);
		for (unsigned left = n > 1000 ? n - 1000 + round : 0; n > left; n--) {
			mbufs[n - 1]->hash.usr = 0;
			rte_mempool_put(mp, mbufs[n - 1]);
		}
	}
	rte_mempool_put_bulk(mp, (void **)mbufs, n);
	free(mbufs);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_a_cache_too_large_or_beside_a_reserve_is_refused(void **state)
{
	struct pp_pktmbuf_params params = { .sz = sizeof(params),
					    .name = "refused",
					    .mbufs = 256,
					    .socket = SOCKET_ID_ANY,
					    .pages = test_pages };

	(void)state;
	params.cache = 171;
	assert_null(pp_pktmbuf_pool_create(&params));
	assert_int_equal(rte_errno, EINVAL);
	params.mbufs = MBUFS;
	params.cache = RTE_MEMPOOL_CACHE_MAX_SIZE + 1;
	assert_null(pp_pktmbuf_pool_create(&params));
	assert_int_equal(rte_errno, EINVAL);
	params.cache = 64;
	params.reserve = 64;
	assert_null(pp_pktmbuf_pool_create(&params));
	assert_int_equal(rte_errno, EINVAL);
	assert_non_null(strstr(pp_error(), "reserve 64"));
}

/* The fields beside those that must differ: address, IOVA, pool. */
static void test_an_mbuf_is_as_rte_pktmbuf_pool_create_makes_it(void **state)
{
	struct rte_mempool *mp = test_pool_create(
		(struct pp_pktmbuf_params){ .mbufs = 64, .priv_size = 48, .data_room = 1000 });
	struct rte_mempool *peer = rte_pktmbuf_pool_create("peer", 63, 0, 48, 1000, 0);
	struct rte_mbuf *a, *b;

	(void)state;
	assert_non_null(peer);
	a = rte_pktmbuf_alloc(mp);
	b = rte_pktmbuf_alloc(peer);
	assert_int_equal(a->data_off, b->data_off);
	assert_int_equal(a->buf_len, b->buf_len);
	assert_int_equal(a->priv_size, b->priv_size);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->ol_flags, b->ol_flags);
	assert_int_equal((char *)a->buf_addr - (char *)a, (char *)b->buf_addr - (char *)b);
	assert_int_equal(mp->elt_size, peer->elt_size);
	assert_int_equal(mp->header_size, peer->header_size);
	assert_int_equal(rte_pktmbuf_data_room_size(mp), rte_pktmbuf_data_room_size(peer));
	rte_pktmbuf_free(a);
	rte_pktmbuf_free(b);
	rte_mempool_free(peer);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_no_second_cache_is_in_the_way(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 64 });

	(void)state;
	assert_null(rte_mempool_default_cache(mp, 0));
	assert_int_equal(mp->cache_size, 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

struct seen_segments {
	const struct pp_extent *extent;
	unsigned n;
};

static int segment_see(const struct rte_memseg_list *list, const struct rte_memseg *seg, void *arg)
{
	struct seen_segments *seen = arg;

	if (list->base_va == seen->extent->base) {
		assert_int_equal(seg->iova, rte_mem_virt2iova(seg->addr));
		seen->n++;
	}
	return 0;
}

static void test_eal_sees_the_hugepages_that_are_there(void **state)
{
	struct rte_mempool *mp =
		test_pool_create((struct pp_pktmbuf_params){ .mbufs = 2000, .mbufs_max = 8000 });
	struct pp_extent extent;
	struct seen_segments seen = { .extent = &extent };
	struct pp_stats stats;

	(void)state;
	pp_region_extent(pp_pool_region(pp_pktmbuf_pool(mp)), &extent);
	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	assert_true(stats.pages < extent.pages);
	rte_memseg_walk(segment_see, &seen);
	assert_int_equal(seen.n, stats.pages);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void gapless_next(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	char **next = arg;

	(void)i;
	assert_ptr_equal((char *)obj - mp->header_size, *next);
	*next += mp->header_size + mp->elt_size + mp->trailer_size;
}

static void gapless_chunk(struct rte_mempool *mp, void *arg, struct rte_mempool_memhdr *chunk,
			  unsigned i)
{
	char **next = arg;

	(void)mp;
	(void)i;
	assert_ptr_equal(chunk->addr, *next);
	*next += chunk->len;
}

/* What net_af_xdp makes of it: first chunk's address, populated_size x object size. */
static void test_a_gapless_pool_is_one_array(void **state)
{
	/* Of 43 lines each: an mbuf lies at the end of a hugepage, its data on the next. */
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){
		.mbufs = 3000, .data_room = 2560, .flags = PP_POOL_GAPLESS });
	char *first = STAILQ_FIRST(&mp->mem_list)->addr, *object = first, *chunk = first;
	struct rte_mbuf **mbufs;
	unsigned n;

	(void)state;
	assert_true(mp->nb_mem_chunks > 2);
	rte_mempool_obj_iter(mp, gapless_next, &object);
	rte_mempool_mem_iter(mp, gapless_chunk, &chunk);
	assert_ptr_equal(object, chunk);
	n = test_drain(mp, &mbufs);
	assert_int_equal(n, mp->populated_size);
	assert_int_equal((size_t)(object - first),
			 (size_t)n * rte_mempool_calc_obj_size(mp->elt_size, mp->flags, NULL));
	for (unsigned i = 0; i < n; i++)
		test_mbuf_assert(mp, mbufs[i]);
	assert_int_equal(!!(mp->flags & RTE_MEMPOOL_F_NO_IOVA_CONTIG),
			 rte_eal_iova_mode() == RTE_IOVA_PA);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
	test_lists_assert(mp);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

static void test_recovered_mbufs_are_as_new(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 600 });
	struct rte_mbuf **mbufs, *kept[100];
	unsigned n;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, kept, 100), 0);
	for (int i = 0; i < 100; i++) {
		rte_mbuf_refcnt_set(kept[i], 3);
		kept[i]->nb_segs = 7;
		kept[i]->next = kept[(i + 1) % 100];
		kept[i]->data_off = 3;
		kept[i]->ol_flags = RTE_MBUF_F_EXTERNAL;
		kept[i]->buf_addr = NULL;
		kept[i]->buf_iova = 1;
	}
	assert_int_equal(pp_pktmbuf_pool_recover(mp), 100);
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	n = test_drain(mp, &mbufs);
	assert_int_equal(n, mp->populated_size);
	for (unsigned i = 0; i < n; i++)
		test_mbuf_assert(mp, mbufs[i]);
	rte_pktmbuf_free_bulk(mbufs, n);
	free(mbufs);
	assert_int_equal(pp_pktmbuf_pool_recover(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_mbuf_is_taken_once_and_comes_home),
		cmocka_unit_test(test_bulk_takes_all_or_nothing),
		cmocka_unit_test(test_a_list_is_a_chain_of_mbufs),
		cmocka_unit_test(test_a_cache_in_front_is_in_nobodys_way),
		cmocka_unit_test(test_run_dry_through_a_cache_each_mbuf_is_out_once),
		cmocka_unit_test(test_a_cache_too_large_or_beside_a_reserve_is_refused),
		cmocka_unit_test(test_an_mbuf_is_as_rte_pktmbuf_pool_create_makes_it),
		cmocka_unit_test(test_no_second_cache_is_in_the_way),
		cmocka_unit_test(test_eal_sees_the_hugepages_that_are_there),
		cmocka_unit_test(test_a_gapless_pool_is_one_array),
		cmocka_unit_test(test_recovered_mbufs_are_as_new),
	};

	test_eal_start(argc, argv, 16);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
