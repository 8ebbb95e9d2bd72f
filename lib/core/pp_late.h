/* SPDX-License-Identifier: BSD-3-Clause */
/* Late: buffers freed in the middle of something else, noted now and placed later. */
#ifndef PP_LATE_H
#define PP_LATE_H

#include "pp_home.h"

/*
 * Notes that a buffer is free: two atomic adds and one or on its mark, no lock
 * and no loop, so that any context may. False: it was noted already.
 */
bool pp_late_note(struct pp_store *store, uint32_t index);

/* Those noted go home. Any thread on a slow path; O(buffers of the hugepages concerned). */
void pp_late_place(struct pp_store *store, uint32_t id);

static inline bool pp_late_any(const struct pp_store *store)
{
	/* H6: the count before the marks; pairs with H5. */
	return atomic_load_explicit(&store->shared->late, memory_order_seq_cst);
}

#endif
