/* SPDX-License-Identifier: BSD-3-Clause */
/* Numa: a pool over several nodes has each hugepage and each buffer where it says, asked of the
 * kernel; own node first, others by flag only. */
#include "numa_kernel.h"

/* Half of what the smallest node has, so that there is something to grow by. */
static uint32_t share(void)
{
	long least = hugepages_on(0);

	for (int node = 1; node < nodes_here(); node++)
		if (hugepages_on(node) < least)
			least = hugepages_on(node);
	return (uint32_t)least / 2;
}

static uint64_t all_nodes(void)
{
	return (1ull << nodes_here()) - 1;
}

static void placed_right(struct pp_pool *pool)
{
	const struct pp_region *region = pp_pool_region(pool);
	unsigned on[PP_NODES_MAX] = { 0 };
	struct pp_extent extent;
	struct pp_page_info info;

	pp_region_extent(region, &extent);
	for (uint32_t p = 0; p < extent.pages; p++) {
		if (pp_region_page(region, p, &info) || !info.present)
			continue;
		CHECK(info.node == kernel_node(info.start), "hugepage %u: %d, kernel %d", p,
		      info.node, kernel_node(info.start));
		CHECK(pp_buffer_node(region, info.start) == info.node, "%u", p);
		on[info.node]++;
	}
	for (int node = 0; node < nodes_here(); node++)
		CHECK(on[node] == node_of(pool, node).pages, "node %d: %u, books %u", node,
		      on[node], node_of(pool, node).pages);
}

static void test_each_hugepage_is_on_its_node(void)
{
	uint32_t pages = share(), nodes = (uint32_t)nodes_here();
	int error, rc;
	struct pp_pool *pool = pool_on(all_nodes(), pages * nodes, 2 * pages * nodes, &error);

	CHECK(pool, "%d %s", error, pp_error());
	if (!pool)
		return;
	for (int node = 0; node < (int)nodes; node++)
		CHECK(node_of(pool, node).pages == pages, "%u on node %d",
		      node_of(pool, node).pages, node);
	placed_right(pool);
	/* Each gives one back and takes another's place. */
	for (int node = 0; node < (int)nodes; node++) {
		rc = pp_pool_shrink_on(pool, node, 1, 1000000);
		CHECK(rc > 0, "%d %s", rc, pp_error());
		rc = pp_pool_grow_on(pool, (node + 1) % (int)nodes, 1);
		CHECK(rc > 0, "%d %s", rc, pp_error());
		placed_right(pool);
	}
	CHECK(pp_pool_check(pool) == 0, "%s", pp_error());
	CHECK(pp_pool_destroy(pool) == 0, "%s", pp_error());
}

struct user {
	struct pp_pool *pool;
	void **bufs;
	unsigned n;    /* that it holds */
	unsigned most; /* that it is to take */
	unsigned flags;
	int node;
	uint64_t borrowed; /* as its cache counts */
};

static void borrowed_note(const struct pp_cache_info *info, void *arg)
{
	struct user *user = arg;

	if (!strcmp(info->name, "user"))
		user->borrowed = info->counters.borrowed;
}

static void *user_take(void *arg)
{
	struct user *user = arg;
	struct pp_cache *cache = pp_cache_create(user->pool, "user");
	unsigned n = user->n;

	while (user->n < user->most) {
		unsigned more = user->most - user->n;
		unsigned got = pp_alloc_burst(cache, user->bufs + user->n, more < 64 ? more : 64,
					      user->flags);

		user->n += got;
		if (!got)
			break;
	}
	for (; n < user->n && !(user->flags & PP_REMOTE); n += 31)
		CHECK(kernel_node(user->bufs[n]) == user->node, "buffer %u of node %d's is on %d",
		      n, user->node, kernel_node(user->bufs[n]));
	pp_pool_each_cache(user->pool, borrowed_note, user);
	pp_cache_destroy(cache);
	return NULL;
}

static void *user_free(void *arg)
{
	struct user *user = arg;

	for (unsigned i = 0; i < user->n; i += 64)
		pp_free_bulk(pp_pool_cache(user->pool), user->bufs + i,
			     user->n - i < 64 ? user->n - i : 64);
	user->n = 0;
	return NULL;
}

/* Each node dry in turn: without the flag nothing more, with it all the others'. */
static void test_dry_node_with_and_without_the_flag(void)
{
	uint32_t pages = share(), nodes = (uint32_t)nodes_here();
	struct pp_stats stats;
	struct user user;
	uint64_t remote = 0;
	int error;

	user = (struct user){ .pool = pool_on(all_nodes(), pages * nodes, 0, &error) };
	CHECK(user.pool, "%d %s", error, pp_error());
	if (!user.pool)
		return;
	pp_pool_stats(user.pool, &stats);
	user.bufs = calloc(stats.total, sizeof(*user.bufs));
	for (user.node = 0; user.node < (int)nodes; user.node++) {
		uint64_t own = node_of(user.pool, user.node).total;

		user.most = (unsigned)stats.total;
		user.flags = 0;
		run_on(user.node, user_take, &user);
		CHECK(user.n == own, "%u of %lu on node %d", user.n, own, user.node);
		CHECK(user.borrowed == 0, "%lu", user.borrowed);
		user.flags = PP_REMOTE;
		run_on(user.node, user_take, &user);
		CHECK(user.n == stats.total, "%u of %lu", user.n, stats.total);
		CHECK(user.borrowed == stats.total - own, "%lu of %lu", user.borrowed,
		      stats.total - own);
		/* Freed on another node: all of that one's stay there, the rest go home. */
		user.node = (user.node + 1) % (int)nodes;
		remote += stats.total - node_of(user.pool, user.node).total;
		run_on(user.node, user_free, &user);
		user.node = (user.node + (int)nodes - 1) % (int)nodes;
		CHECK(pp_pool_check(user.pool) == 0, "%s", pp_error());
	}
	pp_pool_stats(user.pool, &stats);
	CHECK(stats.sum.remote == remote, "remote %lu of %lu", stats.sum.remote, remote);
	CHECK(stats.in_flight == 0, "in flight %lu", stats.in_flight);
	pp_pool_print(user.pool, stdout);
	free(user.bufs);
	CHECK(pp_pool_destroy(user.pool) == 0, "%s", pp_error());
}

/* A thread that has moved, by the kernel's doing or its own, gets what is near there. */
static void *user_wanders(void *arg)
{
	struct user *user = arg;
	struct pp_cache *cache = pp_pool_cache(user->pool);
	void *bufs[1024];

	for (unsigned i = 0; i < 3 * (unsigned)nodes_here(); i++) {
		int node = (int)i % nodes_here();

		numa_run_on_node(node);
		/* A block may be in hand, and one in the stash: the second bulk is new. */
		for (unsigned turn = 0; turn < 2; turn++)
			CHECK(pp_alloc_bulk(cache, bufs + 512 * turn, 512, 0) == 512, "%s",
			      pp_error());
		for (unsigned b = 512; b < 1024; b += 51)
			CHECK(kernel_node(bufs[b]) == node, "turn %u: %d, on node %d", i,
			      kernel_node(bufs[b]), node);
		pp_free_bulk(cache, bufs, 1024);
	}
	return NULL;
}

static void test_a_wandering_thread_gets_what_is_near(void)
{
	uint32_t pages = share(), nodes = (uint32_t)nodes_here();
	struct user user;
	int error;

	user = (struct user){ .pool = pool_on(all_nodes(), pages * nodes, 0, &error) };
	CHECK(user.pool, "%d %s", error, pp_error());
	if (!user.pool)
		return;
	run_on(0, user_wanders, &user);
	CHECK(pp_pool_check(user.pool) == 0, "%s", pp_error());
	CHECK(pp_pool_destroy(user.pool) == 0, "%s", pp_error());
}

/* The last node has fewer hugepages than asked, the others more: no silent help from there. */
static void test_shortage_names_the_node(void)
{
	int last = nodes_here() - 1, error, rc;
	long there = hugepages_on(last);
	struct pp_pool *pool = pool_on(1ull << last, (uint32_t)there + 3, 0, &error);
	char node[32], has[64], command[160];

	snprintf(node, sizeof(node), "node %d", last);
	snprintf(has, sizeof(has), "(0 of %ld free", there);
	snprintf(command, sizeof(command),
		 "echo %ld > /sys/devices/system/node/node%d/hugepages/hugepages-2048kB/"
		 "nr_hugepages",
		 there + 3, last);
	CHECK(!pool && error == -ENOMEM, "%d", error);
	CHECK(strstr(pp_error(), node) && strstr(pp_error(), has) && strstr(pp_error(), command),
	      "it says: %s", pp_error());
	printf("shortage: %s\n", pp_error());
	CHECK(hugepages_on(last) == there, "%ld of %ld are back", hugepages_on(last), there);
	pool = pool_on(all_nodes(), 4 * (uint32_t)nodes_here(), 400, &error);
	CHECK(pool, "%d %s", error, pp_error());
	if (!pool)
		return;
	/* As many as there are, and then none, whatever the others have. */
	rc = pp_pool_grow_on(pool, last, ((uint32_t)there + 1) * 1000);
	CHECK(rc > 0 && node_of(pool, last).pages == there, "%d: %u pages", rc,
	      node_of(pool, last).pages);
	rc = pp_pool_grow_on(pool, last, 1);
	CHECK(rc == -ENOMEM && strstr(pp_error(), node), "%d %s", rc, pp_error());
	CHECK(pp_pool_grow_on(pool, 63, 1) == -EINVAL, "%s", pp_error());
	/* Nobody said where. */
	rc = pp_pool_grow(pool, 1);
	CHECK(rc > 0, "%d %s", rc, pp_error());
	placed_right(pool);
	CHECK(pp_pool_destroy(pool) == 0, "%s", pp_error());
	pool = pool_on(1ull << 40, 4, 0, &error);
	CHECK(!pool && error == -EINVAL && strstr(pp_error(), "node 40"), "%d %s", error,
	      pp_error());
}

int main(void)
{
	if (numa_available() < 0 || nodes_here() < 2) {
		printf("this machine has one NUMA node\n");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_each_hugepage_is_on_its_node();
	test_dry_node_with_and_without_the_flag();
	test_a_wandering_thread_gets_what_is_near();
	test_shortage_names_the_node();
	test_load();
	printf("%d nodes: %d failures\n", nodes_here(), failures);
	return failures ? 1 : 0;
}
