/* SPDX-License-Identifier: BSD-3-Clause */
/* Subject: a DPDK process with pools to be looked at, which does what its stdin says. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "pktpool.h"
#include "pp_pktmbuf.h"

#define HELD_MAX 65536
#define SITES 3
/* Of what the leaking call site takes, it keeps one in so many. */
#define KEPT 1000

static void *held[HELD_MAX];
static unsigned held_n;
static const char *const site_names[SITES] = { "receive", "clone", "answer" };

static struct pp_pool *raw_find_result;
static const char *raw_find_name;

static void raw_look(struct pp_pool *pool, void *arg)
{
	(void)arg;
	if (!strcmp(pp_pool_name(pool), raw_find_name))
		raw_find_result = pool;
}

static struct pp_pool *raw_find(const char *name)
{
	raw_find_result = NULL;
	raw_find_name = name;
	pp_pool_each(raw_look, NULL);
	return raw_find_result;
}

static uint32_t flags_of(const char *how)
{
	return (strstr(how, "debug") ? PP_POOL_DEBUG : 0) |
	       (strstr(how, "owners") ? PP_POOL_OWNERS : 0);
}

static void answer(int rc, const char *text)
{
	printf("%s %s\n", rc ? "error" : "ok", text);
	fflush(stdout);
}

static void pool_make(const char *name, unsigned n, const char *how)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = name,
		.buffer_size = 256,
		.buffers = n,
		.owners = 8,
		.pages = PP_PAGES_4K,
		.flags = flags_of(how),
	};
	struct pp_pool *pool;

	if (strstr(how, "many"))
		params.owners = PP_OWNERS_MAX;
	answer(pp_pool_create(&params, &pool), pp_error());
}

static void pktmbuf_make(const char *name, unsigned n, const char *how)
{
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = name,
		.mbufs = n,
		.socket = SOCKET_ID_ANY,
		.pages = PP_PAGES_4K,
		.flags = flags_of(how),
	};

	answer(!pp_pktmbuf_pool_create(&params), pp_error());
}

static void mempool_make(const char *name, unsigned n, const char *how)
{
	unsigned cache = strstr(how, "cached") ? 64 : 0;

	answer(!rte_pktmbuf_pool_create_by_ops(name, n, cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					       SOCKET_ID_ANY, "pktpool"),
	       rte_strerror(rte_errno));
}

/* As an application takes from them. */
struct taker {
	struct pp_pool *pool; /* or */
	struct rte_mempool *mp;
	int (*mempool_tag)(struct rte_mempool *mp, const char *name);
};

static bool taker_find(struct taker *taker, const char *name, const char *plugin)
{
	memset(taker, 0, sizeof(*taker));
	taker->mp = rte_mempool_lookup(name);
	taker->pool = taker->mp ? pp_pktmbuf_pool(taker->mp) : raw_find(name);
	if (taker->mp && !taker->pool && *plugin) {
		void *object = dlopen(plugin, RTLD_NOW | RTLD_NOLOAD);

		if (object)
			*(void **)&taker->mempool_tag = dlsym(object, "pktpool_mempool_tag");
	}
	return taker->mp || taker->pool;
}

static void *taker_take(const struct taker *taker, const char *site)
{
	void *buf = NULL;

	if (taker->pool)
		pp_pool_set_tag(taker->pool, (unsigned)pp_pool_tag(taker->pool, site));
	else if (taker->mempool_tag)
		taker->mempool_tag(taker->mp, site);
	if (taker->mp)
		return rte_mempool_get(taker->mp, &buf) ? NULL : buf;
	return pp_alloc(pp_pool_cache(taker->pool), 0);
}

static void taker_give(const struct taker *taker, void *buf)
{
	if (taker->mp)
		rte_mempool_put(taker->mp, buf);
	else
		pp_free(pp_pool_cache(taker->pool), buf);
}

/* Each round each call site takes a buffer and gives it back, but for the one that leaks. */
static void leak(const char *name, unsigned rounds, const char *leaking, const char *plugin)
{
	struct taker taker;
	unsigned kept = 0;

	if (!taker_find(&taker, name, plugin)) {
		answer(1, "no such pool");
		return;
	}
	for (unsigned i = 1; i <= rounds; i++)
		for (unsigned site = 0; site < SITES; site++) {
			void *buf = taker_take(&taker, site_names[site]);

			if (!buf) {
				answer(1, "empty");
				return;
			}
			if (i % KEPT == 0 && !strcmp(site_names[site], leaking) &&
			    held_n < HELD_MAX) {
				held[held_n++] = buf;
				kept++;
			} else
				taker_give(&taker, buf);
		}
	printf("ok kept %u\n", kept);
	fflush(stdout);
}

static void release(const char *name)
{
	struct taker taker;

	if (taker_find(&taker, name, ""))
		while (held_n)
			taker_give(&taker, held[--held_n]);
	answer(0, "");
}

static void destroy(const char *name)
{
	struct rte_mempool *mp = rte_mempool_lookup(name);
	struct pp_pool *pool = raw_find(name);

	if (mp && pp_pktmbuf_pool(mp))
		answer(pp_pktmbuf_pool_free(mp), pp_error());
	else if (mp) {
		rte_mempool_free(mp);
		answer(0, "");
	} else
		answer(pool ? pp_pool_destroy(pool) : 1, pool ? pp_error() : "no such pool");
}

/* Pools of one name that come and go, for who reads them meanwhile. */
static void churn(const char *name, unsigned rounds)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = name,
		.buffer_size = 256,
		.buffers = 1024,
		.pages = PP_PAGES_4K,
		.flags = PP_POOL_DEBUG,
	};

	for (unsigned i = 0; i < rounds; i++) {
		struct pp_pool *pool;
		void *bufs[64];

		if (pp_pool_create(&params, &pool)) {
			answer(1, pp_error());
			return;
		}
		pp_pool_free(pool, bufs, pp_pool_alloc_burst(pool, bufs, 64));
		if (pp_pool_destroy(pool)) {
			answer(1, pp_error());
			return;
		}
	}
	answer(0, "");
}

/* So many caches of their own. */
static void caches(const char *name, unsigned n)
{
	struct pp_pool *pool = raw_find(name);

	for (unsigned i = 0; pool && i < n; i++) {
		char text[24];

		snprintf(text, sizeof(text), "worker%u", i);
		if (!pp_cache_create(pool, text))
			pool = NULL;
	}
	answer(!pool, pp_error());
}

/* Bursts of 32 taken and given back, for so many milliseconds: cycles a buffer, the
 * smallest and the median of rounds of 4096. */
static int cost_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void work(const char *name, unsigned ms)
{
	struct pp_pool *pool = raw_find(name);
	struct pp_cache *cache = pool ? pp_pool_cache(pool) : NULL;
	uint64_t end = rte_get_timer_cycles() + rte_get_timer_hz() / 1000 * ms;
	static double costs[1 << 20];
	size_t n = 0;

	while (cache && n < RTE_DIM(costs) && rte_get_timer_cycles() < end) {
		uint64_t began = rte_rdtsc();
		void *bufs[32];

		for (unsigned i = 0; i < 128; i++) {
			unsigned got = pp_alloc_burst(cache, bufs, 32, 0);

			pp_free_bulk(cache, bufs, got);
		}
		costs[n++] = (double)(rte_rdtsc() - began) / 4096;
	}
	if (!n) {
		answer(1, "no such pool");
		return;
	}
	qsort(costs, n, sizeof(costs[0]), cost_compare);
	printf("ok %.3f %.3f %zu\n", costs[0], costs[n / 2], n);
	fflush(stdout);
}

/* The name is the rest of the line: it may have anything in it. */
static void line_do(char *line, const char *plugin)
{
	char verb[16], word[32];
	unsigned n;
	int at = 0;

	line[strcspn(line, "\n")] = 0;
	if (sscanf(line, "%15s %u %31s%n", verb, &n, word, &at) < 3 || !line[at] || !line[++at])
		answer(1, "VERB NUMBER WORD NAME");
	else if (!strcmp(verb, "pool"))
		pool_make(line + at, n, word);
	else if (!strcmp(verb, "pktmbuf"))
		pktmbuf_make(line + at, n, word);
	else if (!strcmp(verb, "mempool"))
		mempool_make(line + at, n, word);
	else if (!strcmp(verb, "leak"))
		leak(line + at, n, word, plugin);
	else if (!strcmp(verb, "release"))
		release(line + at);
	else if (!strcmp(verb, "destroy"))
		destroy(line + at);
	else if (!strcmp(verb, "churn"))
		churn(line + at, n);
	else if (!strcmp(verb, "work"))
		work(line + at, n);
	else if (!strcmp(verb, "caches"))
		caches(line + at, n);
	else
		answer(1, "no such verb");
}

int main(int argc, char **argv)
{
	const char *plugin = getenv("SUBJECT_PLUGIN");
	char line[512];

	/* EAL itself loads nothing from a directory below one that anybody can write to. */
	if (plugin && !dlopen(plugin, RTLD_NOW)) {
		printf("error %s\n", dlerror());
		return 1;
	}
	if (rte_eal_init(argc, argv) < 0) {
		printf("skipped EAL cannot start: %s\n", rte_strerror(rte_errno));
		return 77;
	}
	answer(0, "");
	while (fgets(line, sizeof(line), stdin))
		line_do(line, plugin ? plugin : "");
	rte_eal_cleanup();
	return 0;
}
