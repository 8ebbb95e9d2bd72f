/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: see pp_objcache.h. */
#include "pp_objcache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pp_cache.h"
#include "pp_fail.h"
#include "pp_pool.h"
#include "pp_region.h"
#include "pp_supply.h"

#define FLAGS (PP_TRY | PP_CRITICAL | PP_GROW | PP_WAIT)

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

/* With the lock. */
static void magazine_empty(struct pp_objcache *oc, struct pp_magazine *magazine)
{
	for (uint32_t i = 0; i < magazine->n; i++)
		pp_stock_put(oc, magazine->objs[i]);
	__atomic_store_n(&magazine->n, 0, __ATOMIC_RELAXED);
}

static struct pp_slab *objcache_spill(struct pp_magazines *set, struct pp_magazine *magazine)
{
	struct pp_objcache *oc = (struct pp_objcache *)set;
	struct pp_slab *slabs;

	pthread_mutex_lock(&oc->lock);
	magazine_empty(oc, magazine);
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
	oc = aligned_alloc(PP_LINE, sizeof(*oc));
	if (!oc)
		return pp_fail(-ENOMEM, "%s: no memory for the cache", p.name);
	memset(oc, 0, sizeof(*oc));
	oc->params = p;
	rc = objcache_plan(oc);
	if (rc)
		goto free_cache;
	oc->ours = calloc((oc->region->buffers_max + 63) / 64, sizeof(*oc->ours));
	if (!oc->ours) {
		rc = pp_fail(-ENOMEM, "%s: no memory for the cache", p.name);
		goto free_cache;
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
free_cache:
	free(oc);
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
	free(oc);
	return 0;
}

static __attribute__((noinline, cold)) unsigned objcache_null(const struct pp_objcache *oc)
{
	errno = -pp_fail(-EINVAL, "%s: no %s: NULL", oc ? oc->name : "objects",
			 oc ? "array for them" : "object cache");
	return 0;
}

static __attribute__((noinline)) unsigned objcache_get_miss(struct pp_objcache *oc, void **objs,
							    unsigned n, unsigned flags,
							    struct pp_wait *wait)
{
	if (!n)
		return 0;
	errno = oc->magazines.forked ? EPERM : EINVAL;
	if (oc->magazines.forked || n > PP_BULK_MAX || (flags & oc->magazines.refused) ||
	    ((flags & PP_TRY) && (flags & ~(unsigned)PP_TRY))) {
		pp_fail(-errno, "%s: %u objects with flags %#x: %s", oc->name, n, flags,
			oc->magazines.forked ? "the cache is another process's"
			: n > PP_BULK_MAX    ? "more than 2^28"
			: flags == PP_CRITICAL && !oc->params.critical
				? "the cache has no critical mempool"
				: "flags that it does not have, or that contradict each other");
		return 0;
	}
	if (flags & PP_TRY) {
		errno = EAGAIN;
		return 0;
	}
	return pp_supply(oc, objs, n, flags, wait);
}

PP_API unsigned pp_objcache_alloc_bulk(struct pp_objcache *oc, void **objs, unsigned n,
				       unsigned flags, struct pp_wait *wait)
{
	struct pp_magazines *set;
	struct pp_magazine *magazine;

	if (!PP_LIKELY(oc && objs))
		return oc && !n ? 0 : objcache_null(oc);
	set = &oc->magazines;
	magazine = pp_magazine_here(set);
	if (PP_LIKELY(magazine && !(flags & set->refused))) {
		pp_magazine_begin(magazine);
		if (pp_magazine_short(&set->get_long) && n <= magazine->n && n) {
			uint32_t left = magazine->n - n;

			memcpy(objs, magazine->objs + left, n * sizeof(*objs));
			__atomic_store_n(&magazine->n, left, __ATOMIC_RELAXED);
			pp_magazine_end(magazine);
			return n;
		}
		pp_magazine_end(magazine);
	}
	return objcache_get_miss(oc, objs, n, flags, wait);
}

PP_API void *pp_objcache_alloc(struct pp_objcache *oc, unsigned flags)
{
	struct pp_magazines *set;
	struct pp_magazine *magazine;
	void *obj;

	if (!PP_LIKELY(oc != NULL)) {
		objcache_null(oc);
		return NULL;
	}
	set = &oc->magazines;
	magazine = pp_magazine_here(set);
	if (PP_LIKELY(magazine && !(flags & set->refused))) {
		pp_magazine_begin(magazine);
		if (pp_magazine_short(&set->get_long) && PP_LIKELY(magazine->n)) {
			uint32_t left = magazine->n - 1;

			obj = magazine->objs[left];
			__atomic_store_n(&magazine->n, left, __ATOMIC_RELAXED);
			pp_magazine_end(magazine);
			return obj;
		}
		pp_magazine_end(magazine);
	}
	return objcache_get_miss(oc, &obj, 1, flags, NULL) ? obj : NULL;
}

/* Makes room for one: the half that has lain there longest goes home. */
static void magazine_spill(struct pp_objcache *oc, struct pp_magazine *magazine)
{
	uint32_t half = magazine->n / 2;

	for (uint32_t i = 0; i < half; i++)
		pp_stock_put(oc, magazine->objs[i]);
	magazine->n -= half;
	memmove(magazine->objs, magazine->objs + half, magazine->n * sizeof(*magazine->objs));
}

/* With the lock: into the magazine if it may be there, else home. */
static const char *objcache_put(struct pp_objcache *oc, struct pp_magazine *magazine, void *obj)
{
	uint32_t i;
	struct pp_slab *slab = pp_stock_find(oc, obj, &i);

	if (!magazine || !slab || pp_slab_is_free(slab, i))
		return pp_stock_put(oc, obj);
	if (magazine->n == oc->magazines.size)
		magazine_spill(oc, magazine);
	magazine->objs[magazine->n++] = obj;
	return NULL;
}

static __attribute__((noinline)) unsigned objcache_put_miss(struct pp_objcache *oc,
							    void *const *objs, unsigned n)
{
	struct pp_magazine *magazine;
	struct pp_slab *slabs;
	const char *wrong = NULL;
	const void *what = NULL;
	unsigned put = 0;

	if (oc->magazines.forked) {
		pp_fail(-EPERM, "%s: the cache is another process's", oc->name);
		return 0;
	}
	magazine = pp_magazine_make(&oc->magazines);
	pthread_mutex_lock(&oc->lock);
	/* Nothing is put by while somebody waits for it, nor while the book has to tell
	 * what is free: then not what was put by before, either. */
	if (oc->magazines.put_long && magazine) {
		magazine_empty(oc, magazine);
		magazine = NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		const char *complaint = objcache_put(oc, magazine, objs[i]);

		if (complaint && !wrong) {
			wrong = complaint;
			what = objs[i];
		}
		put += !complaint;
	}
	/* First the empty ones go: who waits at the mempool, for any cache, is in
	 * its line, which is the older one. */
	slabs = pp_stock_trim(oc, false);
	pp_stock_serve(oc);
	pthread_mutex_unlock(&oc->lock);
	pp_stock_unmake(oc, slabs);
	if (wrong)
		pp_fail(-EINVAL, "%s: %s of %p", oc->name, wrong, what);
	return put;
}

static inline bool object_is_near(const struct pp_magazines *set, const void *obj)
{
	return PP_LIKELY((uintptr_t)obj - set->base < set->bytes);
}

PP_API unsigned pp_objcache_free_bulk(struct pp_objcache *oc, void *const *objs, unsigned n)
{
	struct pp_magazines *set;
	struct pp_magazine *magazine;
	bool near = true;

	if (!PP_LIKELY(oc && objs))
		return oc && !n ? 0 : objcache_null(oc);
	set = &oc->magazines;
	magazine = pp_magazine_here(set);
	for (unsigned i = 0; i < n; i++)
		near &= object_is_near(set, objs[i]);
	if (PP_LIKELY(magazine && near)) {
		pp_magazine_begin(magazine);
		if (pp_magazine_short(&set->put_long) && n <= set->size - magazine->n) {
			memcpy(magazine->objs + magazine->n, objs, n * sizeof(*objs));
			__atomic_store_n(&magazine->n, magazine->n + n, __ATOMIC_RELAXED);
			pp_magazine_end(magazine);
			return n;
		}
		pp_magazine_end(magazine);
	}
	return objcache_put_miss(oc, objs, n);
}

PP_API void pp_objcache_free(struct pp_objcache *oc, void *obj)
{
	struct pp_magazines *set;
	struct pp_magazine *magazine;

	if (!PP_LIKELY(oc != NULL)) {
		objcache_null(oc);
		return;
	}
	set = &oc->magazines;
	magazine = pp_magazine_here(set);
	if (PP_LIKELY(magazine && object_is_near(set, obj))) {
		pp_magazine_begin(magazine);
		if (pp_magazine_short(&set->put_long) && PP_LIKELY(magazine->n < set->size)) {
			uint32_t n = magazine->n;

			magazine->objs[n] = obj;
			__atomic_store_n(&magazine->n, n + 1, __ATOMIC_RELAXED);
			pp_magazine_end(magazine);
			return;
		}
		pp_magazine_end(magazine);
	}
	objcache_put_miss(oc, &obj, 1);
}

PP_API bool pp_objcache_is_critical(struct pp_objcache *oc, const void *obj)
{
	struct pp_slab *slab;
	uint32_t i;
	bool critical;

	if (!oc || oc->magazines.forked)
		return oc ? false : objcache_null(oc);
	pthread_mutex_lock(&oc->lock);
	slab = pp_stock_find(oc, obj, &i);
	critical = slab && slab->critical;
	pthread_mutex_unlock(&oc->lock);
	return critical;
}

PP_API uint32_t pp_objcache_shrink(struct pp_objcache *oc)
{
	struct pp_slab *slabs;

	if (!oc || oc->magazines.forked)
		return oc ? 0 : objcache_null(oc);
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
	if (!oc || !stats) {
		errno = -pp_fail(-EINVAL, "no object cache, or nowhere to put its books: NULL");
		return;
	}
	if (oc->magazines.forked)
		return;
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
