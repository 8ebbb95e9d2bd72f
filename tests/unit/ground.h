/* SPDX-License-Identifier: BSD-3-Clause */
/* Ground: a mempool on a shelf or a pool, and threads that wait at it. */
#ifndef GROUND_H
#define GROUND_H

#include "shelf.h"

#define MOST 64

/* What the claims hold for: a backing that can't tell, and one that can wait. */
struct ground {
	struct shelf shelf;
	struct pp_pool *pool; /* or NULL: the shelf */
	const struct pp_mempool_ops *ops;
	void *backing;
	struct pp_mempool *mempool;
	void *elems[MOST]; /* all there are, once taken */
	unsigned n;
};

void ground_make(struct ground *ground, bool pool, uint32_t size, uint32_t min_nr);
/* Every element is out with this thread. */
void ground_drain(struct ground *ground);
void ground_free(struct ground *ground, unsigned n);
/* Behind the mempool's back; it will never know. */
void ground_leak(struct ground *ground, unsigned n);
/* Returns when n wait in the pool's line, on a mempool's behalf or not. */
void ground_until_wait(const struct ground *ground, uint64_t n);
/* Frees what it has; then the books are even, and all can be destroyed. */
void ground_end(struct ground *ground);

struct waiter {
	struct pp_mempool *mempool;
	unsigned n, got;
	struct pp_wait wait;
	int error;
	_Atomic bool done;
	pthread_t thread;
	void *elems[MOST];
};

/* Half a millisecond. */
void nap(void);
/* In line when this returns. */
void waiter_start(struct waiter *waiter, struct pp_mempool *mempool, unsigned n,
		  uint64_t timeout_us);
void waiter_until_done(struct waiter *waiter);
/* Got so many, or none with this error; frees them. */
void waiter_end(struct waiter *waiter, unsigned got, int error);

#endif
