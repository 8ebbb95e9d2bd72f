/* SPDX-License-Identifier: BSD-3-Clause */
/* Object: what its calls say where there is no cache of it. */
#ifndef PP_OBJECT_H
#define PP_OBJECT_H

#include "pp_objcache.h"

/* 0, errno EINVAL: `oc` is NULL, or what its objects go to. */
unsigned pp_object_none(const struct pp_objcache *oc);
/* Whether a call on the cache can be; or errno EINVAL: it is NULL or has been destroyed, EPERM: it
 * is another process's. */
bool pp_object_here(const struct pp_objcache *oc);

#endif
