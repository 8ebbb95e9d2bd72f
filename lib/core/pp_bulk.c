/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk: frees that find the pool themselves, and calls without a cache. */
#include "pp_bulk.h"

#include <errno.h>
#include <stdlib.h>

#include "pp_buffer.h"
#include "pp_fail.h"
#include "pp_guard.h"
#include "pp_inside.h"
#include "pp_thread.h"

#define CHUNK 64

/* Hands over what has come; false once fn wants no more: then the rest is freed. */
static bool hand_over(struct pp_cache *cache, void **bufs, unsigned n, pp_bulk_fn fn, void *arg,
		      unsigned *handed, unsigned flags)
{
	for (unsigned i = 0; i < n; i++) {
		++*handed;
		if (fn(bufs[i], arg))
			continue;
		if (flags & PP_TRY)
			pp_free_nolock(cache, bufs + i + 1, n - i - 1);
		else
			pp_free_bulk(cache, bufs + i + 1, n - i - 1);
		return false;
	}
	return true;
}

/* In any context: no memory but the stack's, and what a block can have. */
static unsigned hand_over_try(struct pp_cache *cache, unsigned n, pp_bulk_fn fn, void *arg)
{
	void *bufs[PP_BLOCK_MAX];
	unsigned handed = 0;

	if (n <= PP_BLOCK_MAX)
		hand_over(cache, bufs, pp_alloc_bulk(cache, bufs, n, PP_TRY), fn, arg, &handed,
			  PP_TRY);
	return handed;
}

/* Who had some and waited for the others could be waited for by who has those. */
static unsigned hand_over_whole(struct pp_cache *cache, unsigned n, unsigned flags, pp_bulk_fn fn,
				void *arg)
{
	void *few[CHUNK], **bufs = few;
	unsigned handed = 0;

	if (flags & PP_TRY)
		return hand_over_try(cache, n, fn, arg);
	if (n > CHUNK)
		bufs = malloc(n * sizeof(*bufs));
	if (!bufs) {
		errno = ENOMEM;
		pp_fail(-ENOMEM, "no memory for %u pointers", n);
		return 0;
	}
	hand_over(cache, bufs, pp_alloc_bulk(cache, bufs, n, flags), fn, arg, &handed, flags);
	if (bufs != few)
		free(bufs);
	return handed;
}

/* What is missing to a form: nothing is done then. */
static bool form_lacks(const void *what, const char *name)
{
	if (PP_LIKELY(what != NULL))
		return false;
	errno = EINVAL;
	pp_fail(-EINVAL, "%s is NULL", name);
	return true;
}

PP_API unsigned pp_alloc_bulk_cb(struct pp_cache *cache, unsigned n, unsigned flags, pp_bulk_fn fn,
				 void *arg)
{
	void *bufs[CHUNK];
	unsigned handed = 0;

	if (form_lacks((const void *)(uintptr_t)fn, "fn"))
		return 0;
	if (flags & (PP_CRITICAL | PP_WAIT | PP_TRY))
		return hand_over_whole(cache, n, flags, fn, arg);
	while (handed < n) {
		unsigned want = n - handed < CHUNK ? n - handed : CHUNK;
		unsigned got = pp_alloc_burst(cache, bufs, want, flags);

		if (!hand_over(cache, bufs, got, fn, arg, &handed, flags) || got < want)
			break;
	}
	return handed;
}

struct bulk_fill {
	void **slot;
	void **end;
};

static void fill_seek(struct bulk_fill *fill)
{
	while (fill->slot < fill->end && *fill->slot)
		fill->slot++;
}

static bool fill_one(void *buf, void *arg)
{
	struct bulk_fill *fill = arg;

	*fill->slot++ = buf;
	fill_seek(fill);
	return fill->slot < fill->end;
}

PP_API unsigned pp_alloc_bulk_fill(struct pp_cache *cache, void **bufs, unsigned n, unsigned flags)
{
	struct bulk_fill fill = { bufs, bufs + n };
	unsigned set = 0, got = 0, gap;

	if (form_lacks(bufs, "bufs"))
		return 0;
	for (unsigned i = 0; i < n; i++)
		set += bufs[i] != NULL;
	fill_seek(&fill);
	if (flags & (PP_CRITICAL | PP_WAIT))
		return set + hand_over_whole(cache, n - set, flags, fill_one, &fill);
	/* A gap is an array. */
	for (; fill.slot < fill.end; fill.slot += gap, fill_seek(&fill)) {
		for (gap = 1; fill.slot + gap < fill.end && !fill.slot[gap];)
			gap++;
		got += pp_alloc_burst(cache, fill.slot, gap, flags);
		if (!fill.slot[gap - 1])
			break;
	}
	return set + got;
}

struct bulk_list {
	void *head;
	uint32_t link;
};

static void **list_next(void *buf, uint32_t link)
{
	return (void **)((char *)buf + link);
}

static bool list_one(void *buf, void *arg)
{
	struct bulk_list *list = arg;

	*list_next(buf, list->link) = list->head;
	list->head = buf;
	return true;
}

/* Up to `n` from the front of a list; returns how many were freed. */
static unsigned list_free(struct pp_cache *cache, struct bulk_list *list, unsigned n)
{
	void *bufs[CHUNK];
	unsigned freed = 0, k;

	do {
		for (k = 0; k < CHUNK && freed + k < n && list->head; k++) {
			bufs[k] = list->head;
			list->head = *list_next(bufs[k], list->link);
			/* As rte_mbuf wants it of a free one. */
			*list_next(bufs[k], list->link) = NULL;
		}
		pp_free_bulk(cache, bufs, k);
		freed += k;
	} while (k == CHUNK);
	return freed;
}

PP_API unsigned pp_alloc_bulk_list(struct pp_cache *cache, void **list, unsigned n, unsigned flags)
{
	struct bulk_list made;
	unsigned got;

	if (form_lacks(list, "list"))
		return 0;
	made = (struct bulk_list){ *list, pp_store_of_cache(cache)->shared->facts.link };
	got = pp_alloc_bulk_cb(cache, n, flags, list_one, &made);

	if (got < n) {
		/* Before the old list there are exactly as many as came. */
		list_free(cache, &made, got);
		return 0;
	}
	*list = made.head;
	return n;
}

PP_API unsigned pp_free_bulk_list(struct pp_cache *cache, void *head)
{
	struct bulk_list list = { head, pp_store_of_cache(cache)->shared->facts.link };

	return list_free(cache, &list, UINT32_MAX);
}

static void pool_put(struct pp_pool *pool, void *const *bufs, unsigned n)
{
	struct pp_cache *cache = pp_pool_cache(pool);

	if (cache)
		pp_cache_put(cache, bufs, n);
	else
		pp_pool_free(pool, bufs, n);
}

static struct pp_pool *pool_of(const void *buf)
{
	struct pp_pool *pool = pp_pool_find(buf);
	int64_t index;

	if (!pool)
		return NULL;
	index = pp_buffer_index(&pool->store.region, buf);
	if (index < 0 || pp_buffer_at(&pool->store.region, (uint32_t)index) != buf)
		return NULL;
	return pool;
}

PP_API unsigned pp_free_any(void *const *bufs, unsigned n)
{
	unsigned freed = 0, i = 0, run;
	const void *foreign = NULL;

	while (i < n) {
		struct pp_pool *pool = bufs[i] ? pool_of(bufs[i]) : NULL;

		if (!pool) {
			if (!foreign)
				foreign = bufs[i];
			i++;
			continue;
		}
		for (run = 1; i + run < n && bufs[i + run] && pool_of(bufs[i + run]) == pool;)
			run++;
		pool_put(pool, bufs + i, run);
		freed += run;
		i += run;
	}
	if (foreign)
		pp_fail(0, "%p is no buffer of any pool here", foreign);
	return freed;
}

/* From any depot, the nearest first: loose, whole blocks broken, or fresh. */
static uint32_t depots_get(struct pp_store *store, uint32_t *offsets, uint32_t n)
{
	uint32_t got = 0, k, here = pp_store_here(store), nodes = store->shared->facts.nodes;

	for (uint32_t i = 0; got < n && i < nodes; i++) {
		uint32_t d = (here + i) % nodes;

		got += pp_depot_get(store, d, PP_NOBODY, offsets + got, n - got);
		while (got < n && (k = pp_depot_carve(store, d, offsets + got, n - got)) != 0)
			got += k;
	}
	return got;
}

PP_API unsigned pp_pool_alloc_burst(struct pp_pool *pool, void **bufs, unsigned n)
{
	struct pp_store *store = &pool->store;
	uint32_t offsets[CHUNK];
	unsigned got = 0;

	if (!pp_pool_here(pool))
		return 0;
	/* As in pp_owner_get_slow(). */
	if (PP_UNLIKELY(pp_late_any(store)))
		pp_late_place(store, PP_NOBODY);
	if (PP_UNLIKELY(pp_home_pressed(store)))
		pp_home_feed(store, PP_NOBODY);
	while (got < n) {
		uint32_t want = n - got < CHUNK ? n - got : CHUNK;
		uint32_t k = depots_get(store, offsets, want);

		if (!k) {
			/* Blocks that other owners have published are to be had too. */
			pp_take_published(store);
			k = depots_get(store, offsets, want);
		}
		if (!k)
			break;
		pp_store_out(store, offsets, bufs + got, k);
		got += k;
	}
	if (store->holders)
		pp_guard_out(store, PP_HOLDER_NOBODY, bufs, got);
	if (PP_UNLIKELY(pp_level_watched(store)))
		pp_level_look(pool);
	__atomic_fetch_add(&store->shared->past.long_way, got, __ATOMIC_RELAXED);
	return got;
}

PP_API void pp_pool_free(struct pp_pool *pool, void *const *bufs, unsigned n)
{
	struct pp_store *store = &pool->store;
	uint32_t offsets[CHUNK];
	void *kept[CHUNK];

	if (!pp_pool_here(pool))
		return;
	for (unsigned i = 0; i < n; i += CHUNK) {
		unsigned k = n - i < CHUNK ? n - i : CHUNK;
		void *const *chunk = bufs + i;

		if (store->shared->facts.mode & PP_MODE_DEBUG) {
			k = pp_guard_in(store, PP_HOLDER_NOBODY, chunk, k, kept);
			chunk = kept;
		} else if (store->holders)
			pp_guard_home(store, chunk, k);
		pp_store_in(store, offsets, chunk, k);
		pp_home_put(store, 0, PP_NOBODY, offsets, k);
		__atomic_fetch_add(&store->shared->past.long_way, k, __ATOMIC_RELAXED);
	}
	if (PP_UNLIKELY(pp_level_watched(store)))
		pp_level_look(pool);
}
