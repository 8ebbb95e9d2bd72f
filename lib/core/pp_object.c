/* SPDX-License-Identifier: BSD-3-Clause */
/* Object: taken and given back, by the thread's magazine where it can be. */
#include "pp_object.h"

#include <errno.h>
#include <string.h>

#include "pp_fail.h"
#include "pp_supply.h"

__attribute__((noinline, cold)) unsigned pp_object_none(const struct pp_objcache *oc)
{
	errno = -pp_fail(-EINVAL, "%s: no %s: NULL", oc ? oc->name : "objects",
			 oc ? "array for them" : "object cache");
	return 0;
}

bool pp_object_here(const struct pp_objcache *oc)
{
	if (PP_LIKELY(oc && pp_handle_lives(&oc->handle) && !oc->magazines.forked))
		return true;
	if (!oc)
		pp_object_none(oc);
	else if (!pp_handle_lives(&oc->handle))
		errno = -pp_fail(-EINVAL, "%s: the cache has been destroyed", oc->name);
	else
		errno = -pp_fail(-EPERM, "%s: the cache is another process's", oc->name);
	return false;
}

static __attribute__((noinline)) unsigned objcache_get_miss(struct pp_objcache *oc, void **objs,
							    unsigned n, unsigned flags,
							    struct pp_wait *wait)
{
	if (!n || !pp_object_here(oc))
		return 0;
	if (n > PP_BULK_MAX || (flags & oc->magazines.refused) ||
	    ((flags & PP_TRY) && (flags & ~(unsigned)PP_TRY))) {
		errno = -pp_fail(
			-EINVAL, "%s: %u objects with flags %#x: %s", oc->name, n, flags,
			n > PP_BULK_MAX ? "more than 2^28"
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
		return oc && !n ? 0 : pp_object_none(oc);
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
		pp_object_none(oc);
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

	if (!pp_object_here(oc))
		return 0;
	magazine = pp_magazine_make(&oc->magazines);
	pthread_mutex_lock(&oc->lock);
	/* Nothing is put by while somebody waits for it, nor while the book has to tell
	 * what is free: then not what was put by before, either. */
	if (oc->magazines.put_long && magazine) {
		pp_stock_put_all(oc, magazine);
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
		return oc && !n ? 0 : pp_object_none(oc);
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
		pp_object_none(oc);
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
