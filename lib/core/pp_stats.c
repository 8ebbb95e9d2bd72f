/* SPDX-License-Identifier: BSD-3-Clause */
/* Stats: summing and printing the books. */
#include "pp_stats.h"

#include <string.h>

#include "pp_inside.h"

/* Hits are counted in the cache's line, the rest beside it. */
static void owner_counters(struct pp_counters *sum, const struct pp_owner *owner)
{
	pp_counters_add(sum, &owner->counters);
	sum->fast += __atomic_load_n(&owner->line.fast, __ATOMIC_RELAXED);
}

PP_API void pp_pool_stats(const struct pp_pool *pool, struct pp_stats *stats)
{
	const struct pp_store *store;
	struct pp_shared *shared;
	struct pp_sums sums;
	uint64_t free_now, lost;
	uint32_t end;

	*stats = (struct pp_stats){ 0 };
	if (!pp_pool_here(pool))
		return;
	store = &pool->store;
	shared = store->shared;
	end = atomic_load_explicit(&shared->owners_end, memory_order_acquire);
	stats->total = atomic_load(&shared->total);
	pp_walk_sums(store, &sums);
	stats->fresh = sums.fresh;
	stats->cached = sums.cached;
	stats->deques = sums.deques;
	stats->depot = sums.depot;
	stats->reserve = sums.reserve;
	stats->floor = atomic_load(&shared->floor);
	stats->marked = atomic_load(&shared->marked);
	stats->leased = atomic_load(&shared->leased);
	stats->waiters = atomic_load(&shared->waiting);
	stats->pressed = atomic_load(&shared->pressing);
	stats->low = atomic_load(&shared->advice) & 1;
	stats->collected = sums.collected;
	free_now = pp_sums_free(&sums);
	/* Buffers on their way between two places may be seen twice. */
	stats->in_flight = stats->total > free_now ? stats->total - free_now : 0;
	stats->high_water = atomic_load(&shared->high_water);
	stats->pages = atomic_load(&shared->pages_present);
	stats->pages_lost = atomic_load(&shared->pages_lost);
	lost = atomic_load(&shared->lost);
	stats->lost_device = (int)(lost >> 32) - 1;
	stats->lost_error = (int)(uint32_t)lost;
	stats->own_bytes = shared->facts.own_bytes;
	stats->skipped = atomic_load(&shared->skipped);
	pp_counters_add(&stats->sum, &shared->past);
	for (uint32_t i = 0; i < end; i++) {
		const struct pp_owner *owner = &store->owners[i];

		stats->owners += atomic_load(&owner->state) == PP_OWNER_TAKEN;
		owner_counters(&stats->sum, owner);
	}
}

/* By holder; one look at each buffer, however many caches there are. */
static void held_by_each(const struct pp_store *store, uint64_t held[PP_HOLDER_NOBODY + 1])
{
	memset(held, 0, (PP_HOLDER_NOBODY + 1) * sizeof(*held));
	for (uint32_t i = 0; store->holders && i < pp_place_keys(&store->region); i++)
		held[atomic_load_explicit(&store->holders[i], memory_order_relaxed)]++;
}

PP_API void pp_pool_each_cache(const struct pp_pool *pool,
			       void (*fn)(const struct pp_cache_info *info, void *arg), void *arg)
{
	const struct pp_store *store = &pool->store;
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);
	uint64_t held[PP_HOLDER_NOBODY + 1];

	held_by_each(store, held);
	for (uint32_t i = 0; i < end; i++) {
		const struct pp_owner *owner = &store->owners[i];
		struct pp_owner_view view;
		struct pp_cache_info info = { .id = i, .name = view.name };

		pp_walk_owner(store, i, &view);
		if (!view.taken)
			continue;
		info.pid = view.pid;
		info.node = store->shared->facts.node[view.depot];
		info.cached = view.cached;
		info.published = view.published;
		info.in_flight = held[i + 1];
		info.net = view.net;
		owner_counters(&info.counters, owner);
		fn(&info, arg);
	}
}

PP_API void pp_pool_each_node(const struct pp_pool *pool,
			      void (*fn)(const struct pp_node_info *info, void *arg), void *arg)
{
	const struct pp_shared_facts *facts = &pool->store.shared->facts;
	struct pp_node_sums sums[PP_NODES_MAX];

	pp_walk_nodes(&pool->store, sums);
	for (uint32_t d = 0; d < facts->nodes; d++) {
		struct pp_node_info info = { facts->node[d], sums[d].pages, sums[d].total,
					     sums[d].free };

		fn(&info, arg);
	}
}

static void print_node(const struct pp_node_info *info, void *arg)
{
	fprintf(arg, "  node %d: %u hugepages, %llu buffers, %llu of them free\n", info->node,
		info->pages, (unsigned long long)info->total, (unsigned long long)info->free);
}

/* In the process that mapped them. */
static void print_devices(struct pp_pool *pool, const struct pp_stats *s, FILE *out)
{
	struct pp_device_info info;

	for (unsigned d = 0; d < PP_DEVICES_MAX; d++) {
		if (!pp_devices_ops(&pool->devices, d) || pp_pool_device(pool, d, &info))
			continue;
		fprintf(out, "  device %u \"%s\": %u hugepages mapped", d, info.name, info.mapped);
		if (info.stuck)
			fprintf(out, ", %llu not unmapped", (unsigned long long)info.stuck);
		if (info.refused)
			fprintf(out, ", %llu refused, the last (%u) by error %d: %s",
				(unsigned long long)info.refused, info.page, info.error,
				info.reason);
		fprintf(out, "\n");
	}
	if (s->pages_lost)
		fprintf(out, "  %u hugepages lost, the last to device %d by error %d\n",
			s->pages_lost, s->lost_device, s->lost_error);
}

static void print_cache(const struct pp_cache_info *info, void *arg)
{
	fprintf(arg, "  cache %u \"%s\" (process %d, node %d): %llu cached, %llu published\n",
		info->id, info->name, info->pid, info->node, (unsigned long long)info->cached,
		(unsigned long long)info->published);
}

static const char *const backing_name[] = { "2 MiB", "1 GiB", "2 MiB of 4 KiB" };

PP_API void pp_pool_print(const struct pp_pool *pool, FILE *out)
{
	const struct pp_shared_facts *facts = &pool->store.shared->facts;
	const struct pp_region *region = &pool->store.region;
	struct pp_stats s;
	uint64_t bytes;

	pp_pool_stats(pool, &s);
	bytes = s.pages * (uint64_t)region->page;
	fprintf(out, "pool %s: %llu buffers of %u bytes (%u apart) on %u hugepages (%s)\n",
		facts->name, (unsigned long long)s.total, facts->buffer_size, region->stride,
		s.pages, backing_name[facts->backing]);
	fprintf(out, "  in flight %llu, cached %llu, deques %llu, depot %llu, fresh %llu",
		(unsigned long long)s.in_flight, (unsigned long long)s.cached,
		(unsigned long long)s.deques, (unsigned long long)s.depot,
		(unsigned long long)s.fresh);
	if (s.floor || s.reserve || s.marked)
		fprintf(out, ", reserve %llu of %llu (%llu marked, %llu leased)",
			(unsigned long long)s.reserve, (unsigned long long)s.floor,
			(unsigned long long)s.marked, (unsigned long long)s.leased);
	fprintf(out, "%s; high water %llu\n", s.collected ? " (some held back)" : "",
		(unsigned long long)s.high_water);
	fprintf(out,
		"  refill %llu, steal %llu, depot %llu, carve %llu, spill %llu, overflow %llu\n",
		(unsigned long long)s.sum.refill, (unsigned long long)s.sum.steal,
		(unsigned long long)s.sum.depot, (unsigned long long)s.sum.carve,
		(unsigned long long)s.sum.spill, (unsigned long long)s.sum.overflow);
	fprintf(out,
		"  fast %llu, slow %llu, slow free %llu, empty %llu, borrowed %llu, remote %llu, "
		"faults %llu\n",
		(unsigned long long)s.sum.fast, (unsigned long long)s.sum.slow,
		(unsigned long long)s.sum.slow_free, (unsigned long long)s.sum.empty,
		(unsigned long long)s.sum.borrowed, (unsigned long long)s.sum.remote,
		(unsigned long long)s.sum.fault);
	if (s.sum.reserve || s.sum.wait || s.sum.taken || s.sum.grown || s.waiters)
		fprintf(out,
			"  from the reserve %llu (refused %llu), waits %llu (in vain %llu), "
			"taken back %llu, grown %llu; %u wait now\n",
			(unsigned long long)s.sum.reserve, (unsigned long long)s.sum.refused,
			(unsigned long long)s.sum.wait, (unsigned long long)s.sum.timeout,
			(unsigned long long)s.sum.taken, (unsigned long long)s.sum.grown,
			s.waiters);
	fprintf(out, "  blocks of %u, deques, descriptors and caches cost %llu KiB (%.2f%%)\n",
		facts->block_size, (unsigned long long)(s.own_bytes >> 10),
		bytes ? 100.0 * (double)s.own_bytes / (double)bytes : 0.0);
	if (facts->nodes > 1)
		pp_pool_each_node(pool, print_node, out);
	print_devices((struct pp_pool *)pool, &s, out);
	pp_pool_each_cache(pool, print_cache, out);
}
