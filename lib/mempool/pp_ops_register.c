/* SPDX-License-Identifier: BSD-3-Clause */
/* Register: a place in EAL's table of mempool ops, or a loud word that there is none. */
#include "pp_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A mempool names its ops by their index in a table that each process fills in
 * the order in which it loads them, so a secondary process may read another's
 * (DPDK's Bugzilla 1073). The table's last place is filled only when all others
 * are: there these ops have the same index wherever they are loaded.
 */
#define LAST (RTE_MEMPOOL_MAX_OPS_IDX - 1)

static bool place_is_ours(int32_t index)
{
	return rte_mempool_ops_table.ops[index].dequeue == ops_table_entry.dequeue;
}

void ops_register_settle(struct rte_mempool *mp)
{
	if (place_is_ours(LAST))
		mp->ops_index = LAST;
}

/* A test's: mempools that name these ops get ours, whatever the application asks for. */
static void places_replace(const char *names)
{
	char *copy = strdup(names), *rest = copy, *name;

	while (copy && (name = strsep(&rest, ","))) {
		bool found = false;

		for (uint32_t i = 0; i < rte_mempool_ops_table.num_ops; i++) {
			struct rte_mempool_ops *ops = &rte_mempool_ops_table.ops[i];

			if (strcmp(ops->name, name))
				continue;
			found = true;
			*ops = ops_table_entry;
			snprintf(ops->name, sizeof(ops->name), "%s", name);
		}
		if (*name && !found)
			fprintf(stderr, "pktpool: %s: no mempool ops \"%s\" to replace yet\n",
				PP_OPS_ENV_REPLACE, name);
	}
	free(copy);
}

static void __attribute__((constructor)) ops_register(void)
{
	const char *replace = getenv(PP_OPS_ENV_REPLACE);
	int rc;

	if (!rte_mempool_register_ops || !&rte_mempool_ops_table || !rte_memzone_reserve_aligned) {
		fprintf(stderr,
			"pktpool: this program does not show its DPDK to plugins (it was linked "
			"statically, without --export-dynamic): no mempool ops \"%s\" in it\n",
			PP_OPS_NAME);
		return;
	}
	ops_log_begin();
	rc = rte_mempool_register_ops(&ops_table_entry);
	if (rc < 0) {
		fprintf(stderr,
			"pktpool: EAL's table of mempool ops is full (%d places): NO mempool can "
			"have ops \"%s\" in this process; load fewer mempool drivers\n",
			RTE_MEMPOOL_MAX_OPS_IDX, PP_OPS_NAME);
		return;
	}
	if (!*rte_mempool_ops_table.ops[LAST].name)
		rte_mempool_ops_table.ops[LAST] = ops_table_entry;
	/* The next one would be put there, and mempools that have this index be lost. */
	if (rte_mempool_ops_table.num_ops == LAST && place_is_ours(LAST))
		rte_mempool_ops_table.num_ops++;
	if (!place_is_ours(LAST))
		fprintf(stderr,
			"pktpool: the last place of EAL's table of mempool ops is taken: a secondary "
			"process must load its drivers in the same order as this one\n");
	if (replace)
		places_replace(replace);
}
