/* SPDX-License-Identifier: BSD-3-Clause */
/* Supply: how an object cache comes by n objects that its caller's magazine has not. */
#ifndef PP_SUPPLY_H
#define PP_SUPPLY_H

#include "pp_stock.h"

/* Down the ladder, as far as the flags say: n, or 0 with errno. n > 0, and the
 * flags are ones that the cache has. */
unsigned pp_supply(struct pp_objcache *oc, void **objs, unsigned n, unsigned flags,
		   struct pp_wait *wait);

#endif
