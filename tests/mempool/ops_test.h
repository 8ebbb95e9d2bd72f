/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops-test: an EAL with the mempool ops loaded, and mempools on them. */
#ifndef OPS_TEST_H
#define OPS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#define SKIPPED 77

/* Loads the plugin and starts EAL in mode "va", "pa" or "nohuge"; exits 77 with the reason where
 * that cannot be. */
void ops_start(const char *plugin, const char *mode);

/* Empty, with our ops; NULL where they are not in the table. */
struct rte_mempool *ops_empty(const char *name, unsigned n, unsigned size, unsigned cache,
			      const char *config);
/* And populated: NULL with rte_errno. */
struct rte_mempool *ops_mempool(const char *name, unsigned n, unsigned cache, const char *config);

/* Of the plugin. */
void *ops_symbol(const char *name);

/* What EAL's log has had since the last call. */
const char *ops_logged(void);

/* Memory zones that there are. */
unsigned ops_zones(void);

/* Gets n, one at a time, checks that they are different, and that there is no other; puts them. */
void ops_all_of(struct rte_mempool *mp, unsigned n);

#endif
