/* SPDX-License-Identifier: BSD-3-Clause */
/* Pressure: every call goes the long way, as long as somebody needs buffers. */
#ifndef PP_PRESSURE_H
#define PP_PRESSURE_H

#include "pp_owner.h"

/*
 * After begin() no cache's limits are open, nor will be before end(): what is
 * freed from then on by who saw what the caller did since is placed by
 * pp_home.h. Others may still be in the middle of a call; who must have their
 * buffers too takes them back (pp_take.h), which has the barrier for it. The
 * pool stays pressed after end() while there is another reason.
 */
void pp_pressure_begin(struct pp_store *store);
void pp_pressure_end(struct pp_store *store);

/* For those whose process died while it waited. */
void pp_pressure_bury(struct pp_store *store);

#endif
