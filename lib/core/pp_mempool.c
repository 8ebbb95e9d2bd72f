/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: created, resized, allocated from, freed to, destroyed. */
#include "pp_mempool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pp_fail.h"
#include "pp_mempool_line.h"

/* Elements that go to the backing in one call when a reserve is made smaller. */
#define CHUNK 64
/* Elements whose addresses fit on the stack. */
#define ON_STACK 256

static struct pp_handles mempools = PP_HANDLES(struct pp_mempool, handle);

int pp_mempool_gone(const struct pp_mempool *mp)
{
	if (PP_LIKELY(mp && pp_handle_lives(&mp->handle)))
		return 0;
	return pp_fail(-EINVAL, "%s", mp ? "the mempool has been destroyed" : "no mempool: NULL");
}

static int params_check(const struct pp_mempool_params *given, struct pp_mempool_params *params)
{
	size_t known = sizeof(*params);

	if (!given || !given->sz)
		return pp_fail(-EINVAL, "params.sz is not set (sizeof(struct pp_mempool_params))");
	if (given->sz > known)
		return pp_fail(-EINVAL, "params.sz %zu: this library knows %zu bytes of it",
			       given->sz, known);
	memcpy(params, given, given->sz);
	if (params->flags & ~(uint32_t)PP_MEMPOOL_DEBUG)
		return pp_fail(-EINVAL, "flags %#x: not all known", params->flags);
	if (!params->name)
		params->name = "mempool";
	if (!params->name[0] || strlen(params->name) > 31)
		return pp_fail(-EINVAL, "name \"%s\": 1 to 31 characters", params->name);
	if (!params->ops || !params->ops->alloc_bulk || !params->ops->free_bulk)
		return pp_fail(-EINVAL, "mempool %s: ops needs alloc_bulk and free_bulk",
			       params->name);
	if (!params->backing &&
	    (params->ops == &pp_mempool_pool || params->ops == &pp_mempool_malloc))
		return pp_fail(-EINVAL, "mempool %s: no backing", params->name);
	if (params->min_nr > PP_MEMPOOL_MAX)
		return pp_fail(-EINVAL, "mempool %s: min_nr %u is more than %u", params->name,
			       params->min_nr, PP_MEMPOOL_MAX);
	return 0;
}

static void mempool_locks(struct pp_mempool *mp)
{
	pthread_mutexattr_t attr;

	pthread_mutex_init(&mp->lock, NULL);
	/* Held while the backing is called: who comes again from there is told so. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&mp->resizing, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void mempool_free(struct pp_mempool *mp)
{
	pthread_mutex_destroy(&mp->lock);
	pthread_mutex_destroy(&mp->resizing);
	free(mp->elems);
	pp_handle_end(&mempools, mp);
}

PP_API int pp_mempool_create(const struct pp_mempool_params *given, struct pp_mempool **mempool)
{
	struct pp_mempool_params params = { .name = "mempool" };
	struct pp_mempool *mp;
	int rc;

	if (!mempool)
		return pp_fail(-EINVAL, "nowhere to put the mempool: NULL");
	*mempool = NULL;
	rc = params_check(given, &params);
	if (rc)
		return rc;
	mp = pp_handle_new(&mempools);
	if (!mp)
		return pp_fail(-ENOMEM, "mempool %s: no memory for it", params.name);
	mp->ops = params.ops;
	mp->backing = params.backing;
	mp->debug = params.flags & PP_MEMPOOL_DEBUG;
	memcpy(mp->name, params.name, strlen(params.name));
	mempool_locks(mp);
	for (unsigned i = PP_MEMPOOL_WAITERS_MAX; i-- > 0;) {
		mp->table[i].after = mp->spare;
		mp->spare = &mp->table[i];
	}
	rc = pp_mempool_resize(mp, params.min_nr);
	if (rc) {
		mempool_free(mp);
		return rc;
	}
	*mempool = mp;
	return 0;
}

static unsigned mempool_fetch(struct pp_mempool *mp, void **elems, unsigned n)
{
	unsigned got = mp->ops->alloc_bulk(mp->backing, elems, n, 0);

	if (got < n)
		got += mp->ops->alloc_bulk(mp->backing, elems + got, n - got, PP_GROW);
	return got;
}

/* Room for so many; what is kept moves there. The lock is taken. */
static void mempool_widen(struct pp_mempool *mp, void **room, uint32_t min_nr)
{
	struct pp_mempool_turn turn;
	void **old;

	pp_mempool_enter(mp, &turn);
	old = mp->elems;
	if (mp->kept)
		memcpy(room, old, mp->kept * sizeof(*room));
	mp->elems = room;
	__atomic_store_n(&mp->min_nr, min_nr, __ATOMIC_RELAXED);
	pp_mempool_line_look(mp, &turn);
	pp_mempool_leave(mp, &turn);
	free(old);
}

/* Fetches first, so that it can still be refused. */
static int mempool_grow(struct pp_mempool *mp, uint32_t min_nr)
{
	uint32_t more = min_nr - mp->min_nr, got;
	void **room = malloc((size_t)min_nr * sizeof(*room));
	void **fresh = malloc((size_t)more * sizeof(*fresh));
	int rc = -ENOMEM;

	if (!room || !fresh) {
		pp_fail(rc, "mempool %s: no memory for %u addresses", mp->name, min_nr);
		goto free_room;
	}
	got = mempool_fetch(mp, fresh, more);
	if (got == more) {
		mempool_widen(mp, room, min_nr);
		room = NULL;
		rc = 0;
	} else
		pp_fail(rc, "mempool %s: the backing had %u of %u elements", mp->name, got, more);
	pp_mempool_give(mp, fresh, got);
free_room:
	free(fresh);
	free(room);
	return rc;
}

static void mempool_trim(struct pp_mempool *mp, uint32_t min_nr)
{
	struct pp_mempool_turn turn;
	void *elems[CHUNK];
	uint32_t n;

	pp_mempool_enter(mp, &turn);
	__atomic_store_n(&mp->min_nr, min_nr, __ATOMIC_RELAXED);
	pp_mempool_line_look(mp, &turn);
	/* Who waits comes before the backing. */
	pp_mempool_leave(mp, &turn);
	do {
		pp_mempool_enter(mp, &turn);
		n = mp->kept > min_nr ? mp->kept - min_nr : 0;
		if (n > CHUNK)
			n = CHUNK;
		mp->kept -= n;
		memcpy(elems, mp->elems + mp->kept, n * sizeof(*elems));
		pp_mempool_leave(mp, &turn);
		pp_mempool_return(mp, elems, n);
	} while (n);
}

PP_API int pp_mempool_resize(struct pp_mempool *mp, uint32_t min_nr)
{
	int rc = pp_mempool_gone(mp);

	if (rc)
		return rc;
	if (min_nr > PP_MEMPOOL_MAX)
		return pp_fail(-EINVAL, "mempool %s: min_nr %u is more than %u", mp->name, min_nr,
			       PP_MEMPOOL_MAX);
	if (pthread_mutex_lock(&mp->resizing) == EDEADLK)
		return pp_fail(-EDEADLK, "mempool %s: resized from inside its own resizing",
			       mp->name);
	if (min_nr > mp->min_nr)
		rc = mempool_grow(mp, min_nr);
	else if (min_nr < mp->min_nr)
		mempool_trim(mp, min_nr);
	pthread_mutex_unlock(&mp->resizing);
	return rc;
}

PP_API int pp_mempool_destroy(struct pp_mempool *mp)
{
	struct pp_mempool_stats stats;

	if (!mp)
		return 0;
	if (pp_mempool_gone(mp))
		return -EINVAL;
	pp_mempool_stats(mp, &stats);
	if (stats.out || stats.waiters)
		return pp_fail(-EBUSY, "mempool %s: %llu elements are out, %u calls wait", mp->name,
			       (unsigned long long)stats.out, stats.waiters);
	pp_mempool_resize(mp, 0);
	mempool_free(mp);
	return 0;
}

static int request_check(const struct pp_mempool *mp, const void *where, unsigned n, unsigned flags)
{
	if (pp_mempool_gone(mp))
		return -EINVAL;
	if (!where)
		return pp_fail(-EINVAL, "mempool %s: nowhere to put the elements: NULL", mp->name);
	if (!n || n > PP_MEMPOOL_MAX)
		return pp_fail(-EINVAL, "mempool %s: %u elements: 1 to %u", mp->name, n,
			       PP_MEMPOOL_MAX);
	if (!pp_mempool_may(mp, n))
		return pp_fail(-EINVAL, "mempool %s: %u elements are more than min_nr: %u",
			       mp->name, n, __atomic_load_n(&mp->min_nr, __ATOMIC_RELAXED));
	if (flags & ~(unsigned)(PP_CRITICAL | PP_GROW | PP_WAIT))
		return pp_fail(-EINVAL, "mempool %s: flags %#x: PP_GROW and PP_WAIT it knows",
			       mp->name, flags);
	return 0;
}

PP_API unsigned pp_mempool_alloc_bulk(struct pp_mempool *mp, void **elems, unsigned n,
				      unsigned flags, struct pp_wait *wait)
{
	int rc = request_check(mp, elems, n, flags);

	if (!rc) {
		bool queues =
			flags & PP_WAIT && __atomic_load_n(&mp->waiters, __ATOMIC_RELAXED) != 0;

		/* Who would wait stands behind those who do. */
		rc = queues || !pp_mempool_try(mp, NULL, elems, n, flags) ? -EAGAIN : 0;
		if (rc && flags & PP_WAIT)
			rc = pp_mempool_wait(mp, elems, n, flags, wait);
	}
	if (rc) {
		errno = -rc;
		return 0;
	}
	__atomic_fetch_add(&mp->out, n, __ATOMIC_RELAXED);
	return n;
}

PP_API unsigned pp_mempool_alloc_bulk_cb(struct pp_mempool *mp, unsigned n, unsigned flags,
					 struct pp_wait *wait, pp_bulk_fn fn, void *arg)
{
	void *few[ON_STACK], **elems = few;
	int rc = fn ? request_check(mp, few, n, flags) : pp_fail(-EINVAL, "no function: NULL");
	unsigned got = 0, k = 0;

	if (rc || !fn) {
		errno = -rc;
		return 0;
	}
	if (n > ON_STACK)
		elems = malloc((size_t)n * sizeof(*elems));
	if (!elems)
		return 0;
	got = pp_mempool_alloc_bulk(mp, elems, n, flags, wait);
	while (k < got && fn(elems[k++], arg))
		;
	if (k < got)
		pp_mempool_free_bulk(mp, elems + k, got - k);
	if (elems != few)
		free(elems);
	return k;
}

/* Not more than are out: it would be somebody else's, or freed twice. */
static bool mempool_let_in(struct pp_mempool *mp, unsigned n)
{
	uint64_t out = __atomic_load_n(&mp->out, __ATOMIC_RELAXED);

	do {
		if (out < n)
			return false;
	} while (!__atomic_compare_exchange_n(&mp->out, &out, out - n, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

PP_API unsigned pp_mempool_free_bulk(struct pp_mempool *mp, void *const *elems, unsigned n)
{
	const void *doubled;
	unsigned i = 0;

	if (pp_mempool_gone(mp)) {
		errno = EINVAL;
		return 0;
	}
	if (elems)
		while (i < n && elems[i])
			i++;
	if (!elems || i < n) {
		errno = -pp_fail(-EINVAL, "mempool %s: NULL is none of its elements", mp->name);
		return 0;
	}
	doubled = mp->debug ? pp_mempool_reserve_finds(mp, elems, n) : NULL;
	if (doubled) {
		errno = -pp_fail(-EINVAL, "mempool %s: double free of %p", mp->name, doubled);
		return 0;
	}
	if (!mempool_let_in(mp, n)) {
		errno = -pp_fail(-EINVAL, "mempool %s: %u elements are more than are out", mp->name,
				 n);
		return 0;
	}
	return pp_mempool_give(mp, elems, n);
}

PP_API void pp_mempool_stats(struct pp_mempool *mp, struct pp_mempool_stats *stats)
{
	if (stats)
		*stats = (struct pp_mempool_stats){ .name = "" };
	if (!stats || pp_mempool_gone(mp)) {
		errno = stats ? EINVAL : -pp_fail(-EINVAL, "nowhere to put the books: NULL");
		return;
	}
	pthread_mutex_lock(&mp->lock);
	*stats = (struct pp_mempool_stats){
		.name = mp->name,
		.min_nr = mp->min_nr,
		.kept = mp->kept,
		.waiters = mp->waiters,
		.out = __atomic_load_n(&mp->out, __ATOMIC_RELAXED),
		.drawn = mp->drawn,
		.waited = mp->waited,
		.timeouts = mp->timeouts,
		.canceled = mp->canceled,
		.wakes = mp->wakes,
		.doubled = mp->doubled,
	};
	pthread_mutex_unlock(&mp->lock);
}
