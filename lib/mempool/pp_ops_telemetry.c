/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry: the mempools of these ops, as DPDK's telemetry shows them. */
#include "pp_ops.h"

#include <errno.h>

#include "pp_ops_tag.h"
#include "pp_tag.h"
#include "pp_telemetry.h"

struct each {
	void (*fn)(const struct pp_telemetry_pool *pool, void *arg);
	void *arg;
};

/* A mempool leaves EAL's list, under the lock of who walks it, before it is freed:
 * so what is looked at stays, whichever process frees it. */
static void mempool_show(struct rte_mempool *mp, void *arg)
{
	const struct each *each = arg;
	struct pp_telemetry_pool shown = { .kind = "mempool" };

	if (!ops_is_ours(mp))
		return;
	shown.pool = ops_control_pool(__atomic_load_n(&mp->pool_id, __ATOMIC_ACQUIRE));
	shown.aside = pp_telemetry_aside(mp);
	if (shown.pool)
		each->fn(&shown, each->arg);
}

void pp_telemetry_each(void (*fn)(const struct pp_telemetry_pool *pool, void *arg), void *arg)
{
	struct each each = { fn, arg };

	if (rte_mempool_walk)
		rte_mempool_walk(mempool_show, &each);
}

__attribute__((visibility("default"))) int
pktpool_mempool_telemetry_join(const struct pp_telemetry_source *source)
{
	return pp_telemetry_join(source);
}

__attribute__((constructor)) static void telemetry_prepare(void)
{
	pp_telemetry_begin();
}

__attribute__((visibility("default"))) int pktpool_mempool_tag(struct rte_mempool *mp,
							       const char *name)
{
	struct pp_pool *pool = mp && mp->pool_id ? ops_control_pool(mp->pool_id) : NULL;
	int tag = 0;

	if (!pool)
		return -EINVAL;
	if (name && *name)
		tag = pp_pool_tag(pool, name);
	if (tag < 0)
		return tag;
	return (int)pp_pool_set_tag(pool, (unsigned)tag);
}
