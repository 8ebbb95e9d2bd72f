/* SPDX-License-Identifier: BSD-3-Clause */
/* Grace: grace periods for tests: a clock that a test sets, an epoch with real readers. */
#ifndef GRACE_H
#define GRACE_H

#include "support.h"

/* Ends a grace period when told: the injected stuck reader. */
struct grace_clock {
	_Atomic uint64_t begun, ended;
	_Atomic bool stuck; /* else synchronize() ends all that have begun */
	_Atomic unsigned waits;
	void (*waiting)(void *arg); /* called by each synchronize() */
	void *arg;
};
extern const struct pp_grace_ops grace_clock_ops;
void grace_clock_end(struct grace_clock *clock);

#define GRACE_READERS 8

/* Readers say since when they read; 0 while they do not. */
struct grace_epoch {
	_Atomic uint64_t now;
	_Atomic uint64_t since[GRACE_READERS];
};
extern const struct pp_grace_ops grace_epoch_ops;
void grace_epoch_enter(struct grace_epoch *epoch, unsigned reader);
void grace_epoch_leave(struct grace_epoch *epoch, unsigned reader);

/* An object, and the books of all that are made and freed. */
struct thing {
	uint64_t value; /* THING_LIVES until it is freed */
	unsigned number;
	struct pp_defer_head head;
};
#define THING_LIVES 0x11fe11fe11fe11feull

struct things {
	_Atomic uint64_t made, freed;
	_Atomic uint64_t calls, largest, smallest;
	_Atomic unsigned last;
};
struct thing *thing_make(struct things *things);
/* A free_bulk: checks, poisons and frees each. `things` is the argument. */
void things_free(void *things, void *const *objs, unsigned n);

/* Each test's own pool, when these are its setup and teardown. */
#define GRACE_BUFFERS 1024
extern struct pp_pool *grace_pool;
int grace_begin(void **state);
int grace_finish(void **state);

/* A pp_defer of things with blocks of this pool. */
struct pp_defer_params grace_params(struct pp_pool *pool, const struct pp_grace_ops *ops,
				    void *grace, struct things *things);
struct pp_defer *defer_of(const struct pp_defer_params *params);
struct pp_defer_stats defer_stats(struct pp_defer *defer);
/* Makes and defers n. */
void defer_things(struct pp_defer *defer, struct things *things, unsigned n);
/* All is freed, and it ends. */
void defer_end(struct pp_defer *defer, struct things *things);
/* Takes all that the pool has; returns how many. */
unsigned pool_drain(struct pp_pool *pool, void **bufs, unsigned most);

#endif
