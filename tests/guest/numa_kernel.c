/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel: what it says of nodes, and pools and threads on them. */
#include "numa_kernel.h"

_Atomic int failures;

int kernel_node(void *addr)
{
	void *page = (void *)((uintptr_t)addr & ~4095ul);
	int node = -1, moved = -1;

	if (get_mempolicy(&node, NULL, 0, addr, MPOL_F_NODE | MPOL_F_ADDR))
		return -errno;
	if (move_pages(0, 1, &page, NULL, &moved, 0))
		return -errno;
	return node == moved ? node : -ESTALE;
}

int nodes_here(void)
{
	return numa_max_node() + 1;
}

long hugepages_on(int node)
{
	char path[128];
	long pages = -1;
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/free_hugepages", node);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages;
}

struct pp_pool *pool_on(uint64_t nodes, uint32_t pages, uint32_t max, int *error)
{
	/* With its colour, so many fit into a hugepage. */
	uint32_t per_page = (2u << 20) / (BUFFER + 64);
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "numa",
		.buffer_size = BUFFER,
		.buffers = pages * per_page,
		.buffers_max = max * per_page,
		.nodes = nodes,
		.owners = 16,
	};
	struct pp_pool *pool = NULL;

	*error = pp_pool_create(&params, &pool);
	return pool;
}

struct seek {
	int node;
	struct pp_node_info info;
};

static void node_note(const struct pp_node_info *info, void *arg)
{
	struct seek *seek = arg;

	if (info->node == seek->node)
		seek->info = *info;
}

struct pp_node_info node_of(const struct pp_pool *pool, int node)
{
	struct seek seek = { .node = node };

	pp_pool_each_node(pool, node_note, &seek);
	return seek.info;
}

struct runner {
	int node;
	void *(*fn)(void *arg);
	void *arg;
};

static void *runner_run(void *arg)
{
	struct runner *runner = arg;

	CHECK(!numa_run_on_node(runner->node), "%s", strerror(errno));
	return runner->fn(runner->arg);
}

void run_on(int node, void *(*fn)(void *arg), void *arg)
{
	struct runner runner = { node, fn, arg };
	pthread_t thread;

	if (pthread_create(&thread, NULL, runner_run, &runner)) {
		CHECK(0, "no thread");
		return;
	}
	pthread_join(thread, NULL);
}
