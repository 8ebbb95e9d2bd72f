/* SPDX-License-Identifier: BSD-3-Clause */
/* Alloc: a pool, this thread's cache of it, buffers in bulk and singly, and the books. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pktpool.h>

#define BURST 32

static int buffers_use(struct pp_cache *cache)
{
	void *bufs[BURST], *one;

	/* All 32 or none: no half-filled array to take apart. */
	if (pp_alloc_bulk(cache, bufs, BURST, 0) != BURST)
		return 1;
	for (unsigned i = 0; i < BURST; i++)
		memset(bufs[i], (int)i, 2048);
	pp_free_bulk(cache, bufs, BURST);

	/* What was freed last comes first: its lines are still in the CPU's cache. */
	one = pp_alloc(cache, PP_TRY);
	if (!one)
		return 1;
	printf("PP_TRY, which never leaves the thread's own cache, gave %p\n", one);
	pp_free(cache, one);
	return 0;
}

int main(void)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "first",
		.buffer_size = 2048,
		.buffers = 4096,
	};
	struct pp_pool *pool;
	struct pp_cache *cache;
	int rc = pp_pool_create(&params, &pool);

	if (rc) {
		/* It says what is missing and the command that mends it. */
		fprintf(stderr, "%s\n", pp_error());
		/* 77: a test that could not run. */
		return rc == -ENOMEM ? 77 : 1;
	}
	cache = pp_pool_cache(pool);
	if (!cache || buffers_use(cache)) {
		fprintf(stderr, "a pool of %u buffers has not even %d\n", params.buffers, BURST);
		return 1;
	}
	pp_pool_print(pool, stdout);
	/* Destroying refuses while a buffer is out. */
	rc = pp_pool_destroy(pool);
	if (rc)
		fprintf(stderr, "%s\n", pp_error());
	return rc != 0;
}
