/* SPDX-License-Identifier: BSD-3-Clause */
/* Settle: a barrier over everything that was deferred so far. */
#ifndef PP_SETTLE_H
#define PP_SETTLE_H

#include "pp_limbo.h"

/* All that came before is freed: 0, -ETIMEDOUT, -ECANCELED. */
int pp_settle(struct pp_defer *defer, struct pp_wait *wait);

#endif
