/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts: what a pool's parameters come to, for all processes that have it. */
#ifndef PP_FACTS_H
#define PP_FACTS_H

#include "pp_inside.h"

/* The caller's parameters, checked; what an older caller's struct lacks is zero. */
int pp_facts_params(const struct pp_pool_params *given, struct pp_pool_params *p);

/* The facts of a new pool, all but its address; plans the store's region. 0 or -errno. */
int pp_facts_make(struct pp_shared_facts *facts, const struct pp_pool_params *p,
		  struct pp_store *store);

/* What follows from the number of buffers, owners and flags, and from the region. */
void pp_facts_derive(struct pp_shared_facts *facts, const struct pp_region *region);

/* Those of a pool that exists, from its descriptors; the store's region is planned
 * and has its address. -EPROTO if they cannot be a pool's. */
int pp_facts_read(struct pp_shared_facts *facts, struct pp_store *store, const int fds[2]);

#endif
