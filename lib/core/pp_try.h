/* SPDX-License-Identifier: BSD-3-Clause */
/* Try: what may be done in a signal handler and under a lock: no waiting, no lock, bounded. */
#ifndef PP_TRY_H
#define PP_TRY_H

#include "pp_owner.h"

/* What the current block of the calling thread's own cache has: n, or fewer in a burst, or 0. */
unsigned pp_try_get(struct pp_store *store, struct pp_cache *c, void **bufs, unsigned n,
		    bool burst);

#endif
