/* SPDX-License-Identifier: BSD-3-Clause */
/* Recall: the last resort of a mempool's get: what lies idle in other threads' caches. */
#ifndef PP_RECALL_H
#define PP_RECALL_H

#include "pktpool.h"

/*
 * For a get that found too little in the thread's own cache and in all that
 * others have published: all n, 1 or more, or none. None only if there are not so many
 * free, whoever's cache they lie in, or who has them is in the middle of a call
 * again and again. `cache` is NULL for a thread that got none: for that this is
 * the first resort, too. If the thread is receiving
 * (pp_critical.h), what is still missing then comes out of the reserve. An
 * array of up to PP_KEPT is left as it was where there are none.
 */
unsigned pp_recall(struct pp_pool *pool, struct pp_cache *cache, void **objs, unsigned n);

#endif
