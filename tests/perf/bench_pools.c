/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools: ours and rte_mempool's, of one size, both on hugepages of 2 MiB. */
#include "bench.h"

#include <errno.h>
#include <pktpool.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#define PAGE_BYTES (2ul << 20)
/* What rte_mempool puts before an object, and may add for memory channels. */
#define MEMPOOL_EXTRA 128
#define MEMPOOL_CACHE 512
#define RING_SLOTS 1024
#define FREE_FILE "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"

long pages_free(void)
{
	FILE *file = fopen(FREE_FILE, "r");
	long pages;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &pages) != 1)
		pages = -1;
	fclose(file);
	return pages;
}

unsigned long pages_of_mempool(unsigned long buffers, unsigned long size)
{
	/* Objects, and a ring of the next power of two; the heap rounds up. */
	return (buffers * (size + MEMPOOL_EXTRA) + buffers * 2 * sizeof(void *)) / PAGE_BYTES + 2;
}

unsigned long pages_needed(const struct bench_options *options)
{
	unsigned long most = 0, pages;

	for (unsigned i = 0; i < options->size_count; i++) {
		unsigned long buffers = options->sizes[i];
		unsigned long size = options_buffer_size(options, options->sizes[i]);

		pages = buffers * size / PAGE_BYTES + 2;
		/* The first size has one more rte_mempool, with a small cache. */
		pages += ((i == 0) + (buffers > BENCH_STACK_MAX ? 1 : 2)) *
			 pages_of_mempool(buffers, size);
		most = pages > most ? pages : most;
	}
	pages = pages_of_mempool(options->create_mib * 512ul, 2048);
	return (pages > most ? pages : most) + 4;
}

struct pp_pool *pktpool_create(unsigned buffers, unsigned buffer_size, bool owners)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "bench",
		.buffer_size = buffer_size,
		.buffers = buffers,
		.owners = 2,
		.pages = PP_PAGES_2M,
		.flags = owners ? PP_POOL_OWNERS : 0,
	};
	struct pp_pool *pool;

	if (pp_pool_create(&params, &pool)) {
		fprintf(stderr, "pktpool-bench: pktpool of %u buffers: %s\n", buffers, pp_error());
		return NULL;
	}
	return pool;
}

struct rte_mempool *mempool_create(const char *name, unsigned buffers, unsigned size,
				   const char *ops, unsigned cache)
{
	struct rte_mempool *pool =
		rte_mempool_create_empty(name, buffers, size, cache, 0, SOCKET_ID_ANY, 0);

	if (pool && rte_mempool_set_ops_byname(pool, ops, NULL) == 0 &&
	    rte_mempool_populate_default(pool) == (int)buffers)
		return pool;
	fprintf(stderr, "pktpool-bench: rte_mempool %s of %u buffers: %s\n", ops, buffers,
		rte_strerror(rte_errno));
	rte_mempool_free(pool);
	return NULL;
}

int pools_create(struct bench_pools *pools, const struct bench_options *options, unsigned buffers)
{
	static const char *const ops[2] = { "ring_mp_mc", "stack" };

	unsigned buffer_size = options_buffer_size(options, buffers);
	unsigned held = options_held(options, buffers);

	*pools = (struct bench_pools){ .buffers = buffers, .held = held };
	pools->pktpool = pktpool_create(buffers, buffer_size, options->owners);
	if (!pools->pktpool)
		return -ENOMEM;
	for (unsigned i = 0; i < (buffers > BENCH_STACK_MAX ? 1 : 2); i++) {
		pools->mempools[i] =
			mempool_create(ops[i], buffers, buffer_size, ops[i], MEMPOOL_CACHE);
		if (!pools->mempools[i])
			goto undo;
	}
	pools->ring =
		rte_ring_create("bench", RING_SLOTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!pools->ring)
		goto undo;
	for (unsigned i = 0; i < 2; i++) {
		pools->seats[PEER_PKTPOOL][i] =
			pp_cache_create(pools->pktpool, i ? "second" : "first");
		pools->seats[PEER_RING][i] = pools->mempools[0];
		pools->seats[PEER_STACK][i] = pools->mempools[1];
		pools->seats[PEER_FLOOR][i] = lifo_create(held + BENCH_ASIDE_MAX + 64);
		if (!pools->seats[PEER_PKTPOOL][i] || !pools->seats[PEER_FLOOR][i])
			goto undo;
	}
	return 0;
undo:
	pools_destroy(pools);
	return -ENOMEM;
}

/* A bench that lost a buffer measured something else. */
int mempool_check(const struct rte_mempool *pool)
{
	unsigned out = pool ? rte_mempool_in_use_count(pool) : 0;

	if (out)
		fprintf(stderr, "pktpool-bench: %s: %u buffers did not come home\n", pool->name,
			out);
	return out ? -EBUSY : 0;
}

int pools_destroy(struct bench_pools *pools)
{
	int error = 0;

	if (pools->pktpool && pp_pool_check(pools->pktpool)) {
		fprintf(stderr, "pktpool-bench: %s\n", pp_error());
		error = -EUCLEAN;
	}
	for (unsigned i = 0; i < 2; i++) {
		pp_cache_destroy(pools->seats[PEER_PKTPOOL][i]);
		lifo_destroy(pools->seats[PEER_FLOOR][i]);
		if (mempool_check(pools->mempools[i]))
			error = -EBUSY;
		rte_mempool_free(pools->mempools[i]);
	}
	rte_mempool_free(pools->small_cache);
	rte_ring_free(pools->ring);
	if (pp_pool_destroy(pools->pktpool)) {
		fprintf(stderr, "pktpool-bench: %s\n", pp_error());
		error = -EBUSY;
	}
	*pools = (struct bench_pools){ 0 };
	return error;
}

int pools_add_small_cache(struct bench_pools *pools, const struct bench_options *options)
{
	pools->small_cache =
		mempool_create("small", pools->buffers,
			       options_buffer_size(options, pools->buffers), "ring_mp_mc", 64);
	return pools->small_cache ? 0 : -ENOMEM;
}

static double create_scale(uint64_t cycles, unsigned mib)
{
	return (double)cycles / (double)rte_get_tsc_hz() * 1024 / mib;
}

double create_measure_pktpool(unsigned mib, unsigned rounds)
{
	uint64_t least = UINT64_MAX;

	for (unsigned r = 0; r < rounds; r++) {
		uint64_t start = rte_rdtsc_precise();
		struct pp_pool *pool = pktpool_create(mib * 512, 2048, false);
		uint64_t cycles = rte_rdtsc_precise() - start;

		if (!pool)
			return -1;
		least = cycles < least ? cycles : least;
		pp_pool_destroy(pool);
	}
	return create_scale(least, mib);
}

double create_measure_mempool(unsigned mib, unsigned rounds)
{
	uint64_t least = UINT64_MAX;

	for (unsigned r = 0; r < rounds; r++) {
		uint64_t start = rte_rdtsc_precise();
		struct rte_mempool *pool =
			mempool_create("create", mib * 512, 2048, "ring_mp_mc", MEMPOOL_CACHE);
		uint64_t cycles = rte_rdtsc_precise() - start;

		if (!pool)
			return -1;
		least = cycles < least ? cycles : least;
		rte_mempool_free(pool);
	}
	return create_scale(least, mib);
}
