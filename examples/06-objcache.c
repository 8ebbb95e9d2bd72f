/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: flow entries and timers from packet buffers, and what is left when none are. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <pktpool.h>

struct flow {
	uint32_t magic;
	uint32_t packets;
	char state[112];
};

struct timer {
	uint64_t due;
	struct flow *flow;
};

/* Once for each object while its buffer stays, not once for each allocation. */
static int flow_construct(void *obj, void *arg)
{
	struct flow *flow = obj;

	flow->magic = 0xf107;
	flow->packets = 0;
	++*(unsigned *)arg;
	return 0;
}

static unsigned flows_until_empty(struct pp_objcache *flows, void **taken, unsigned most)
{
	unsigned n = 0;

	while (n < most && (taken[n] = pp_objcache_alloc(flows, 0)))
		n++;
	return n;
}

int main(void)
{
	static void *taken[8192];
	struct pp_pool_params pool_params = { .sz = sizeof(pool_params),
					      .buffer_size = 2048,
					      .buffers = 256 };
	/* Two whole buffers, for whichever cache needs them. */
	struct pp_mempool_params critical_params = { .sz = sizeof(critical_params),
						     .ops = &pp_mempool_pool,
						     .min_nr = 2 };
	unsigned constructed = 0, n;
	struct pp_objcache_params params = { .sz = sizeof(params),
					     .name = "flows",
					     .object_size = sizeof(struct flow),
					     .ctor = flow_construct,
					     .arg = &constructed };
	struct pp_objcache *flows, *timers;
	struct pp_mempool_stats left;
	struct timer *timer;
	struct flow *flow;
	int rc = pp_pool_create(&pool_params, &params.pool);

	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	critical_params.backing = params.pool;
	if (pp_mempool_create(&critical_params, &params.critical) ||
	    pp_objcache_create(&params, &flows))
		return 1;
	params.name = "timers";
	params.object_size = sizeof(struct timer);
	params.ctor = NULL;
	if (pp_objcache_create(&params, &timers))
		return 1;

	n = flows_until_empty(flows, taken, 8192);
	printf("%u flows, %u constructed, and there is no buffer left\n", n, constructed);
	/* What must not fail goes on, in a buffer that no ordinary flow will ever get. */
	flow = pp_objcache_alloc(flows, PP_CRITICAL);
	timer = pp_objcache_alloc(timers, PP_CRITICAL);
	if (!n || !flow || !timer || pp_objcache_alloc(flows, 0))
		return 1;
	timer->flow = flow;
	pp_objcache_free(flows, timer->flow);
	pp_objcache_free(timers, timer);
	pp_mempool_stats(params.critical, &left);
	printf("freed, and %u critical buffers are in the mempool again\n", left.kept);

	n -= pp_objcache_free_bulk(flows, taken, n);
	return n || left.kept != 2 || pp_objcache_destroy(flows) || pp_objcache_destroy(timers) ||
	       pp_mempool_destroy(params.critical) || pp_pool_destroy(params.pool);
}
