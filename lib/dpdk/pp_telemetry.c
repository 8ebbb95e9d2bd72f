/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry: every pool of libpktpool's in a DPDK process, with or without a mempool on it. */
#include "pp_telemetry.h"

#include "pktpool.h"
#include "pp_binding.h"

/* As many as there can be pools in a process. */
#define BOUND_MAX 256

/* Pools with a mempool on them. */
static const struct pp_pool *bound[BOUND_MAX];

static bool bound_replace(const struct pp_pool *from, const struct pp_pool *to)
{
	for (unsigned i = 0; i < BOUND_MAX; i++) {
		const struct pp_pool *at = from;

		if (__atomic_compare_exchange_n(&bound[i], &at, to, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

void pp_telemetry_bind(const struct pp_pool *pool)
{
	bound_replace(NULL, pool);
}

void pp_telemetry_unbind(const struct pp_pool *pool)
{
	bound_replace(pool, NULL);
}

struct each {
	void (*fn)(const struct pp_telemetry_pool *pool, void *arg);
	void *arg;
};

static void pool_show(struct pp_pool *pool, void *arg)
{
	const struct each *each = arg;
	struct pp_telemetry_pool shown = {
		.pool = pool,
		.kind = bound_replace(pool, pool) ? "pktmbuf" : "pool",
	};

	each->fn(&shown, each->arg);
}

void pp_telemetry_each(void (*fn)(const struct pp_telemetry_pool *pool, void *arg), void *arg)
{
	struct each each = { fn, arg };

	pp_pool_each(pool_show, &each);
}

__attribute__((constructor)) static void telemetry_prepare(void)
{
	pp_telemetry_begin();
}
