/* SPDX-License-Identifier: BSD-3-Clause */
/* Defer: a route is replaced while another thread forwards by it, without a lock. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <pktpool.h>
#include <pp_qsbr.h>
#include <rte_rcu_qsbr.h>

#define CHANGES 100000u

struct route {
	unsigned gateway, copy;
	struct pp_defer_head head; /* for when there is no memory at all */
};

static struct rte_rcu_qsbr *qsbr;
static struct route *current;
static int done;

static void *forwarder_run(void *arg)
{
	unsigned *wrong = arg;

	rte_rcu_qsbr_thread_register(qsbr, 0);
	rte_rcu_qsbr_thread_online(qsbr, 0);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		const struct route *route = __atomic_load_n(&current, __ATOMIC_ACQUIRE);

		*wrong += route->gateway != route->copy;
		/* Between two packets: nothing is held any more. */
		rte_rcu_qsbr_quiescent(qsbr, 0);
	}
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	rte_rcu_qsbr_thread_unregister(qsbr, 0);
	return NULL;
}

static struct route *route_make(struct pp_cache *cache, unsigned gateway)
{
	struct route *route = pp_alloc(cache, 0);

	if (route)
		route->gateway = route->copy = gateway;
	return route;
}

int main(void)
{
	struct pp_pool_params params = {
		.sz = sizeof(params), .buffer_size = 1024, .buffers = 4096, .pages = PP_PAGES_4K
	};
	struct pp_qsbr grace = { 0 };
	/* Routes and blocks of pointers come from one pool, which frees both in bulk. */
	struct pp_defer_params how = { .sz = sizeof(how),
				       .ops = &pp_qsbr_ops,
				       .grace = &grace,
				       .free_bulk = pp_defer_buffers };
	struct pp_defer *defer = NULL;
	struct pp_defer_stats stats;
	struct pp_cache *cache;
	unsigned wrong = 0;
	pthread_t thread;

	grace.qsbr = qsbr = aligned_alloc(64, rte_rcu_qsbr_get_memsize(1));
	if (!qsbr || rte_rcu_qsbr_init(qsbr, 1) || pp_pool_create(&params, &how.pool))
		return 1;
	how.arg = how.pool;
	cache = pp_pool_cache(how.pool);
	current = route_make(cache, 0);
	if (pp_defer_create(&how, &defer) || pthread_create(&thread, NULL, forwarder_run, &wrong))
		return 1;
	for (unsigned i = 1; i < CHANGES; i++) {
		struct route *old, *new;

		/* All of them wait for the forwarder: so do we. */
		while (!(new = route_make(cache, i)))
			pp_defer_barrier(defer);
		old = __atomic_exchange_n(&current, new, __ATOMIC_ACQ_REL);
		pp_defer_free_head(defer, old, &old->head);
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	pp_defer_free(defer, current);
	pp_defer_barrier(defer);
	pp_defer_stats(defer, &stats);
	printf("%llu routes freed by %llu calls, %u seen wrong\n", (unsigned long long)stats.freed,
	       (unsigned long long)stats.calls, wrong);
	return pp_defer_destroy(defer) || pp_pool_destroy(how.pool) || wrong ||
	       stats.freed != CHANGES;
}
