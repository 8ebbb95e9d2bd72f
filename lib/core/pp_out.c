/* SPDX-License-Identifier: BSD-3-Clause */
/* Out: looking through what is in flight, buffer by buffer and owner by owner. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pp_fail.h"
#include "pp_holders.h"
#include "pp_inside.h"
#include "pp_note.h"

/* One walk: what it has learnt of names, and the time that ages are counted from. */
struct walk {
	struct pp_store *store;
	uint64_t *bits; /* where holders are not noted */
	uint64_t now;
	bool named[PP_HOLDER_NOBODY + 1];
	char names[PP_HOLDER_NOBODY + 1][PP_OWNER_NAME];
};

/* One buffer in flight, in numbers. */
struct one {
	uint32_t index, holder, tag;
	uint64_t age;
};

static int walk_begin(struct walk *walk, struct pp_pool *pool)
{
	memset(walk, 0, sizeof(*walk));
	walk->store = &pool->store;
	walk->now = pp_note_clock();
	if (pool->store.holders)
		return 0;
	walk->bits = pp_walk_in_flight(&pool->store);
	return walk->bits ? 0
			  : pp_fail(-ENOMEM, "no memory to look through %u buffers",
				    pool->store.region.buffers_max);
}

/* Whose lock is taken once, not once for each buffer. */
static const char *walk_name(struct walk *walk, uint32_t holder)
{
	if (!walk->named[holder]) {
		pp_holder_name(walk->store, holder, walk->names[holder]);
		walk->named[holder] = true;
	}
	return walk->names[holder];
}

/* False: it is not in flight. */
static bool walk_look(const struct walk *walk, uint32_t index, struct one *one)
{
	const struct pp_store *store = walk->store;
	uint32_t key;
	uint64_t note;

	*one = (struct one){ .index = index, .age = PP_AGE_UNKNOWN };
	if (walk->bits)
		return walk->bits[index / 64] >> index % 64 & 1;
	key = pp_place_index_key(&store->region, index);
	one->holder = atomic_load_explicit(&store->holders[key], memory_order_acquire);
	if (!one->holder ||
	    (atomic_load_explicit(&store->marks[index], memory_order_relaxed) & PP_MARK_LATE))
		return false;
	note = pp_note_of(store, key);
	if (note) {
		one->tag = pp_note_tag(note);
		one->age = pp_note_age(note, walk->now);
	}
	return true;
}

/* In memory of somebody else's with gaps a number is no address. */
static void *buffer_at(const struct pp_region *region, uint32_t index)
{
	const struct pp_tracts *tracts = region->tracts;

	if (!tracts)
		return (void *)(pp_place_start(region, index) + region->lead);
	for (uint32_t i = atomic_load_explicit(&tracts->n, memory_order_acquire); i-- > 0;) {
		const struct pp_tract *tract = &tracts->tract[i];

		if (index >= tract->first)
			return tract->gapless
				       ? (void *)(tract->start +
						  (uint64_t)(index - tract->first) * tracts->stride)
				       : NULL;
	}
	return NULL;
}

static uint32_t cache_number(uint32_t holder)
{
	return holder && holder != PP_HOLDER_NOBODY ? holder - 1 : PP_CACHE_UNKNOWN;
}

static bool filter_passes(const struct pp_out_filter *filter, const struct pp_out *out)
{
	return !filter || ((!filter->owner || !strcmp(filter->owner, out->owner)) &&
			   (!filter->tag || !strcmp(filter->tag, out->tag)) &&
			   (!filter->age_ms ||
			    (out->age_ms != PP_AGE_UNKNOWN && out->age_ms >= filter->age_ms)));
}

PP_API int64_t pp_pool_each_out(struct pp_pool *pool, const struct pp_out_filter *filter,
				void (*fn)(const struct pp_out *out, void *arg), void *arg)
{
	struct walk walk;
	int64_t n = 0;
	int rc = walk_begin(&walk, pool);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < walk.store->region.buffers_max; i++) {
		struct one one;
		struct pp_out out;

		if (!walk_look(&walk, i, &one))
			continue;
		out.buffer = buffer_at(&walk.store->region, i);
		out.owner = walk_name(&walk, one.holder);
		out.tag = pp_note_tag_name(walk.store, one.tag);
		out.cache = cache_number(one.holder);
		out.age_ms = one.age;
		if (!filter_passes(filter, &out))
			continue;
		n++;
		if (fn)
			fn(&out, arg);
	}
	free(walk.bits);
	return n;
}

/* What one owner has under one tag, in numbers. */
struct group {
	uint32_t holder, tag, oldest_index;
	uint64_t buffers, oldest, youngest;
};

static void group_add(struct group *group, const struct one *one)
{
	if (!group->buffers++) {
		group->holder = one->holder;
		group->tag = one->tag;
		group->oldest_index = one->index;
		group->oldest = group->youngest = one->age;
	}
	/* An age that is not known is greater than any; here all are known or none is. */
	if (one->age > group->oldest) {
		group->oldest = one->age;
		group->oldest_index = one->index;
	}
	if (one->age < group->youngest)
		group->youngest = one->age;
}

/* The oldest first; of the same age, or none, the most. */
static int group_compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->oldest != y->oldest && x->buffers && y->buffers)
		return x->oldest > y->oldest ? -1 : 1;
	return x->buffers > y->buffers ? -1 : x->buffers < y->buffers;
}

static void group_show(struct walk *walk, const struct group *group,
		       void (*fn)(const struct pp_holding *holding, void *arg), void *arg)
{
	struct pp_holding holding = {
		.owner = walk_name(walk, group->holder),
		.tag = pp_note_tag_name(walk->store, group->tag),
		.cache = cache_number(group->holder),
		.buffers = group->buffers,
		.oldest_ms = group->oldest,
		.youngest_ms = group->youngest,
		.oldest = buffer_at(&walk->store->region, group->oldest_index),
	};

	fn(&holding, arg);
}

PP_API int64_t pp_pool_each_holding(struct pp_pool *pool,
				    void (*fn)(const struct pp_holding *holding, void *arg),
				    void *arg)
{
	size_t tags = pool->store.tags ? PP_TAGS_MAX + 1 : 1, n = 0;
	struct group *groups = calloc((PP_HOLDER_NOBODY + 1) * tags, sizeof(*groups));
	struct walk walk;
	struct one one;
	int rc;

	if (!groups)
		return pp_fail(-ENOMEM, "no memory to sum up holders");
	rc = walk_begin(&walk, pool);
	if (rc) {
		free(groups);
		return rc;
	}
	for (uint32_t i = 0; i < walk.store->region.buffers_max; i++)
		if (walk_look(&walk, i, &one))
			group_add(&groups[one.holder * tags + one.tag], &one);
	free(walk.bits);
	for (size_t i = 0; i < (PP_HOLDER_NOBODY + 1) * tags; i++)
		if (groups[i].buffers)
			groups[n++] = groups[i];
	qsort(groups, n, sizeof(*groups), group_compare);
	for (size_t i = 0; fn && i < n; i++)
		group_show(&walk, &groups[i], fn, arg);
	free(groups);
	return (int64_t)n;
}
