/* SPDX-License-Identifier: BSD-3-Clause */
/* Load: threads of all nodes allocate near and far, hand on, free and wander, while the pool
 * grows and shrinks; then every buffer is where it belongs. */
#include "numa_kernel.h"

#include <sched.h>
#include <time.h>

#define SECONDS 3
#define HANDS 64   /* buffers on their way from one node to the next */
#define HOARD 2500 /* what a thread keeps for a while: with the others', more than a node has */

/* A buffer bears who has it. */
struct load {
	struct pp_pool *pool;
	_Atomic uint32_t *held; /* by buffer number */
	_Atomic(void *) hands[PP_NODES_MAX][HANDS];
	_Atomic bool stop;
	_Atomic uint64_t turns, handed;
};

struct loader {
	struct load *load;
	uint32_t id;
	int node;
	bool wanders;
};

static uint32_t number_of(const struct load *load, void *buf)
{
	return (uint32_t)pp_buffer_index(pp_pool_region(load->pool), buf);
}

static void hold(struct load *load, void *buf, uint32_t id)
{
	uint32_t had = atomic_exchange(&load->held[number_of(load, buf)], id);

	CHECK(!had, "%p is %u's and %u's", buf, had, id);
	*(volatile uint32_t *)buf = id;
}

static void let_go(struct load *load, void *buf, uint32_t id)
{
	CHECK(*(volatile uint32_t *)buf == id, "%p was written by another than %u", buf, id);
	CHECK(atomic_exchange(&load->held[number_of(load, buf)], 0) == id, "%p is not %u's", buf,
	      id);
}

/* Puts some into the next node's hands and frees what it finds in its own. */
static void hand_on(struct load *load, struct pp_cache *cache, int node, void **bufs, unsigned n,
		    uint32_t id)
{
	int next = (node + 1) % nodes_here();

	for (unsigned i = 0; i < n; i++) {
		void *was;

		let_go(load, bufs[i], id);
		was = atomic_exchange(&load->hands[next][i % HANDS], bufs[i]);
		if (was)
			pp_free(cache, was);
	}
	for (unsigned i = 0; i < HANDS; i++) {
		void *got = atomic_exchange(&load->hands[node][i], NULL);

		if (!got)
			continue;
		pp_free(cache, got);
		atomic_fetch_add(&load->handed, 1);
	}
}

/* Until the next time: what it had before is freed, on whichever node that is. */
static unsigned hoard(struct loader *loader, struct pp_cache *cache, void **bufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		let_go(loader->load, bufs[i], loader->id);
	pp_free_bulk(cache, bufs, n);
	n = pp_alloc_burst(cache, bufs, HOARD, PP_REMOTE);
	for (unsigned i = 0; i < n; i++)
		hold(loader->load, bufs[i], loader->id);
	return n;
}

static void *loader_run(void *arg)
{
	static const unsigned flags[] = { 0, PP_REMOTE, 0, PP_CRITICAL, PP_REMOTE | PP_GROW };
	struct loader *loader = arg;
	struct load *load = loader->load;
	struct pp_cache *cache = pp_pool_cache(load->pool);
	uint64_t random = loader->id;
	int node = loader->node;
	void *bufs[300], **hoarded = calloc(HOARD, sizeof(*hoarded));
	unsigned hoards = 0;

	for (unsigned turn = 0; !atomic_load(&load->stop); turn++) {
		unsigned n, kept;

		if (turn % 64 == 0) {
			node = loader->wanders ? (node + 1) % nodes_here() : node;
			numa_run_on_node(node);
			hoards = hoard(loader, cache, hoarded, hoards);
		}
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		n = pp_alloc_burst(cache, bufs, 1 + (unsigned)(random >> 40) % 300,
				   flags[turn % 5]);
		for (unsigned i = 0; i < n; i++)
			hold(load, bufs[i], loader->id);
		kept = n / 2;
		hand_on(load, cache, node, bufs + kept, n - kept, loader->id);
		for (unsigned i = 0; i < kept; i++)
			let_go(load, bufs[i], loader->id);
		pp_free_bulk(cache, bufs, kept);
		atomic_fetch_add(&load->turns, 1);
	}
	for (unsigned i = 0; i < hoards; i++)
		let_go(load, hoarded[i], loader->id);
	pp_free_bulk(cache, hoarded, hoards);
	free(hoarded);
	return NULL;
}

/* By a thread of that node, without the flag: all of its node's, and none other. */
struct audit {
	struct load *load;
	int node;
};

static void *audit_run(void *arg)
{
	struct audit *audit = arg;
	struct pp_pool *pool = audit->load->pool;
	struct pp_cache *cache = pp_cache_create(pool, "audit");
	uint64_t own = node_of(pool, audit->node).total;
	void **bufs = calloc(own + 64, sizeof(*bufs));
	unsigned n = 0, got;

	while (n < own + 64 && (got = pp_alloc_burst(cache, bufs + n, 1, 0)) != 0)
		n += got;
	CHECK(n == own, "%u of %lu on node %d", n, own, audit->node);
	for (unsigned i = 0; i < n; i += 61)
		CHECK(kernel_node(bufs[i]) == audit->node, "%d on %d", kernel_node(bufs[i]),
		      audit->node);
	pp_free_bulk(cache, bufs, n);
	pp_cache_destroy(cache);
	free(bufs);
	return NULL;
}

static void load_end(struct load *load)
{
	struct pp_stats stats;
	uint64_t pages = 0;

	for (int node = 0; node < nodes_here(); node++)
		for (unsigned i = 0; i < HANDS; i++)
			if (load->hands[node][i])
				pp_pool_free(load->pool, (void **)&load->hands[node][i], 1);
	pp_pool_collect(load->pool);
	CHECK(pp_pool_check(load->pool) == 0, "%s", pp_error());
	pp_pool_stats(load->pool, &stats);
	CHECK(stats.in_flight == 0 && stats.marked == 0, "in flight %lu, marked %lu",
	      stats.in_flight, stats.marked);
	CHECK(stats.reserve == stats.floor, "reserve %lu of %lu", stats.reserve, stats.floor);
	CHECK(stats.sum.remote && stats.sum.borrowed && load->handed, "%lu, %lu, %lu",
	      stats.sum.remote, stats.sum.borrowed, load->handed);
	CHECK(pp_pool_set_reserve(load->pool, 0) == 0, "%s", pp_error());
	for (int node = 0; node < nodes_here(); node++) {
		struct audit audit = { load, node };

		pages += node_of(load->pool, node).pages;
		run_on(node, audit_run, &audit);
	}
	CHECK(pages == stats.pages, "%lu of %u", pages, stats.pages);
	printf("load: %lu turns, %lu handed on, %lu borrowed, %lu sent home\n", load->turns,
	       load->handed, stats.sum.borrowed, stats.sum.remote);
}

void test_load(void)
{
	uint32_t nodes = (uint32_t)nodes_here(), threads = 2 * nodes;
	struct load load = { 0 };
	struct loader loaders[2 * PP_NODES_MAX];
	pthread_t thread[2 * PP_NODES_MAX];
	unsigned grown = 0, shrunk = 0;
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	time_t end;
	int error;

	load.pool = pool_on((1ull << nodes) - 1, 4 * nodes, 6 * nodes, &error);
	CHECK(load.pool, "%d %s", error, pp_error());
	if (!load.pool)
		return;
	load.held = calloc(pp_buffer_index_end(pp_pool_region(load.pool)), sizeof(*load.held));
	CHECK(pp_pool_set_reserve(load.pool, 500) == 0, "%s", pp_error());
	for (uint32_t i = 0; i < threads; i++) {
		loaders[i] = (struct loader){ &load, i + 1, (int)(i % nodes), i >= nodes };
		CHECK(!pthread_create(&thread[i], NULL, loader_run, &loaders[i]), "no thread");
	}
	end = time(NULL) + SECONDS;
	for (unsigned i = 0; time(NULL) < end || !grown || !shrunk; i++) {
		grown += pp_pool_grow_on(load.pool, (int)(i % nodes), 1) > 0;
		nanosleep(&pause, NULL);
		shrunk += pp_pool_shrink_on(load.pool, (int)((i + 1) % nodes), 1, 50000) > 0;
	}
	atomic_store(&load.stop, true);
	for (uint32_t i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("load: grown %u times, shrunk %u times\n", grown, shrunk);
	load_end(&load);
	free(load.held);
	CHECK(pp_pool_destroy(load.pool) == 0, "%s", pp_error());
}
