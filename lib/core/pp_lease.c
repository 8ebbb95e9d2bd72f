/* SPDX-License-Identifier: BSD-3-Clause */
/* Lease: buffers that have left the reserve and wait to be needed. */
#include "pp_lease.h"

#include <errno.h>
#include <stdlib.h>

#include "pp_bulk.h"
#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_inside.h"
#include "pp_pressure.h"

struct pp_lease {
	struct pp_pool *pool;
	uint32_t left;
	void *bufs[];
};

/* All that it was promised. */
static void lease_fill(struct pp_store *store, struct pp_lease *lease, struct pp_waiter *share)
{
	uint32_t offsets[PP_CARVE], n;

	while ((n = pp_home_claim(store, share, PP_NOBODY, offsets, PP_CARVE)) != 0) {
		pp_store_out(store, offsets, lease->bufs + lease->left, n);
		lease->left += n;
	}
	if (store->holders)
		pp_guard_out(store, PP_HOLDER_NOBODY, lease->bufs, lease->left);
}

PP_API int pp_reserve_lease(struct pp_pool *pool, uint32_t n, struct pp_lease **out)
{
	struct pp_waiter share = { .critical = 0 };
	struct pp_lease *lease;
	struct pp_store *store;
	uint32_t floor;
	bool promised;

	if (!pp_pool_here(pool))
		return -EINVAL;
	if (!out)
		return pp_fail(-EINVAL, "no place for the lease: NULL");
	store = &pool->store;
	floor = atomic_load(&store->shared->floor);
	if (!n || n > floor)
		return pp_fail(-EINVAL, "a lease of %u is not of 1 to %u, the reserve's floor", n,
			       floor);
	lease = malloc(sizeof(*lease) + n * sizeof(void *));
	if (!lease)
		return pp_fail(-ENOMEM, "no memory for a lease of %u", n);
	lease->pool = pool;
	lease->left = 0;
	pp_pressure_begin(store);
	promised = pp_home_promise(store, PP_NOBODY, n, &share);
	if (promised) {
		lease_fill(store, lease, &share);
		pp_home_feed(store, PP_NOBODY);
	}
	pp_pressure_end(store);
	if (!promised) {
		free(lease);
		return pp_fail(-EAGAIN, "the reserve of pool %s has not %u buffers now",
			       pp_pool_name(pool), n);
	}
	*out = lease;
	return 0;
}

PP_API void *pp_lease_take(struct pp_lease *lease)
{
	if (!lease || !lease->left)
		return NULL;
	atomic_fetch_sub_explicit(&lease->pool->store.shared->leased, 1, memory_order_relaxed);
	return lease->bufs[--lease->left];
}

PP_API uint32_t pp_lease_left(const struct pp_lease *lease)
{
	return lease ? lease->left : 0;
}

PP_API void pp_lease_end(struct pp_lease *lease)
{
	if (!lease)
		return;
	atomic_fetch_sub_explicit(&lease->pool->store.shared->leased, lease->left,
				  memory_order_relaxed);
	pp_pool_free(lease->pool, lease->bufs, lease->left);
	free(lease);
}
