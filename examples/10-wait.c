/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: all of n buffers or none, until a deadline, in the order of arrival. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <pktpool.h>

#define BUFFERS 256

struct lender {
	struct pp_pool *pool;
	void *bufs[BUFFERS];
	unsigned n;
};

/* Frees what it holds, some at a time, and knows nothing of who waits. */
static void *lender_run(void *arg)
{
	struct lender *lender = arg;
	struct pp_cache *cache = pp_pool_cache(lender->pool);

	while (lender->n) {
		unsigned n = lender->n < 16 ? lender->n : 16;

		usleep(1000);
		lender->n -= n;
		pp_free_bulk(cache, lender->bufs + lender->n, n);
	}
	return NULL;
}

int main(void)
{
	struct pp_pool_params params = { .sz = sizeof(params),
					 .buffer_size = 2048,
					 .buffers = BUFFERS };
	static struct lender lender;
	struct pp_cache *cache;
	struct pp_wait wait;
	void *bufs[200];
	pthread_t thread;
	unsigned n;
	int rc = pp_pool_create(&params, &lender.pool);

	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	cache = pp_pool_cache(lender.pool);
	lender.n = cache ? pp_alloc_burst(cache, lender.bufs, BUFFERS, 0) : 0;

	/* Nobody frees: after 5 ms it says so, and has none. */
	pp_wait_for(&wait, 5000);
	n = pp_alloc_bulk_wait(cache, bufs, 200, 0, &wait);
	printf("%u of 200 while %u are held: %s\n", n, lender.n,
	       errno == ETIMEDOUT ? "timed out" : "?");
	if (n || errno != ETIMEDOUT || pthread_create(&thread, NULL, lender_run, &lender))
		return 1;

	/* 13 frees later there are enough, and the one that makes it enough wakes us. */
	pp_wait_for(&wait, 10000000);
	n = pp_alloc_bulk_wait(cache, bufs, 200, 0, &wait);
	printf("%u of 200 once they are freed\n", n);
	pp_free_bulk(cache, bufs, n);
	pthread_join(thread, NULL);
	return n != 200 || pp_pool_destroy(lender.pool);
}
