/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: made, shrunk, asked for its books, ended. */
#include "pp_objcache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pp_cache.h"
#include "pp_fail.h"
#include "pp_object.h"
#include "pp_pool.h"
#include "pp_region.h"
#include "pp_supply.h"

#define FLAGS (PP_TRY | PP_CRITICAL | PP_GROW | PP_WAIT)

static struct pp_handles objcaches = PP_HANDLES(struct pp_objcache, handle);

static int params_check(struct pp_objcache_params *p)
{
	size_t length = strnlen(p->name ? p->name : "objects", PP_OBJCACHE_NAME);

	if (!p->name)
		p->name = "objects";
	if (!p->align)
		p->align = 8;
	if (!p->magazine)
		p->magazine = 64;
	if (!p->keep)
		p->keep = 4;
	if (!length || length == PP_OBJCACHE_NAME)
		return pp_fail(-EINVAL, "a name has 1..31 characters");
	if (!p->pool)
		return pp_fail(-EINVAL, "%s: no pool to take buffers from", p->name);
	if (!p->object_size)
		return pp_fail(-EINVAL, "%s: object_size is 0", p->name);
	if (p->align & (p->align - 1))
		return pp_fail(-EINVAL, "%s: align %u is not a power of two", p->name, p->align);
	if (p->magazine < 2 || p->magazine > 4096)
		return pp_fail(-EINVAL, "%s: magazine %u is not in 2..4096", p->name, p->magazine);
	if (p->flags & ~(unsigned)PP_OBJCACHE_DEBUG)
		return pp_fail(-EINVAL, "%s: flags %#x are not known", p->name, p->flags);
	if (p->flags & PP_OBJCACHE_DEBUG)
		p->magazine = 0;
	return 0;
}

static struct pp_slab *objcache_spill(struct pp_magazines *set, struct pp_magazine *magazine)
{
	struct pp_objcache *oc = (struct pp_objcache *)set;
	struct pp_slab *slabs;

	pthread_mutex_lock(&oc->lock);
	pp_stock_put_all(oc, magazine);
	slabs = pp_stock_trim(oc, false);
	pp_stock_serve(oc);
	pthread_mutex_unlock(&oc->lock);
	return slabs;
}

static void objcache_unmake(struct pp_magazines *set, struct pp_slab *slabs)
{
	pp_stock_unmake((struct pp_objcache *)set, slabs);
}

static int objcache_plan(struct pp_objcache *oc)
{
	const struct pp_objcache_params *p = &oc->params;
	const struct pp_region *region = pp_pool_region(p->pool);
	struct pp_magazines *set = &oc->magazines;
	uint32_t bytes = region->buffer_size - region->lead;

	oc->region = region;
	oc->shape.align = p->align;
	if (pp_slab_plan(&oc->shape, p->object_size, region->lead, bytes))
		return pp_fail(-EINVAL,
			       "%s: no object of %u bytes, aligned to %u, fits into a buffer of %u",
			       p->name, p->object_size, p->align, bytes);
	strcpy(oc->name, p->name);
	oc->params.name = oc->name;
	set->base = region->base;
	set->bytes = region->buffer_bytes;
	set->size = p->magazine;
	set->get_long = set->put_long = !set->size;
	set->refused = ~(unsigned)FLAGS | (p->critical ? 0 : PP_CRITICAL);
	set->lock = &oc->lock;
	set->spill = objcache_spill;
	set->unmake = objcache_unmake;
	return 0;
}

PP_API int pp_objcache_create(const struct pp_objcache_params *params, struct pp_objcache **out)
{
	struct pp_objcache_params p;
	struct pp_objcache *oc;
	int rc;

	/* A program built with an older header knows less of it. */
	if (!params || !out || !params->sz || params->sz > sizeof(p))
		return pp_fail(-EINVAL, "pp_objcache_params.sz is not in 1..%zu", sizeof(p));
	memset(&p, 0, sizeof(p));
	memcpy(&p, params, params->sz);
	rc = params_check(&p);
	if (rc)
		return rc;
	oc = pp_handle_new(&objcaches);
	if (!oc)
		return pp_fail(-ENOMEM, "%s: no memory for the cache", p.name);
	oc->params = p;
	rc = objcache_plan(oc);
	if (rc)
		goto end_handle;
	oc->ours = calloc((oc->region->buffers_max + 63) / 64, sizeof(*oc->ours));
	if (!oc->ours) {
		rc = pp_fail(-ENOMEM, "%s: no memory for the cache", p.name);
		goto end_handle;
	}
	pthread_mutex_init(&oc->lock, NULL);
	rc = pp_magazines_open(&oc->magazines);
	if (rc)
		goto destroy_lock;
	*out = oc;
	return 0;

destroy_lock:
	pthread_mutex_destroy(&oc->lock);
	free(oc->ours);
end_handle:
	pp_handle_end(&objcaches, oc);
	return rc;
}

static uint64_t objcache_out(const struct pp_objcache *oc, bool critical)
{
	const struct pp_slab_book *book = &oc->books[critical];

	return (uint64_t)book->slabs * oc->shape.count - book->free;
}

PP_API int pp_objcache_destroy(struct pp_objcache *oc)
{
	struct pp_slab *slabs = NULL;
	uint64_t ordinary, critical;
	bool waits;

	if (!oc)
		return 0;
	if (!oc->magazines.forked && !pp_object_here(oc))
		return -EINVAL;
	if (!oc->magazines.forked) {
		pthread_mutex_lock(&oc->lock);
		pp_stock_collect(oc);
		ordinary = objcache_out(oc, false);
		critical = objcache_out(oc, true);
		waits = oc->waiters[0] || oc->waiters[1];
		if (!ordinary && !critical && !waits)
			slabs = pp_stock_trim(oc, true);
		pthread_mutex_unlock(&oc->lock);
		if (ordinary || critical || waits)
			return pp_fail(-EBUSY, "%s: %llu objects are out, %llu of them critical%s",
				       oc->name, (unsigned long long)(ordinary + critical),
				       (unsigned long long)critical,
				       waits ? ", and somebody waits" : "");
		pp_stock_unmake(oc, slabs);
		pp_magazines_close(&oc->magazines);
		pthread_mutex_destroy(&oc->lock);
	} else {
		pp_magazines_close(&oc->magazines);
	}
	free(oc->ours);
	/* No thread has a magazine of it: every call goes the long way, and is refused. */
	oc->magazines.generation = 0;
	pp_handle_end(&objcaches, oc);
	return 0;
}

PP_API bool pp_objcache_is_critical(struct pp_objcache *oc, const void *obj)
{
	struct pp_slab *slab;
	uint32_t i;
	bool critical;

	if (!pp_object_here(oc))
		return false;
	pthread_mutex_lock(&oc->lock);
	slab = pp_stock_find(oc, obj, &i);
	critical = slab && slab->critical;
	pthread_mutex_unlock(&oc->lock);
	return critical;
}

PP_API uint32_t pp_objcache_shrink(struct pp_objcache *oc)
{
	struct pp_slab *slabs;

	if (!pp_object_here(oc))
		return 0;
	pthread_mutex_lock(&oc->lock);
	pp_stock_collect(oc);
	slabs = pp_stock_trim(oc, true);
	pthread_mutex_unlock(&oc->lock);
	return pp_stock_unmake(oc, slabs);
}

PP_API void pp_objcache_stats(struct pp_objcache *oc, struct pp_objcache_stats *stats)
{
	if (stats)
		memset(stats, 0, sizeof(*stats));
	if (!stats || !pp_object_here(oc)) {
		if (!stats)
			errno = -pp_fail(-EINVAL, "nowhere to put the books: NULL");
		return;
	}
	pthread_mutex_lock(&oc->lock);
	stats->per_buffer = oc->shape.count;
	stats->buffers = oc->books[0].slabs;
	stats->empty = oc->books[0].empty;
	stats->critical = oc->books[1].slabs;
	for (struct pp_magazine *m = oc->magazines.first; m; m = m->next)
		stats->cached += __atomic_load_n(&m->n, __ATOMIC_RELAXED);
	stats->out_critical = objcache_out(oc, true);
	stats->out = objcache_out(oc, false) + stats->out_critical - stats->cached;
	stats->free = oc->books[0].free;
	stats->faults = oc->faults;
	stats->skipped = oc->magazines.skipped;
	for (unsigned critical = 0; critical < 2; critical++)
		for (struct pp_stock_waiter *w = oc->waiters[critical]; w; w = w->next)
			stats->waiters++;
	pthread_mutex_unlock(&oc->lock);
	stats->constructed = __atomic_load_n(&oc->constructed, __ATOMIC_RELAXED);
	stats->destructed = __atomic_load_n(&oc->destructed, __ATOMIC_RELAXED);
}
