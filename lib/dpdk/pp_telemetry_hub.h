/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-hub: the commands, answered by whichever library has the pool. */
#ifndef PP_TELEMETRY_HUB_H
#define PP_TELEMETRY_HUB_H

#include "pp_telemetry.h"

/* This library's own pools. */
const struct pp_telemetry_source *pp_telemetry_own(void);

/* From now on DPDK asks here, and `own` is the first to be asked. */
void pp_telemetry_register(const struct pp_telemetry_source *own);

/* Text without what a name in JSON cannot have, in `to`; whether nothing was changed. */
bool pp_telemetry_plain(const char *from, char *to, size_t bytes);

#endif
