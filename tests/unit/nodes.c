/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: see nodes.h. */
#include "nodes.h"

#include "pp_node.h"

struct nodes nodes;
__thread int node_here;

static int made_here(void)
{
	return node_here;
}

static bool made_has_memory(int node)
{
	return node < nodes.count;
}

/* In a row. */
static int made_distance(int from, int to)
{
	return 10 + 10 * abs(from - to);
}

static int made_bind(void *start, size_t bytes, int node)
{
	(void)start;
	assert_int_equal(bytes, 2 << 20);
	if (atomic_fetch_sub(&nodes.left[node], 1) > 0)
		return 0;
	atomic_fetch_add(&nodes.left[node], 1);
	return -ENOMEM;
}

void nodes_make(int count, int32_t pages)
{
	pp_node_map = (struct pp_node_map){
		.here = made_here,
		.has_memory = made_has_memory,
		.distance = made_distance,
		.bind = made_bind,
	};
	nodes.count = count;
	for (int node = 0; node < PP_NODES_MAX; node++)
		nodes.left[node] = node < count ? pages : 0;
	node_here = 0;
}

static struct pp_pool *pool_over(struct pp_pool_params params, uint32_t max, uint32_t flags)
{
	params.nodes = (1ull << nodes.count) - 1;
	params.buffers_max = max;
	params.flags = flags;
	params.owners = 8;
	return pool_of(&params);
}

struct pp_pool *nodes_pool(uint32_t buffers, uint32_t max, uint32_t flags)
{
	return pool_over(params_4k(2048, buffers), max, flags);
}

struct pp_pool *nodes_pool_big(uint32_t pages, uint32_t max, uint32_t flags)
{
	/* An odd number of lines has no colour. */
	return pool_over(params_4k(131072 - 64, 16 * pages), 16 * max, flags);
}

struct seek {
	int node;
	struct pp_node_info info;
};

static void node_note(const struct pp_node_info *info, void *arg)
{
	struct seek *seek = arg;

	if (info->node == seek->node)
		seek->info = *info;
}

struct pp_node_info node_of(const struct pp_pool *pool, int node)
{
	struct seek seek = { .node = node, .info = { .node = -1 } };

	pp_pool_each_node(pool, node_note, &seek);
	assert_int_equal(seek.info.node, node);
	return seek.info;
}

static bool is_home(const char *place, uint32_t id, const uint32_t *offsets, uint32_t n, void *arg)
{
	struct pp_store *store = arg;
	uint32_t d = strcmp(place, "deque") ? id : store->owners[id].depot;

	if (strcmp(place, "deque") != 0 && strcmp(place, "depot") != 0)
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (pp_store_home(store, offsets[i]) != d)
			fail_msg("%s %u of depot %u has a buffer of depot %u", place, id, d,
				 pp_store_home(store, offsets[i]));
	return true;
}

void all_are_home(struct pp_pool *pool, uint64_t in_flight)
{
	books_hold(pool, in_flight);
	pp_walk_blocks(&pool->store, is_home, &pool->store);
}

unsigned count_on(const struct pp_pool *pool, void *const *bufs, unsigned n, int node)
{
	unsigned on = 0;

	for (unsigned i = 0; i < n; i++)
		on += pp_buffer_node(pp_pool_region(pool), bufs[i]) == node;
	return on;
}
