/* SPDX-License-Identifier: BSD-3-Clause */
/* Seats: threads and processes that wait for buffers when told, and ways to free them. */
#ifndef STORM_SEATS_H
#define STORM_SEATS_H

#include <semaphore.h>

#include "storm.h"

#define SEATS 8
#define SEAT_MOST 512

/* How buffers come back. All but the last two have done all when they return. */
enum seat_way {
	WAY_SINGLY, /* pp_free() one after the other */
	WAY_BULK,
	WAY_POOL,
	WAYS_IN_THREAD,
	WAY_EXIT = WAYS_IN_THREAD, /* a thread that ends at once */
	WAY_HANDLE,
	WAY_PROCESS,
	WAYS_AT_ONCE,
	WAY_NOLOCK = WAYS_AT_ONCE,
	WAY_NOWHERE, /* the same without a cache */
	WAYS,
};

/* One who waits, or frees, when told; in memory that all processes share. */
struct seat {
	sem_t go;
	_Atomic int done;
	enum { SEAT_WAIT, SEAT_FREE, SEAT_END } task;
	uint32_t n;
	unsigned flags;
	enum seat_way way;
	uint32_t got;
	int error;
	struct pp_wait wait;
	struct seats *seats;
	pthread_t thread;
	pid_t pid; /* 0: a thread of this process */
	uint32_t cache;
	void *held[SEAT_MOST];
};

struct seats {
	struct pp_pool *pool;
	struct seat seat[SEATS];
	struct seat helper; /* another process, which frees */
};

/* Once, soon, or this ends: the books are no snapshot while buffers move. */
#define SEAT_SOON(x)                                         \
	do {                                                 \
		double end_ = seconds_now() + 30;            \
		bool so_;                                    \
		while (!(so_ = (x)) && seconds_now() < end_) \
			sched_yield();                       \
		MUST(so_);                                   \
	} while (0)

/* The last `foreign` of the seats are processes. */
struct seats *seats_make(struct pp_pool *pool, unsigned foreign);
void seats_end(struct seats *seats);

/* Waits for n, at most so long. */
void seat_ask(struct seat *seat, uint32_t n, unsigned flags, uint64_t timeout_us);
bool seat_is_done(const struct seat *seat);
/* What it holds by the pool's books; for a pool with owners. */
uint64_t seat_in_flight(const struct pp_pool *pool, const struct seat *seat);

/* All that have some give it back. */
void seats_empty(struct seats *seats);

void seats_free(struct seats *seats, void **bufs, uint32_t n, enum seat_way way);
/* Those ways that need nobody else. */
void seat_free(struct pp_pool *pool, struct pp_cache *cache, void **bufs, uint32_t n,
	       enum seat_way way);

#endif
