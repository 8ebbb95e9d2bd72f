/* SPDX-License-Identifier: BSD-3-Clause */
/* Numa: a pool over two nodes has each hugepage where it says, asked of the kernel. */
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pktpool.h"

#define BUFFER 2048
#define PAGES 8
#define PER_PAGE ((2u << 20) / BUFFER)

static int failures;

#define CHECK(claim, ...)                                                          \
	do {                                                                       \
		if (!(claim)) {                                                    \
			printf("%s:%d: not so: %s: ", __FILE__, __LINE__, #claim); \
			printf(__VA_ARGS__);                                       \
			printf("\n");                                              \
			failures++;                                                \
		}                                                                  \
	} while (0)

static struct pp_pool *pool_on(uint64_t nodes, uint32_t pages, int *error)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "numa",
		.buffer_size = BUFFER,
		/* Colours take a few buffers of each hugepage: stay below what fits. */
		.buffers = pages * PER_PAGE - pages * PER_PAGE / 16,
		.nodes = nodes,
	};
	struct pp_pool *pool = NULL;

	*error = pp_pool_create(&params, &pool);
	return pool;
}

/* What the kernel says, not what the pool does. */
static int kernel_node(void *addr)
{
	int node = -1;

	if (get_mempolicy(&node, NULL, 0, addr, MPOL_F_NODE | MPOL_F_ADDR))
		return -errno;
	return node;
}

static void test_each_hugepage_is_on_its_node(void)
{
	struct pp_extent extent;
	struct pp_page_info info;
	unsigned on[2] = { 0 };
	int error;
	struct pp_pool *pool = pool_on(3, PAGES, &error);

	CHECK(pool, "%d %s", error, pp_error());
	if (!pool)
		return;
	pp_region_extent(pp_pool_region(pool), &extent);
	for (uint32_t p = 0; p < extent.pages; p++) {
		if (pp_region_page(pp_pool_region(pool), p, &info) || !info.present)
			continue;
		CHECK(info.node == kernel_node(info.start), "hugepage %u: %d, kernel %d", p,
		      info.node, kernel_node(info.start));
		CHECK(pp_buffer_node(pp_pool_region(pool), info.start) == info.node, "%u", p);
		if (info.node == 0 || info.node == 1)
			on[info.node]++;
	}
	CHECK(on[0] + on[1] >= PAGES - 1 && on[0] && on[1], "%u on node 0, %u on 1", on[0], on[1]);
	CHECK(on[0] > on[1] ? on[0] - on[1] <= 1 : on[1] - on[0] <= 1, "%u, %u", on[0], on[1]);
	CHECK(pp_pool_destroy(pool) == 0, "%s", pp_error());
}

struct user {
	struct pp_pool *pool;
	void **bufs;
	unsigned n; /* that it holds */
	int node;
};

static void *user_take_own(void *arg)
{
	struct user *user = arg;
	const struct pp_region *region = pp_pool_region(user->pool);
	struct pp_cache *cache;

	numa_run_on_node(user->node);
	cache = pp_pool_cache(user->pool);
	/* Half of its node's share: nothing forces it abroad. */
	user->n = pp_alloc_burst(cache, user->bufs, PAGES / 4 * PER_PAGE * 3 / 4, 0);
	for (unsigned i = 0; i < user->n; i++)
		if (kernel_node(user->bufs[i]) != user->node ||
		    pp_buffer_node(region, user->bufs[i]) != user->node)
			CHECK(0, "buffer %u of node %d's thread is on %d", i, user->node,
			      kernel_node(user->bufs[i]));
	return NULL;
}

static void *user_free(void *arg)
{
	struct user *user = arg;

	numa_run_on_node(user->node);
	pp_free_bulk(pp_pool_cache(user->pool), user->bufs, user->n);
	return NULL;
}

static void user_run(void *(*fn)(void *), struct user *user)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, fn, user), "no thread");
	pthread_join(thread, NULL);
}

static void test_own_node_first_and_strangers_go_home(void)
{
	int error;
	struct pp_stats stats;
	struct user user = { .pool = pool_on(3, PAGES, &error) };

	CHECK(user.pool, "%d %s", error, pp_error());
	if (!user.pool)
		return;
	user.bufs = calloc(PAGES * PER_PAGE, sizeof(*user.bufs));
	for (int node = 0; node < 2; node++) {
		user.node = node;
		user_run(user_take_own, &user);
		CHECK(user.n >= 1024, "%u on node %d", user.n, node);
		/* Freed on the other node: they are sent home and counted. */
		user.node = !node;
		user_run(user_free, &user);
		CHECK(pp_pool_check(user.pool) == 0, "%s", pp_error());
	}
	pp_pool_stats(user.pool, &stats);
	CHECK(stats.sum.remote > 0, "remote %lu", stats.sum.remote);
	CHECK(stats.in_flight == 0, "in flight %lu", stats.in_flight);
	/* And a second time each node's thread finds what is its own. */
	for (user.node = 0; user.node < 2; user.node++) {
		user_run(user_take_own, &user);
		user_run(user_free, &user);
	}
	free(user.bufs);
	CHECK(pp_pool_destroy(user.pool) == 0, "%s", pp_error());
}

static void test_every_buffer_can_be_had_from_one_node(void)
{
	int error;
	struct pp_stats stats;
	struct pp_pool *pool = pool_on(3, PAGES, &error);
	void **bufs = calloc(PAGES * PER_PAGE, sizeof(*bufs));
	unsigned n = 0, got;

	CHECK(pool, "%d %s", error, pp_error());
	if (!pool)
		return;
	numa_run_on_node(0);
	while ((got = pp_alloc_burst(pp_pool_cache(pool), bufs + n, 64, 0)))
		n += got;
	pp_pool_stats(pool, &stats);
	CHECK(n == stats.total, "%u of %lu", n, stats.total);
	CHECK(stats.sum.borrowed > 0, "borrowed %lu", stats.sum.borrowed);
	pp_free_bulk(pp_pool_cache(pool), bufs, n);
	CHECK(pp_pool_check(pool) == 0, "%s", pp_error());
	numa_run_on_node(-1);
	free(bufs);
	CHECK(pp_pool_destroy(pool) == 0, "%s", pp_error());
}

/* Node 1 has fewer hugepages than asked, node 0 more: no silent help from there. */
static void test_shortage_names_the_node(void)
{
	int error;
	struct pp_pool *pool = pool_on(2, 24, &error);

	CHECK(!pool && error == -ENOMEM, "%d", error);
	CHECK(strstr(pp_error(), "node1") || strstr(pp_error(), "node 1"), "it says: %s",
	      pp_error());
	printf("shortage: %s\n", pp_error());
	pp_pool_destroy(pool);
	pool = pool_on(1, 24, &error);
	CHECK(pool, "node 0 has them: %d %s", error, pp_error());
	pp_pool_destroy(pool);
}

int main(void)
{
	if (numa_available() < 0 || numa_max_node() != 1) {
		printf("this machine does not have two NUMA nodes\n");
		return 77;
	}
	test_each_hugepage_is_on_its_node();
	test_own_node_first_and_strangers_go_home();
	test_every_buffer_can_be_had_from_one_node();
	test_shortage_names_the_node();
	printf("%d failures\n", failures);
	return failures ? 1 : 0;
}
