/* SPDX-License-Identifier: BSD-3-Clause */
/* Pressure: closing all caches. */
#include "pp_pressure.h"

static void owners_close(struct pp_store *store)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);

	for (uint32_t i = 0; i < end; i++) {
		pp_lock_take(&store->owners[i].lock, PP_NOBODY);
		pp_owner_close(&store->owners[i]);
		pp_lock_release(&store->owners[i].lock);
	}
}

void pp_pressure_begin(struct pp_store *store)
{
	struct pp_shared *shared = store->shared;

	atomic_fetch_add_explicit(&shared->urgent, 1, memory_order_seq_cst);
	/* Who comes second must find the caches closed, not just about to be. */
	pp_lock_take(&shared->gate, PP_NOBODY);
	if (!atomic_load_explicit(&shared->pressing, memory_order_relaxed)) {
		/* H1: before any depot is looked into; pairs with H2 and H4. */
		atomic_store_explicit(&shared->pressing, 1, memory_order_seq_cst);
		atomic_fetch_add_explicit(&shared->pressure, 1, memory_order_seq_cst);
		owners_close(store);
	}
	pp_lock_release(&shared->gate);
}

void pp_pressure_end(struct pp_store *store)
{
	atomic_fetch_sub_explicit(&store->shared->urgent, 1, memory_order_seq_cst);
	pp_home_relax(store, PP_NOBODY);
}

void pp_pressure_bury(struct pp_store *store)
{
	uint32_t dead = pp_home_bury(store, PP_NOBODY);

	/* Each of them began, and will not end. */
	if (!dead)
		return;
	atomic_fetch_sub_explicit(&store->shared->urgent, dead, memory_order_seq_cst);
	pp_home_relax(store, PP_NOBODY);
}
