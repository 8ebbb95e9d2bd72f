/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout: what stands where in control memory. */
#ifndef PP_LAYOUT_H
#define PP_LAYOUT_H

#include "pp_owner.h"

/* Sets blocks, rings and so on from facts; with `control` NULL only counts.
 * Returns the bytes of control memory. */
size_t pp_layout(struct pp_store *store, const struct pp_shared_facts *facts, char *control);

#endif
