/* SPDX-License-Identifier: BSD-3-Clause */
/* Pool: creation, destruction and what is asked of a whole pool. */
#include "pp_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <numa.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pp_buffer.h"
#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_inside.h"
#include "pp_layout.h"

#define BUFFERS_MIN 64
#define BUFFERS_LIMIT (1u << 28)
/* A pool whose blocks would be smaller has none: every call goes by the depot. */
#define BLOCK_MIN 16

static uint32_t power_of_two_above(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

static uint32_t power_of_two_below(uint32_t n)
{
	return n ? 1u << (31 - __builtin_clz(n)) : 0;
}

/* One eighth of an equal share, so that caches hold a quarter of the pool at most. */
static uint32_t block_size(uint32_t buffers, uint32_t owners)
{
	uint32_t size = power_of_two_below(buffers / (8 * owners));

	if (size > PP_BLOCK_MAX)
		return PP_BLOCK_MAX;
	if (buffers >= 1024 && size < 64)
		return 64;
	return size;
}

/*
 * A block changes hands when it is at least 7/8 full; apart from those there
 * are an owner's current, stashed and empty ones and one in its hand, a
 * depot's loose one and one in hand, and a few in the hands of who shrinks.
 */
static uint32_t blocks_needed(const struct pp_shared_facts *facts)
{
	uint32_t least = facts->block_size - facts->block_size / 8;

	return facts->buffers_max / least + 1 +
	       facts->owners * (pp_owner_empties_max(facts->block_size) + 3) + facts->nodes * 2 + 8;
}

static uint32_t cpus_here(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}

static int facts_nodes(struct pp_shared_facts *facts, uint64_t mask)
{
	if (!mask) {
		facts->nodes = 1;
		facts->node[0] = 0;
		if (numa_available() >= 0 && sched_getcpu() >= 0)
			facts->node[0] = numa_node_of_cpu(sched_getcpu());
		return 0;
	}
	for (int node = 0; node < 64; node++) {
		if (!(mask >> node & 1))
			continue;
		if (node && (numa_available() < 0 || node > numa_max_node()))
			return pp_fail(-EINVAL, "nodes: this machine has no NUMA node %d", node);
		if (facts->nodes == PP_NODES_MAX)
			return pp_fail(-EINVAL, "nodes: more than %d", PP_NODES_MAX);
		facts->node[facts->nodes++] = node;
	}
	return 0;
}

static int params_check(const struct pp_pool_params *p)
{
	if (p->name && (!*p->name || strlen(p->name) >= PP_NAME_MAX))
		return pp_fail(-EINVAL, "name \"%.40s\" is not of 1 to %d characters", p->name,
			       PP_NAME_MAX - 1);
	if (!p->buffer_size || p->buffer_size % PP_LINE)
		return pp_fail(-EINVAL, "buffer_size %u is not a multiple of %d", p->buffer_size,
			       PP_LINE);
	if (p->buffers < BUFFERS_MIN || p->buffers > BUFFERS_LIMIT)
		return pp_fail(-EINVAL, "buffers %u is not in %d .. %u", p->buffers, BUFFERS_MIN,
			       BUFFERS_LIMIT);
	if (p->buffers_max && (p->buffers_max < p->buffers || p->buffers_max > BUFFERS_LIMIT))
		return pp_fail(-EINVAL, "buffers_max %u is not in buffers (%u) .. %u",
			       p->buffers_max, p->buffers, BUFFERS_LIMIT);
	if (p->owners > PP_OWNERS_MAX)
		return pp_fail(-EINVAL, "owners %u is more than %d", p->owners, PP_OWNERS_MAX);
	if (p->lead >= p->buffer_size)
		return pp_fail(-EINVAL, "lead %u is not below buffer_size %u", p->lead,
			       p->buffer_size);
	if (p->keep > p->buffer_size)
		return pp_fail(-EINVAL, "keep %u is more than buffer_size %u", p->keep,
			       p->buffer_size);
	if (p->link % sizeof(void *) ||
	    (p->link && p->link + sizeof(void *) > p->buffer_size - p->lead))
		return pp_fail(-EINVAL, "link %u is no place for a pointer in %u bytes after lead",
			       p->link, p->buffer_size - p->lead);
	if ((unsigned)p->pages > PP_PAGES_4K)
		return pp_fail(-EINVAL, "pages %d is none of enum pp_pages", (int)p->pages);
	if (p->flags & ~(uint32_t)(PP_POOL_GAPLESS | PP_POOL_OWNERS | PP_POOL_DEBUG))
		return pp_fail(-EINVAL, "flags %#x: some are unknown", p->flags);
	return 0;
}

/* Zero is the default, also for what an older caller's struct did not have. */
static int params_read(const struct pp_pool_params *given, struct pp_pool_params *p)
{
	size_t known = sizeof(*p);

	if (!given || !given->sz)
		return pp_fail(-EINVAL, "params.sz is not set (sizeof(struct pp_pool_params))");
	if (given->sz > known)
		return pp_fail(-EINVAL, "params.sz %zu: this library knows %zu bytes of it",
			       given->sz, known);
	memset(p, 0, known);
	memcpy(p, given, given->sz);
	return params_check(p);
}

static int facts_make(struct pp_shared_facts *facts, const struct pp_pool_params *p)
{
	uint32_t rings;

	facts->magic = PP_MAGIC;
	facts->buffer_size = p->buffer_size;
	facts->lead = p->lead;
	facts->keep = p->keep;
	facts->link = p->link;
	facts->buffers_max = p->buffers_max ? p->buffers_max : p->buffers;
	facts->flags = p->flags;
	facts->backing = p->pages;
	snprintf(facts->name, sizeof(facts->name), "%s", p->name ? p->name : "pool");
	facts->owners = p->owners ? p->owners : cpus_here() + 2;
	if (facts->owners > PP_OWNERS_MAX)
		facts->owners = PP_OWNERS_MAX;
	if (p->flags & PP_POOL_DEBUG)
		facts->mode |= PP_MODE_DEBUG | PP_MODE_OWNERS;
	if (p->flags & PP_POOL_OWNERS)
		facts->mode |= PP_MODE_OWNERS;
	facts->block_size = block_size(facts->buffers_max, facts->owners);
	if (facts->block_size < BLOCK_MIN) {
		facts->mode |= PP_MODE_CLOSED;
		facts->block_size = PP_CARVE;
	}
	if (facts_nodes(facts, p->nodes))
		return -EINVAL;
	facts->blocks = blocks_needed(facts);
	/* What one owner can publish: four times an equal share; more goes to the depot. */
	rings = facts->buffers_max / facts->block_size / facts->owners * 4;
	facts->ring_size = power_of_two_above(rings < 64 ? 64 : rings);
	return 0;
}

/* What every process makes of the facts. */
static int region_make(struct pp_region *region, const struct pp_shared_facts *facts)
{
	region->buffer_size = facts->buffer_size;
	region->lead = facts->lead;
	region->buffers_max = facts->buffers_max;
	region->flags = facts->flags;
	region->backing = facts->backing;
	return pp_region_plan(region);
}

static void fault_report(struct pp_store *store, const char *what, const void *buf, uint32_t holder)
{
	struct pp_pool *pool = (struct pp_pool *)store;
	char name[PP_OWNER_NAME];
	struct pp_fault fault = { what, buf, pp_holder_name(store, holder, name) };

	if (pool->fault)
		pool->fault(pool, &fault, pool->fault_arg);
	else
		fprintf(stderr, "pktpool %s: %s of %p by %s\n", store->shared->facts.name, what,
			buf, *fault.owner ? fault.owner : "?");
}

/* Control memory is mapped and zero: everything gets its first value. */
static void store_init(struct pp_store *store)
{
	struct pp_region *region = &store->region;
	struct pp_shared *shared = store->shared;

	for (uint32_t p = 0; p < region->pages_max; p++) {
		region->pages[p].first = pp_region_first(region, p);
		region->pages[p].count = pp_region_count(region, p);
		region->pages[p].node = shared->facts.node[p % shared->facts.nodes];
	}
	for (size_t i = 0; i < (size_t)PP_DEVICES_MAX * region->pages_max; i++)
		region->maps[i].iova = UINT64_MAX;
	pp_stack_init(store->blocks.empties);
	for (uint32_t b = store->blocks.total; b-- > 0;)
		pp_stack_push(store->blocks.empties, &store->blocks, pp_ticket(b, 0));
	for (uint32_t d = 0; d < shared->facts.nodes; d++)
		pp_depot_init(store, d);
	for (uint32_t i = 0; i < shared->facts.owners; i++)
		pp_owner_init(store, i);
}

static int pool_open(struct pp_pool *pool, struct pp_shared_facts *facts)
{
	struct pp_store *store = &pool->store;
	struct pp_region *region = &store->region;
	int rc = region_make(region, facts);

	if (rc)
		return rc;
	facts->mode |= region->wide ? PP_MODE_WIDE : 0;
	facts->own_bytes = pp_layout(store, facts, NULL);
	region->control_bytes = facts->own_bytes;
	rc = pp_region_open(region);
	if (rc)
		return rc;
	facts->base = region->base;
	facts->buffer_bytes = region->buffer_bytes;
	facts->control_bytes = region->control_bytes;
	pp_layout(store, facts, region->control);
	store->shared->facts = *facts;
	store->fault = fault_report;
	store_init(store);
	return 0;
}

PP_API int pp_pool_create(const struct pp_pool_params *params, struct pp_pool **out)
{
	struct pp_shared_facts facts = { 0 };
	struct pp_pool_params p = { 0 };
	struct pp_pool *pool;
	int64_t added;
	int rc = params_read(params, &p);

	if (rc)
		return rc;
	rc = facts_make(&facts, &p);
	if (rc)
		return rc;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return pp_fail(-ENOMEM, "no memory for a pool's handle");
	pool->fault = p.fault;
	pool->fault_arg = p.fault_arg;
	rc = pool_open(pool, &facts);
	if (rc)
		goto free_pool;
	added = pp_page_grow(pool, p.buffers);
	/* Part of what was asked is as bad as nothing: growing says what is missing. */
	rc = added < 0 ? (int)added : added < p.buffers ? -ENOMEM : 0;
	if (rc)
		goto close_region;
	rc = pp_thread_pool_add(pool);
	if (rc)
		goto close_region;
	*out = pool;
	return 0;
close_region:
	pp_region_close(&pool->store.region);
free_pool:
	free(pool);
	return rc;
}

static uint64_t pool_in_flight(const struct pp_pool *pool)
{
	struct pp_sums sums;
	uint64_t total = atomic_load(&pool->store.shared->total), free_now;

	pp_walk_sums(&pool->store, &sums);
	free_now = sums.fresh + sums.cached + sums.deques + sums.depot + sums.collected;
	return total > free_now ? total - free_now : 0;
}

static void pool_close(struct pp_pool *pool)
{
	struct pp_region *region = &pool->store.region;

	pp_thread_pool_remove(pool);
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++)
		if (pool->devices.device[d].ops)
			pp_pool_unmap_device(pool, d);
	for (uint32_t p = 0; p < region->pages_max; p++)
		if (atomic_load(&region->pages[p].state) != PP_PAGE_ABSENT && !pool->attached)
			pp_guard_forget(&pool->store, p);
	pp_region_close(region);
	free(pool);
}

/* What this process's threads have cached stays with the others. */
static void caches_leave(struct pp_pool *pool)
{
	struct pp_store *store = &pool->store;
	uint32_t end = atomic_load(&store->shared->owners_end);

	for (uint32_t i = 0; i < end; i++)
		if (atomic_load(&store->owners[i].state) == PP_OWNER_TAKEN &&
		    atomic_load(&store->owners[i].pid) == getpid())
			pp_take_back_slot(store, &store->owners[i]);
}

PP_API int pp_pool_destroy(struct pp_pool *pool)
{
	char holders[128];
	uint64_t out;

	if (!pool)
		return 0;
	if (pool->attached) {
		caches_leave(pool);
		pool_close(pool);
		return 0;
	}
	out = pool_in_flight(pool);
	if (out)
		return pp_fail(-EBUSY, "pool %s: %llu buffers are in flight%s", pp_pool_name(pool),
			       (unsigned long long)out,
			       pp_pool_holders(pool, holders, sizeof(holders)));
	pool_close(pool);
	return 0;
}

PP_API uint32_t pp_pool_collect(struct pp_pool *pool)
{
	return pp_take_all(&pool->store);
}

PP_API struct pp_pool *pp_pool_find(const void *addr)
{
	return (struct pp_pool *)pp_store_of(addr);
}

PP_API const struct pp_region *pp_pool_region(const struct pp_pool *pool)
{
	return &pool->store.region;
}

PP_API const char *pp_pool_name(const struct pp_pool *pool)
{
	return pool->store.shared->facts.name;
}

PP_API void pp_pool_fds(const struct pp_pool *pool, int fds[2])
{
	fds[0] = pool->store.region.control_fd;
	fds[1] = pool->store.region.memory_fd;
}

static int facts_read(int fd, struct pp_shared_facts *facts)
{
	if (pread(fd, facts, sizeof(*facts), 0) != (ssize_t)sizeof(*facts) ||
	    facts->magic != PP_MAGIC)
		return pp_fail(-EPROTO, "fds[0] is not a pool's, or one of another version");
	return 0;
}

PP_API int pp_pool_attach(const int fds[2], struct pp_pool **out)
{
	struct pp_shared_facts facts;
	struct pp_pool *pool;
	struct pp_region *region;
	int rc = facts_read(fds[0], &facts);

	if (rc)
		return rc;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return pp_fail(-ENOMEM, "no memory for a pool's handle");
	region = &pool->store.region;
	rc = region_make(region, &facts);
	if (rc)
		goto free_pool;
	region->base = facts.base;
	region->control_bytes = facts.control_bytes;
	region->control_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	region->memory_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
	rc = region->control_fd < 0 || region->memory_fd < 0
		     ? pp_fail(-EBADF, "cannot duplicate the pool's descriptors")
		     : pp_region_join(region);
	if (rc)
		goto close_fds;
	pool->attached = true;
	pool->store.fault = fault_report;
	pp_layout(&pool->store, &facts, region->control);
	rc = pp_thread_pool_add(pool);
	if (rc)
		goto close_region;
	/* Registered by now: takers may go over to the barrier that reaches us too. */
	atomic_store(&pool->store.shared->multi, 1);
	*out = pool;
	return 0;
close_region:
	pp_region_close(region);
	goto free_pool;
close_fds:
	close(region->control_fd);
	close(region->memory_fd);
free_pool:
	free(pool);
	return rc;
}
