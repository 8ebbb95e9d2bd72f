/* SPDX-License-Identifier: BSD-3-Clause */
/* Pool: creation, destruction and what is asked of a whole pool. */
#include "pp_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pp_buffer.h"
#include "pp_facts.h"
#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_layout.h"
#include "pp_pressure.h"

static struct pp_handles pools = PP_HANDLES(struct pp_pool, handle);

struct pp_pool *pp_pool_new(void)
{
	struct pp_pool *pool = pp_handle_new(&pools);

	if (!pool)
		pp_fail(-ENOMEM, "no memory for a pool's handle");
	return pool;
}

void pp_pool_end(struct pp_pool *pool)
{
	/* No thread's table has this one, used or not; and what the pool says lies nowhere. */
	pool->generation = UINT64_MAX;
	pool->store.shared = NULL;
	pp_handle_end(&pools, pool);
}

bool pp_pool_here(const struct pp_pool *pool)
{
	/* As good as its handle's life, and read by every call anyway. */
	if (PP_LIKELY(pool && pool->store.shared))
		return true;
	errno = -pp_fail(-EINVAL, "%s", pool ? "the pool has been destroyed" : "no pool: NULL");
	return false;
}

void pp_pool_fault(struct pp_store *store, const char *what, const void *buf, uint32_t holder)
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
void pp_pool_init(struct pp_store *store)
{
	struct pp_region *region = &store->region;
	struct pp_shared *shared = store->shared;

	shared->change = 1;
	for (uint32_t p = 0; p < region->pages_max; p++) {
		region->pages[p].first = pp_region_first(region, p);
		region->pages[p].count = pp_region_count(region, p);
		atomic_init(&region->pages[p].node, shared->facts.node[0]);
	}
	for (size_t i = 0; i < (size_t)PP_DEVICES_MAX * region->pages_max; i++)
		region->maps[i].iova = UINT64_MAX;
	pp_stack_init(store->blocks.empties);
	for (uint32_t b = store->blocks.total; b-- > 0;)
		pp_stack_push(store->blocks.empties, &store->blocks, pp_ticket(b, 0));
	for (uint32_t d = 0; d < pp_store_depots(store); d++)
		pp_depot_init(store, d);
	pp_queue_init(store);
	for (uint32_t i = 0; i < shared->facts.owners; i++)
		pp_owner_init(store, i);
}

static int pool_open(struct pp_pool *pool, struct pp_shared_facts *facts)
{
	struct pp_store *store = &pool->store;
	struct pp_region *region = &store->region;
	int rc = pp_region_open(region);

	if (rc)
		return rc;
	facts->base = region->base;
	facts->control_bytes = region->control_bytes;
	pp_layout(store, facts, region->control);
	store->shared->facts = *facts;
	store->fault = pp_pool_fault;
	pp_pool_init(store);
	return 0;
}

PP_API int pp_pool_create(const struct pp_pool_params *params, struct pp_pool **out)
{
	struct pp_shared_facts facts;
	struct pp_pool_params p = { 0 };
	struct pp_pool *pool;
	int64_t added;
	int rc = pp_facts_params(params, &p);

	if (rc)
		return rc;
	pool = pp_pool_new();
	if (!pool)
		return -ENOMEM;
	rc = pp_facts_make(&facts, &p, &pool->store);
	if (rc)
		goto end_handle;
	pool->fault = p.fault;
	pool->fault_arg = p.fault_arg;
	rc = pool_open(pool, &facts);
	if (rc)
		goto end_handle;
	added = pp_page_grow(pool, &(struct pp_growth){
					   .buffers = p.buffers, .depot = -1, .only = true });
	/* Part of what was asked is as bad as nothing: growing says what is missing. */
	rc = added < 0 ? (int)added : added < p.buffers ? -ENOMEM : 0;
	if (rc)
		goto close_region;
	rc = pp_thread_pool_add(pool);
	if (rc)
		goto close_region;
	pool->level.eventfd = -1;
	pp_home_floor(&pool->store, PP_NOBODY, p.reserve);
	pp_home_feed(&pool->store, PP_NOBODY);
	*out = pool;
	return 0;
close_region:
	pp_region_close(&pool->store.region);
end_handle:
	pp_pool_end(pool);
	return rc;
}

static uint64_t pool_in_flight(const struct pp_pool *pool)
{
	struct pp_sums sums;
	uint64_t total = atomic_load(&pool->store.shared->total), free_now;

	pp_walk_sums(&pool->store, &sums);
	free_now = pp_sums_free(&sums);
	return total > free_now ? total - free_now : 0;
}

static void pool_close(struct pp_pool *pool)
{
	struct pp_region *region = &pool->store.region;

	pp_thread_pool_remove(pool);
	for (unsigned d = 0; d < PP_DEVICES_MAX; d++)
		if (pp_devices_ops(&pool->devices, d))
			pp_pool_unmap_device(pool, d);
	for (uint32_t p = 0; p < region->pages_max; p++)
		if (atomic_load(&region->pages[p].state) != PP_PAGE_ABSENT && !pool->attached)
			pp_guard_forget(&pool->store, p);
	pp_region_close(region);
	pp_pool_end(pool);
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
	char holders[384];
	uint64_t out;

	if (!pool)
		return 0;
	if (!pp_pool_here(pool))
		return -EINVAL;
	if (pp_page_is_mine(pool))
		return pp_fail(-EDEADLK,
			       "pool %s cannot be destroyed from inside a device's callback",
			       pp_pool_name(pool));
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
	uint32_t skipped;

	if (!pp_pool_here(pool))
		return 0;
	pp_pressure_bury(&pool->store);
	pp_late_place(&pool->store, PP_NOBODY);
	return pp_take_all(&pool->store, &skipped);
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

/* What was made by the facts at creation is what they say now. */
static int pool_agrees(const struct pp_pool *pool)
{
	const struct pp_store *store = &pool->store;
	const struct pp_region *region = &store->region;

	for (uint32_t i = 0; i < store->shared->facts.owners; i++)
		if (store->owners[i].line.foreign || store->owners[i].line.base != region->base ||
		    store->owners[i].line.slots != store->blocks.slots)
			return pp_fail(-EPROTO, "the pool in fds[0] was not made at address %p",
				       (void *)region->base);
	for (uint32_t p = 0; p < region->pages_max; p++)
		if (region->pages[p].first != pp_region_first(region, p) ||
		    region->pages[p].count != pp_region_count(region, p))
			return pp_fail(-EPROTO,
				       "the pool in fds[0] has other buffers than it says");
	return 0;
}

PP_API int pp_pool_attach(const int fds[2], struct pp_pool **out)
{
	struct pp_pool *pool = pp_pool_new();
	struct pp_shared_facts facts;
	struct pp_region *region;
	int rc;

	if (!pool)
		return -ENOMEM;
	region = &pool->store.region;
	rc = pp_facts_read(&facts, &pool->store, fds);
	if (rc)
		goto end_handle;
	region->control_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	region->memory_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
	rc = region->control_fd < 0 || region->memory_fd < 0
		     ? pp_fail(-EBADF, "cannot duplicate the pool's descriptors")
		     : pp_region_join(region);
	if (rc)
		goto close_fds;
	pool->attached = true;
	pool->level.eventfd = -1;
	pool->store.fault = pp_pool_fault;
	pp_layout(&pool->store, &facts, region->control);
	rc = pool_agrees(pool);
	if (!rc)
		rc = pp_thread_pool_add(pool);
	if (rc)
		goto close_region;
	/* Registered by now: takers may go over to the barrier that reaches us too. */
	atomic_store(&pool->store.shared->multi, 1);
	*out = pool;
	return 0;
close_region:
	pp_region_close(region);
	goto end_handle;
close_fds:
	close(region->control_fd);
	close(region->memory_fd);
end_handle:
	pp_pool_end(pool);
	return rc;
}
