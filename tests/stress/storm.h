/* SPDX-License-Identifier: BSD-3-Clause */
/* Storm: workers that allocate, write, pass on and free at random, and watch each other. */
#ifndef STORM_H
#define STORM_H

#include <pthread.h>

#include "support.h"

#define STORM_MAILBOXES 8
#define STORM_LETTERS 512
#define STORM_HELD 1500
#define STORM_MARKS (1 << 16)

struct mailbox {
	pthread_mutex_t lock;
	uint32_t n;
	void *bufs[STORM_LETTERS];
};

/* In memory that all processes share. Marks say who has each buffer. */
struct storm {
	struct mailbox boxes[STORM_MAILBOXES];
	_Atomic uint32_t of[STORM_MARKS];
	_Atomic bool stop;
	_Atomic uint64_t moved; /* buffers that were allocated */
	_Atomic uint64_t lives; /* workers that came and went */
	_Atomic uint32_t ids;
	int fds[2];
	_Atomic int ready;
};

struct worker {
	struct storm *storm;
	struct pp_pool *pool;
	struct pp_cache *cache;
	struct marks marks;
	uint64_t seed;
	uint32_t id;   /* its own for life, never 0 */
	uint32_t most; /* at a time */
	uint32_t n;
	void *held[STORM_HELD];
};

struct storm *storm_make(void);
void storm_free(struct storm *storm);

void worker_begin(struct worker *worker, struct storm *storm, struct pp_pool *pool,
		  struct pp_cache *cache, uint64_t seed);
/* One thing or another. */
void worker_step(struct worker *worker);
/* Frees some of what it holds, and leaves the rest in mailboxes. */
void worker_end(struct worker *worker);

/* Frees what lies in the mailboxes; then nothing is in flight and every invariant holds. */
void storm_settle(struct storm *storm, struct pp_pool *pool);

/* One act of who looks after a pool: collect, grow, shrink, read the books, allocate without a
 * cache. */
void steward_step(struct storm *storm, struct pp_pool *pool, uint64_t *seed);

/* The pool's descriptors to other processes, which open them by /proc. */
void storm_offer(struct storm *storm, const struct pp_pool *pool);
/* Waits for the offer. */
struct pp_pool *storm_attach(struct storm *storm, pid_t creator);

double seconds_now(void);
/* PP_STRESS_SECONDS, or `seconds`. */
double storm_seconds(double seconds);

#endif
