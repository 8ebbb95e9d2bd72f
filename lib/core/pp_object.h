/* SPDX-License-Identifier: BSD-3-Clause */
/* Object: what its calls say where there is no cache of it. */
#ifndef PP_OBJECT_H
#define PP_OBJECT_H

#include "pp_objcache.h"

/* 0, errno EINVAL: `oc` is NULL, or what its objects go to. */
unsigned pp_object_none(const struct pp_objcache *oc);

#endif
