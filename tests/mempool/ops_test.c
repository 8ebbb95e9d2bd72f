/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops-test: an EAL with the mempool ops loaded, and mempools on them. */
#include "ops_test.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *log_stream;
static char *log_text;
static size_t log_size;
static void *handle;

void ops_start(const char *plugin, const char *mode)
{
	char prefix[32], iova[32];
	bool nohuge = !strcmp(mode, "nohuge");
	char *args[] = { "ops",
			 "-m",
			 "256",
			 "--socket-limit",
			 "256",
			 iova,
			 "--no-pci",
			 "--no-telemetry",
			 "--file-prefix",
			 prefix,
			 "--log-level=lib.eal:error",
			 nohuge ? "--no-huge" : "--in-memory" };

	snprintf(prefix, sizeof(prefix), "ops%d", (int)getpid());
	snprintf(iova, sizeof(iova), "--iova-mode=%s", nohuge ? "va" : mode);
	handle = dlopen(plugin, RTLD_NOW);
	if (!handle) {
		printf("cannot load it: %s\n", dlerror());
		exit(1);
	}
	if (rte_eal_init(RTE_DIM(args), args) < 0) {
		printf("skipped: EAL cannot start: %s%s\n", rte_strerror(rte_errno),
		       nohuge ? "" : " (128 hugepages of 2 MiB? root, for mode pa?)");
		exit(SKIPPED);
	}
	log_stream = open_memstream(&log_text, &log_size);
	rte_openlog_stream(log_stream);
}

void *ops_symbol(const char *name)
{
	void *symbol = dlsym(handle, name);

	assert_non_null(symbol);
	return symbol;
}

const char *ops_logged(void)
{
	static char text[4096];

	fflush(log_stream);
	/* Behind what was written since lies what was there before. */
	snprintf(text, sizeof(text), "%.*s", (int)log_size, log_text);
	rewind(log_stream);
	fflush(log_stream);
	return text;
}

struct rte_mempool *ops_empty(const char *name, unsigned n, unsigned size, unsigned cache,
			      const char *config)
{
	struct rte_mempool *mp =
		rte_mempool_create_empty(name, n, size, cache, 0, SOCKET_ID_ANY, 0);

	assert_non_null(mp);
	if (rte_mempool_set_ops_byname(mp, "pktpool", (void *)(uintptr_t)config)) {
		rte_mempool_free(mp);
		return NULL;
	}
	return mp;
}

struct rte_mempool *ops_mempool(const char *name, unsigned n, unsigned cache, const char *config)
{
	struct rte_mempool *mp = ops_empty(name, n, 512, cache, config);
	int rc = mp ? rte_mempool_populate_default(mp) : -EINVAL;

	if (rc >= 0)
		return mp;
	rte_mempool_free(mp);
	rte_errno = -rc;
	return NULL;
}

static void zone_count(const struct rte_memzone *mz, void *arg)
{
	(void)mz;
	++*(unsigned *)arg;
}

unsigned ops_zones(void)
{
	unsigned n = 0;

	rte_memzone_walk(zone_count, &n);
	return n;
}

static int pointers_compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

void ops_all_of(struct rte_mempool *mp, unsigned n)
{
	void **objs = calloc(n + 1, sizeof(*objs));
	void **sorted = calloc(n + 1, sizeof(*objs));

	for (unsigned i = 0; i < n; i++)
		if (rte_mempool_get(mp, &objs[i]))
			fail_msg("%u of %u, and no more", i, n);
	assert_int_equal(rte_mempool_get(mp, &objs[n]), -ENOBUFS);
	memcpy(sorted, objs, n * sizeof(*objs));
	qsort(sorted, n, sizeof(*sorted), pointers_compare);
	for (unsigned i = 1; i < n; i++)
		assert_ptr_not_equal(sorted[i], sorted[i - 1]);
	for (unsigned i = 0; i < n; i++)
		assert_ptr_equal(rte_mempool_from_obj(objs[i]), mp);
	for (unsigned i = 0; i < n; i++)
		rte_mempool_put(mp, objs[i]);
	assert_int_equal(rte_mempool_avail_count(mp), n);
	free(sorted);
	free(objs);
}
