/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-rows: answers of many rows, a page at a time. */
#ifndef PP_TELEMETRY_ROWS_H
#define PP_TELEMETRY_ROWS_H

#include "pp_about.h"
#include "pp_telemetry_hub.h"

/* Whether it is noted who took each buffer. */
static inline bool pp_telemetry_exact(const struct pp_pool_about *about)
{
	return about->flags & (PP_POOL_OWNERS | PP_POOL_DEBUG);
}

/* Caches, and what is in flight by owner and tag: rows from `from` onward. */
void pp_telemetry_owners(const struct pp_telemetry_pool *p, uint32_t from, struct rte_tel_data *d);
void pp_telemetry_holders(const struct pp_telemetry_pool *p, uint32_t from, struct rte_tel_data *d);

/* Text without what JSON cannot have. */
void pp_telemetry_string(struct rte_tel_data *d, const char *name, const char *text);
/* An empty dict, or NULL; and made part of another, or freed. NULL is fine. */
struct rte_tel_data *pp_telemetry_dict(void);
void pp_telemetry_give(struct rte_tel_data *d, const char *name, struct rte_tel_data *part);

#endif
