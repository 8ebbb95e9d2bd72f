/* SPDX-License-Identifier: BSD-3-Clause */
/* Lease: allocations out of the reserve that cannot fail, promised beforehand. */
#ifndef PP_LEASE_H
#define PP_LEASE_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A lease is one thread's at a time. Its buffers leave the reserve when it is
 * granted, and the reserve is filled up again from what is free, so they are
 * paid for and bear no mark. (The kernel's prefilled sheaves, 2025, are a lease
 * of this kind.)
 */
struct pp_lease;

/*
 * n allocations, 1 to the reserve's floor. 0, -EINVAL, -EAGAIN (the reserve has
 * not so many at the moment; leases do not queue) or -ENOMEM. Any thread.
 */
PP_API int pp_reserve_lease(struct pp_pool *pool, uint32_t n, struct pp_lease **lease);

/* One of its buffers: NULL only once all n have been taken (or of no lease). */
PP_API void *pp_lease_take(struct pp_lease *lease);

/* How many are left. */
PP_API uint32_t pp_lease_left(const struct pp_lease *lease);

/* Gives back what is left, whole. NULL is fine. */
PP_API void pp_lease_end(struct pp_lease *lease);

#ifdef __cplusplus
}
#endif
#endif
