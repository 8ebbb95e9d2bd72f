/* SPDX-License-Identifier: BSD-3-Clause */
/* Tag: what an application may call the objects that it takes, so that a leak has a name. */
#ifndef PP_OPS_TAG_H
#define PP_OPS_TAG_H

struct rte_mempool;

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From now on, what this thread gets from the mempool, of ops "pktpool" with option
 * debug=1, is noted under that tag (1 to 31 characters; NULL: none), which
 * telemetry and the log then name. A mempool's own caches lie above that: what
 * they hold is noted under the tag of when they were filled, so take them away
 * (cache_size 0) for exact answers. 0 or more, or -EINVAL (not one of these, a name
 * too long), -ENOSPC (255 others). To be found with dlsym(), or declared weak, as the
 * ops are loaded at run time.
 */
int pktpool_mempool_tag(struct rte_mempool *mp, const char *name);

#ifdef __cplusplus
}
#endif
#endif
