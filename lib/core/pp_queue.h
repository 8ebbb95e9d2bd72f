/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue: who waits for buffers, first come first served, critical ones before the others. */
#ifndef PP_QUEUE_H
#define PP_QUEUE_H

#include "pp_sleep.h"
#include "pp_store.h"

/* Expired: out of its line, its deadline past, and it has not come to see that. */
enum pp_waiter_state {
	PP_WAITER_UNUSED = 0,
	PP_WAITER_WAITS,
	PP_WAITER_GRANTED,
	PP_WAITER_EXPIRED,
};

/*
 * One who waits, in control memory. All under the home lock, but for `kicks`,
 * on which it sleeps, and `state`, which it may read to see that it was served.
 */
struct pp_waiter {
	_Alignas(PP_LINE) _Atomic uint32_t state;
	uint32_t kicks;
	uint32_t n;
	uint32_t critical;
	uint32_t before, after; /* in its line; `after` links the unused ones, too */
	uint32_t from_pile;     /* what it has been granted */
	uint32_t from_reserve;
	int32_t pid;
	uint64_t space;    /* which process numbers that is one of */
	uint64_t deadline; /* from when on it holds up nobody */
};

/*
 * The place in line of a call whose caller may find meanwhile that fewer will do. In the memory
 * of one process, under the home lock.
 */
struct pp_seat {
	struct pp_waiter *waiter; /* while it is in line */
	uint32_t fewer;           /* than it was called for */
};

void pp_queue_init(struct pp_store *store);

/* The PID namespace of the calling process: what numbers of processes mean. */
uint64_t pp_queue_space(void);

/* At the end of its line, or NULL if the table is full. */
struct pp_waiter *pp_queue_join(struct pp_store *store, uint32_t n, bool critical,
				uint64_t deadline);
/* Out of its line, wherever it stands; the entry stays its own. */
void pp_queue_leave(struct pp_store *store, struct pp_waiter *waiter);
/* The entry is another's to use. */
void pp_queue_done(struct pp_store *store, struct pp_waiter *waiter);

/* The first of all critical ones, or of the others; NULL if there is none. */
struct pp_waiter *pp_queue_first(struct pp_store *store, bool critical);

/* How many buffers all who wait still lack. */
uint64_t pp_queue_demand(const struct pp_store *store);

/* Wakes the first ones without the lock: any context. */
void pp_queue_kick(struct pp_store *store);

#endif
