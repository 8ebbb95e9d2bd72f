/* SPDX-License-Identifier: BSD-3-Clause */
/* Check: walks every invariant of a pool. */
#ifndef PP_CHECK_H
#define PP_CHECK_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Walks every block of every cache, deque and depot: each buffer is in one
 * place at most, on a present hugepage, where its descriptor says; every block
 * is somewhere; the sums agree. 0, or -EUCLEAN with pp_error() naming the
 * first thing wrong. Only while no thread allocates or frees.
 */
PP_API int pp_pool_check(struct pp_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
