/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempool: elements of any backing, of which a minimum is always kept. */
#ifndef PP_MEMPOOL_H
#define PP_MEMPOOL_H

#include "pp_bulk.h"
#include "pp_wait.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A mempool keeps min_nr elements of its backing aside, so that a request for
 * up to so many is certain to be served some time, if only all who have
 * elements give them back. It comes from Yang Shi's bulk series for the
 * kernel's mempool (2022) and what Hellwig's mempool_alloc_bulk (2025) made of
 * it; with it a wait got an order, a deadline and an end.
 *
 * The order of a request: the backing's, as far as they are at hand; the whole
 * remainder from the reserve, at once, or none of it; with PP_GROW the
 * backing's with effort, and the reserve again; with PP_WAIT the line. Who
 * waits holds nothing: what was not enough has gone back, so that two who each
 * need more than half never block each other.
 *
 * Any thread of the process that created it; not in a signal handler (but
 * pp_wait_cancel() is), nor in a forked child.
 */
struct pp_mempool;

/* Elements of one request, and the most that can be kept. */
#define PP_MEMPOOL_MAX (1u << 28)
/* Calls that can wait at once. */
#define PP_MEMPOOL_WAITERS_MAX 256
/* Threads on record as having drawn from the reserve; the one that drew longest
 * ago makes room. */
#define PP_MEMPOOL_USERS_MAX 64
/* How often the first in line asks a backing that has no wait_bulk, microseconds. */
#define PP_MEMPOOL_RETRY_US 1000

/*
 * Where a mempool gets its elements from and returns them to: a pool, a cache
 * of objects, malloc, anything. Every element that the mempool ever holds or
 * hands out went through alloc_bulk or wait_bulk, and every one it gives up
 * goes through free_bulk, so that a count kept by them is right at any quiet
 * moment, while it is filled, resized and destroyed, too (Foster's review of
 * Shi's series, 2022). Called without the mempool's lock held, by any thread,
 * several at a time. No element is NULL.
 */
struct pp_mempool_ops {
	/* Up to n elements; returns how many. flags is 0 (what is at hand) or
	 * PP_GROW (with effort, but without waiting). */
	unsigned (*alloc_bulk)(void *backing, void **elems, unsigned n, unsigned flags);
	void (*free_bulk)(void *backing, void *const *elems, unsigned n);
	/*
	 * Optional: all n, or 0 with errno, waiting also for those that are
	 * freed behind the mempool's back. Ends with ECANCELED when `wait` is
	 * cancelled, which the mempool does, too, for as long as the call needs
	 * to return: pass it on as it is, to pp_alloc_bulk_wait() or another
	 * mempool. With EINVAL there can never be so many. Only the first in
	 * line is in it.
	 */
	unsigned (*wait_bulk)(void *backing, void **elems, unsigned n, struct pp_wait *wait);
};

/* malloc and free; the backing is the size in bytes: (void *)(uintptr_t)size, not 0. */
PP_API extern const struct pp_mempool_ops pp_mempool_malloc;
/* Buffers; the backing is the struct pp_pool *. Uses the calling thread's cache of it. */
PP_API extern const struct pp_mempool_ops pp_mempool_pool;

enum pp_mempool_flag {
	/* Looks through what is kept, and the others of the call, for each element that is
	 * freed: one that is free already is refused. One whose first free has gone on to the
	 * backing or to who waits only those can tell. Slow; for development. */
	PP_MEMPOOL_DEBUG = 1 << 0,
};

/* Zero means the default. */
struct pp_mempool_params {
	size_t sz;                        /* sizeof(struct pp_mempool_params), always first */
	const char *name;                 /* 1..31 characters; default "mempool" */
	const struct pp_mempool_ops *ops; /* must outlive the mempool; no default */
	void *backing;                    /* passed to ops; must outlive the mempool */
	uint32_t min_nr;                  /* elements to keep, 0 .. PP_MEMPOOL_MAX */
	uint32_t flags;                   /* enum pp_mempool_flag */
};

/*
 * Takes min_nr elements from the backing, with effort. 0, or -EINVAL (a
 * parameter is out of range), or -ENOMEM (the backing has not so many, or there
 * is no memory for the books): then it has all back.
 */
PP_API int pp_mempool_create(const struct pp_mempool_params *params, struct pp_mempool **mempool);

/*
 * Gives what is kept back to the backing and ends. -EBUSY, and nothing is
 * freed, as long as elements are out or calls wait: pp_error() says how many.
 * NULL is fine. No other thread may be inside a call on it. Every later call on it is an
 * EINVAL, this one, too, until the next that is created has its address.
 */
PP_API int pp_mempool_destroy(struct pp_mempool *mempool);

/*
 * Changes how many are kept, at any time, whatever is out; one resize at a
 * time, others wait. Growing takes the difference from the backing, with
 * effort: -ENOMEM, and nothing has changed, if it has not so many. What is kept
 * beyond a smaller min_nr serves who waits or goes back at once. Calls that
 * wait for more than the new min_nr (unless that is 0) end with EINVAL.
 * 0, -EINVAL or -ENOMEM; -EDEADLK from inside the backing's calls that a resize of
 * this thread makes (or what those call in turn: pp_level_fn).
 */
PP_API int pp_mempool_resize(struct pp_mempool *mempool, uint32_t min_nr);

/*
 * All n elements (returns n), or none: 0 with errno. n is 1 to min_nr; with
 * a min_nr of 0 any n to PP_MEMPOOL_MAX, but then nothing is certain.
 *
 * flags: 0, or PP_GROW and PP_WAIT in any combination. (PP_CRITICAL changes
 * nothing: the reserve is for every user. PP_TRY is refused.) With PP_WAIT the
 * call waits until `wait` ends, or for ever if that is NULL; the same wait,
 * good for further calls, may be cancelled by another thread or a signal
 * handler, and must, as the mempool, outlive that.
 *
 * EINVAL     n is 0 or more than min_nr, flags, NULL; pp_error() tells
 * EAGAIN     without PP_WAIT: not so many at the moment;
 *            with it: PP_MEMPOOL_WAITERS_MAX calls wait already
 * ETIMEDOUT  the deadline has passed, perhaps before the call
 * ECANCELED  cancelled, perhaps before the call
 *
 * Who waits is served in the order of arrival, whatever the size: the first
 * is not overtaken by smaller ones, and its deadline bounds their wait. While
 * anybody waits the reserve is his; a call without PP_WAIT then gets only what
 * the backing has at hand.
 *
 * Who waits is woken by any thread's pp_mempool_free_bulk() that serves it. Of
 * elements that go to the backing behind the mempool's back the first in line
 * learns by ops.wait_bulk at once; without that, within PP_MEMPOOL_RETRY_US.
 */
PP_API unsigned pp_mempool_alloc_bulk(struct pp_mempool *mempool, void **elems, unsigned n,
				      unsigned flags, struct pp_wait *wait);

/*
 * The same; once all n are there, they are handed to fn one by one. fn returns
 * whether it wants more; the one it was handed is its own either way, the
 * others go back. Returns how many were handed over, or 0 with errno as above
 * (ENOMEM, too, for n over 256: their addresses need room in the meantime).
 */
PP_API unsigned pp_mempool_alloc_bulk_cb(struct pp_mempool *mempool, unsigned n, unsigned flags,
					 struct pp_wait *wait, pp_bulk_fn fn, void *arg);

/*
 * Frees n elements, got from this mempool by whomever: the reserve is refilled
 * first, then who waits is served, in order, and the rest goes to the backing.
 * Wakes only whom it serves: a first in line who waits in a pool's line (the wait_bulk
 * of pp_mempool_pool) keeps its place there and lacks so many fewer. In another wait_bulk
 * it is woken also when it now lacks fewer, and asks for those anew. Returns how many
 * did not go to the backing.
 *
 * Refused with errno EINVAL, and nothing is freed: NULL, also among the
 * elements, and more than are out; with PP_MEMPOOL_DEBUG what is kept already. Without
 * that such an element is kept twice, and handed out to two. Whether an element is the
 * mempool's only the backing can tell.
 */
PP_API unsigned pp_mempool_free_bulk(struct pp_mempool *mempool, void *const *elems, unsigned n);

/*
 * The books. What the backing has handed out and not got back is kept + out,
 * exactly so at a quiet moment. Any thread. NULL for either: errno EINVAL, and zeroes.
 */
struct pp_mempool_stats {
	const char *name;  /* valid as long as the mempool */
	uint32_t min_nr;   /* elements that are to be kept */
	uint32_t kept;     /* elements that are, at the moment */
	uint32_t waiters;  /* calls that wait */
	uint64_t out;      /* elements with callers */
	uint64_t drawn;    /* elements that ever left the reserve for a caller */
	uint64_t waited;   /* calls that ever waited */
	uint64_t timeouts; /* of these, ended by their deadline */
	uint64_t canceled; /* of these, by pp_wait_cancel() */
	uint64_t wakes;    /* how often one call woke another that waited */
	uint64_t doubled;  /* calls that PP_MEMPOOL_DEBUG refused */
};
PP_API void pp_mempool_stats(struct pp_mempool *mempool, struct pp_mempool_stats *stats);

/* Who drew from the reserve: one thread. */
struct pp_mempool_user {
	char name[16];  /* as the thread was called when it first drew */
	int tid;        /* as in /proc, whose numbers come again: two threads are two records
			 * all the same; 0 for all that had to make room, together */
	uint64_t drawn; /* elements */
	uint64_t last;  /* when it last drew, nanoseconds of CLOCK_MONOTONIC */
};

/* Calls fn for each, the one that drew most recently first. fn may use the
 * mempool. Returns how many; 0 with errno EINVAL for NULL. */
PP_API unsigned pp_mempool_each_user(struct pp_mempool *mempool,
				     void (*fn)(const struct pp_mempool_user *user, void *arg),
				     void *arg);

#ifdef __cplusplus
}
#endif
#endif
