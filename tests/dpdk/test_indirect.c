/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: mbufs without data of their own come out of an object cache, and go back there. */
#include "dpdk_test.h"

#include "../../examples/headers.h"

#define BUFFERS 64
#define KEPT 2
#define PAYLOAD 100

struct ground {
	struct pp_pool *pool;
	struct pp_mempool *critical;
	struct pp_objcache *oc;
	struct rte_mempool *headers, *mp;
};

static struct ground ground_make(void)
{
	struct pp_pool_params buffers = {
		.sz = sizeof(buffers), .buffer_size = 4096, .buffers = BUFFERS, .pages = test_pages
	};
	struct pp_mempool_params kept = { .sz = sizeof(kept),
					  .ops = &pp_mempool_pool,
					  .min_nr = KEPT };
	struct pp_objcache_params params = { .sz = sizeof(params), .name = "headers" };
	struct ground g = { 0 };

	assert_int_equal(pp_pool_create(&buffers, &g.pool), 0);
	kept.backing = params.pool = g.pool;
	assert_int_equal(pp_mempool_create(&kept, &g.critical), 0);
	params.critical = g.critical;
	g.headers = headers_create(params, &g.oc);
	if (!g.headers)
		fail_msg("%s", pp_error());
	g.mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 1000 });
	return g;
}

static struct pp_objcache_stats books(const struct ground *g)
{
	struct pp_objcache_stats stats;

	pp_objcache_stats(g->oc, &stats);
	return stats;
}

static void ground_end(struct ground *g)
{
	assert_int_equal(rte_mempool_in_use_count(g->mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(g->mp), 0);
	assert_int_equal(books(g).out, 0);
	assert_int_equal(books(g).faults, 0);
	rte_mempool_free(g->headers);
	assert_int_equal(pp_objcache_destroy(g->oc), 0);
	assert_int_equal(pp_mempool_destroy(g->critical), 0);
	assert_int_equal(pp_pool_check(g->pool), 0);
	assert_int_equal(pp_pool_destroy(g->pool), 0);
}

static struct rte_mbuf *packet_make(const struct ground *g)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(g->mp);

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, PAYLOAD), 0x5a, PAYLOAD);
	return m;
}

/* A free one: direct, with one reference, and room for nothing. */
static void header_assert(const struct ground *g, const struct rte_mbuf *m)
{
	assert_true(test_mbuf_fresh(g->headers, m));
	assert_int_equal(m->buf_len, 0);
	assert_int_equal((uintptr_t)m % RTE_CACHE_LINE_SIZE, 0);
	assert_ptr_equal(pp_pool_find(m), g->pool);
	assert_ptr_equal(rte_mempool_from_obj((void *)(uintptr_t)m), g->headers);
}

static void test_clones_are_objects_of_the_cache(void **state)
{
	struct ground g = ground_make();
	struct rte_mbuf *packet = packet_make(&g), *clones[200];
	const char *reason;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(clones); i++) {
		clones[i] = rte_pktmbuf_clone(packet, g.headers);
		assert_non_null(clones[i]);
		assert_true(RTE_MBUF_CLONED(clones[i]));
		assert_ptr_equal(pp_pool_find(clones[i]), g.pool);
		assert_ptr_equal(clones[i]->buf_addr, packet->buf_addr);
		assert_int_equal(clones[i]->buf_iova, packet->buf_iova);
		assert_int_equal(rte_mbuf_check(clones[i], 1, &reason), 0);
	}
	assert_int_equal(books(&g).out, RTE_DIM(clones));
	assert_int_equal(rte_mbuf_refcnt_read(packet), RTE_DIM(clones) + 1);
	/* Whoever is the last: the data stays until then. */
	rte_pktmbuf_free(packet);
	for (unsigned i = 0; i < RTE_DIM(clones); i++) {
		assert_int_equal(rte_mempool_in_use_count(g.mp), 1);
		assert_int_equal(*rte_pktmbuf_mtod_offset(clones[i], char *, PAYLOAD - 1), 0x5a);
		rte_pktmbuf_free(clones[i]);
	}
	ground_end(&g);
}

/* A chain is cloned by segments; one that was attached by hand is as before once detached. */
static void test_chains_and_detaching_do_as_well(void **state)
{
	struct ground g = ground_make();
	struct rte_mbuf *packet = packet_make(&g), *clone, *m;

	(void)state;
	assert_int_equal(rte_pktmbuf_chain(packet, packet_make(&g)), 0);
	clone = rte_pktmbuf_clone(packet, g.headers);
	assert_non_null(clone);
	assert_int_equal(clone->nb_segs, 2);
	assert_int_equal(clone->pkt_len, 2 * PAYLOAD);
	assert_int_equal(books(&g).out, 2);
	rte_pktmbuf_free(clone);
	assert_int_equal(books(&g).out, 0);

	m = rte_pktmbuf_alloc(g.headers);
	header_assert(&g, m);
	rte_pktmbuf_attach(m, packet);
	assert_int_equal(rte_mbuf_refcnt_read(packet), 2);
	rte_pktmbuf_detach(m);
	assert_int_equal(rte_mbuf_refcnt_read(packet), 1);
	header_assert(&g, m);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(packet);
	ground_end(&g);
}

static void test_headers_are_constructed_once_and_stay_as_they_are(void **state)
{
	struct ground g = ground_make();
	struct rte_mbuf *packet = packet_make(&g), *clone, *m[200];
	uint64_t constructed;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(g.headers, m, RTE_DIM(m)), 0);
	rte_pktmbuf_free_bulk(m, RTE_DIM(m));
	/* Some buffers have left; what they had is constructed when they come again. */
	constructed = books(&g).constructed;
	for (unsigned i = 0; i < 1000; i++) {
		clone = rte_pktmbuf_clone(packet, g.headers);
		assert_non_null(clone);
		rte_pktmbuf_free(clone);
	}
	assert_int_equal(books(&g).constructed, constructed);
	assert_int_equal(rte_mempool_get_bulk(g.headers, (void **)m, RTE_DIM(m)), 0);
	for (unsigned i = 0; i < RTE_DIM(m); i++)
		header_assert(&g, m[i]);
	rte_mempool_put_bulk(g.headers, (void **)m, RTE_DIM(m));
	rte_pktmbuf_free(packet);
	ground_end(&g);
}

/* When no buffer is left for more, a critical one is still to be had, and no other gets its place. */
static void test_a_critical_clone_is_made_when_no_other_can_be(void **state)
{
	struct ground g = ground_make();
	struct rte_mbuf *packet = packet_make(&g), **clones = calloc(BUFFERS * 64, sizeof(*clones));
	struct rte_mbuf *critical;
	struct pp_mempool_stats kept;
	unsigned n = 0;

	(void)state;
	assert_non_null(clones);
	while ((clones[n] = rte_pktmbuf_clone(packet, g.headers)))
		n++;
	assert_int_equal(n, (BUFFERS - KEPT) * books(&g).per_buffer);
	assert_int_equal(rte_mbuf_refcnt_read(packet), n + 1);
	headers_flags = PP_CRITICAL;
	critical = rte_pktmbuf_clone(packet, g.headers);
	headers_flags = 0;
	assert_non_null(critical);
	assert_int_equal(books(&g).out_critical, 1);
	assert_null(rte_pktmbuf_clone(packet, g.headers));
	rte_pktmbuf_free(critical);
	pp_mempool_stats(g.critical, &kept);
	assert_int_equal(kept.kept, KEPT);
	rte_pktmbuf_free_bulk(clones, n);
	free(clones);
	rte_pktmbuf_free(packet);
	ground_end(&g);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clones_are_objects_of_the_cache),
		cmocka_unit_test(test_chains_and_detaching_do_as_well),
		cmocka_unit_test(test_headers_are_constructed_once_and_stay_as_they_are),
		cmocka_unit_test(test_a_critical_clone_is_made_when_no_other_can_be),
	};

	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
