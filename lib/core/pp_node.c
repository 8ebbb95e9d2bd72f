/* SPDX-License-Identifier: BSD-3-Clause */
/* Node: asking the kernel and libnuma. */
#include "pp_node.h"

#include <errno.h>
#include <limits.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <stdio.h>

#include "pp_fail.h"

/* By rseq or the vDSO; libnuma's numa_node_of_cpu() goes through all its masks. */
static int kernel_here(void)
{
	unsigned cpu, node;

	return getcpu(&cpu, &node) ? 0 : (int)node;
}

static bool kernel_has_memory(int node)
{
	if (numa_available() < 0)
		return node == 0;
	return node <= numa_max_node() && numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node);
}

static int kernel_distance(int from, int to)
{
	return numa_available() < 0 ? 0 : numa_distance(from, to);
}

static int kernel_bind(void *start, size_t bytes, int node)
{
	unsigned long mask = 1ul << node;

	if (numa_available() < 0 ||
	    !mbind(start, bytes, MPOL_BIND, &mask, sizeof(mask) * CHAR_BIT, 0) || errno == ENOSYS)
		return 0;
	return -errno;
}

struct pp_node_map pp_node_map = {
	.here = kernel_here,
	.has_memory = kernel_has_memory,
	.distance = kernel_distance,
	.bind = kernel_bind,
};

uint32_t pp_node_nearest(const int32_t *nodes, uint32_t n, int node)
{
	uint32_t best = 0;
	int least = INT_MAX;

	for (uint32_t i = 0; i < n; i++) {
		int far;

		if (nodes[i] == node)
			return i;
		far = pp_node_map.distance(node, nodes[i]);
		if (far < least) {
			least = far;
			best = i;
		}
	}
	return best;
}

const char *pp_node_list(char *text, size_t bytes)
{
	size_t at = 0;

	*text = 0;
	for (int node = 0; node < 64 && at < bytes; node++)
		if (pp_node_map.has_memory(node))
			at += (size_t)snprintf(text + at, bytes - at, "%s%d", at ? ", " : "", node);
	return text;
}

bool pp_node_several(void)
{
	int have = 0;

	for (int node = 0; node < 64; node++)
		have += pp_node_map.has_memory(node);
	return have > 1;
}
