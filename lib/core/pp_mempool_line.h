/* SPDX-License-Identifier: BSD-3-Clause */
/* Line: who waits at a mempool, and what is shared between a mempool's files. */
#ifndef PP_MEMPOOL_LINE_H
#define PP_MEMPOOL_LINE_H

#include <pthread.h>

#include "pp_handle.h"
#include "pp_mempool.h"
#include "pp_miss.h"

/* What becomes of one who waits, changed with the lock held. */
enum pp_mempool_state {
	PP_MEMPOOL_ASLEEP, /* his array may be filled by anybody who has the lock */
	PP_MEMPOOL_BUSY,   /* fills it himself */
	PP_MEMPOOL_INSIDE, /* so does the backing's wait_bulk: can be interrupted */
	PP_MEMPOOL_SERVED, /* it is full; out of line */
};

/* Who draws. Its number in /proc may have been another thread's, which has ended. */
struct pp_mempool_drawer {
	uint64_t serial; /* of this process's threads, never used again; not 0 */
	int tid;
	char name[16];
};

/*
 * In the mempool's table, not on the stack of who waits: who cancels a wait may
 * kick the word when its waiter has already gone.
 */
struct pp_mempool_waiter {
	uint32_t kicks; /* slept on */
	uint32_t n;
	enum pp_mempool_state state;
	bool told;        /* that it is first */
	bool interrupted; /* since it went inside */
	uint32_t who;     /* its bit for pp_sleep_interrupt(), while it is inside */
	void **elems;
	struct pp_wait *wait; /* its caller's; valid until it is served or leaves */
	struct pp_mempool_waiter *before, *after;
	struct pp_mempool_drawer drawer;
	struct pp_seat seat; /* in its pool's line, while it is inside one */
};

/*
 * needy      any thread, atomically; written with the lock held
 * out        any thread, atomically
 * resizing   taken before `lock`, held while the backing is called
 * the rest   with `lock` held, which is never held while the backing is called
 */
struct pp_mempool {
	const struct pp_mempool_ops *ops;
	void *backing;
	uint32_t needy; /* kept < min_nr, or somebody waits */
	bool debug;
	struct pp_handle handle;
	uint64_t out;
	pthread_mutex_t lock;
	uint32_t min_nr; /* may be read without */
	uint32_t kept;
	void **elems;
	uint32_t waiters; /* may be read without */
	struct pp_mempool_waiter *first, *last, *spare;
	uint64_t returned; /* to the backing, since the first in line asked it last */
	uint64_t drawn, waited, timeouts, canceled, wakes, doubled;
	pthread_mutex_t resizing;
	char name[32];
	struct pp_mempool_user users[PP_MEMPOOL_USERS_MAX];
	uint64_t serials[PP_MEMPOOL_USERS_MAX]; /* whose each record is */
	struct pp_mempool_waiter table[PP_MEMPOOL_WAITERS_MAX];
};

/* One turn with the lock, and whom to wake after it. */
struct pp_mempool_turn {
	unsigned kicked;
	uint32_t *kicks[PP_MEMPOOL_WAITERS_MAX];
};

void pp_mempool_enter(struct pp_mempool *mp, struct pp_mempool_turn *turn);
/* Serves who can be served out of the reserve first. */
void pp_mempool_leave(struct pp_mempool *mp, struct pp_mempool_turn *turn);

/*
 * What was handed out, or never was, comes back: to the reserve, to who waits,
 * to the backing. Returns how many did not get as far as the backing.
 */
unsigned pp_mempool_give(struct pp_mempool *mp, void *const *elems, unsigned n);

/* To the backing; the first in line may look there again. */
void pp_mempool_return(struct pp_mempool *mp, void *const *elems, unsigned n);

/*
 * Once down the ladder as far as flags say, without waiting: n, or 0 and
 * nothing is held. The reserve is for `self` only while that is first in line
 * (NULL: while nobody is).
 */
unsigned pp_mempool_try(struct pp_mempool *mp, struct pp_mempool_waiter *self, void **elems,
			unsigned n, unsigned flags);

/* Down the ladder again and again, in line: 0 when all n are there, or -errno. */
int pp_mempool_wait(struct pp_mempool *mp, void **elems, unsigned n, unsigned flags,
		    struct pp_wait *wait);

/* The wait_bulk of a pool: all n, or as many as the seat says. */
unsigned pp_mempool_pool_wait(struct pp_pool *pool, void **elems, unsigned n, struct pp_wait *wait,
			      struct pp_seat *seat);

/* With the lock held: who waits for more than min_nr looks whether he still may. */
void pp_mempool_line_look(struct pp_mempool *mp, struct pp_mempool_turn *turn);

/* With the lock held: n of the reserve, which has them. */
void pp_mempool_reserve_draw(struct pp_mempool *mp, void **elems, unsigned n,
			     const struct pp_mempool_drawer *drawer);
/* With the lock held: of elems[n] those at the end, as many as lack; returns how many are left. */
uint32_t pp_mempool_reserve_fill(struct pp_mempool *mp, void *const *elems, uint32_t n);
/* Debug mode, without it: one of elems that is kept already, or twice among them; counted. */
const void *pp_mempool_reserve_finds(struct pp_mempool *mp, void *const *elems, uint32_t n);

/* The calling thread, but for its name, which costs a system call. */
struct pp_mempool_drawer pp_mempool_drawer(void);
void pp_mempool_drawer_name(struct pp_mempool_drawer *drawer);

/* With the lock held: it has drawn n. Without a name it is the calling thread. */
void pp_mempool_note(struct pp_mempool *mp, const struct pp_mempool_drawer *drawer, unsigned n);

/* 0, or -EINVAL: it is NULL, or has been destroyed. */
int pp_mempool_gone(const struct pp_mempool *mp);

static inline bool pp_mempool_may(const struct pp_mempool *mp, unsigned n)
{
	uint32_t min_nr = __atomic_load_n(&mp->min_nr, __ATOMIC_RELAXED);

	return !min_nr || n <= min_nr;
}

#endif
