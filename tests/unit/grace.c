/* SPDX-License-Identifier: BSD-3-Clause */
/* Grace: see grace.h. */
#include "grace.h"

struct pp_pool *grace_pool;

int grace_begin(void **state)
{
	(void)state;
	grace_pool = pool_4k(1024, GRACE_BUFFERS, 0);
	return 0;
}

int grace_finish(void **state)
{
	(void)state;
	pool_end(grace_pool);
	return 0;
}

static uint64_t clock_start(void *grace)
{
	struct grace_clock *clock = grace;

	return atomic_fetch_add(&clock->begun, 1) + 1;
}

static bool clock_done(void *grace, uint64_t token)
{
	struct grace_clock *clock = grace;

	return token <= atomic_load(&clock->ended);
}

void grace_clock_end(struct grace_clock *clock)
{
	atomic_store(&clock->ended, atomic_load(&clock->begun));
}

static int clock_synchronize(void *grace, struct pp_wait *wait)
{
	struct grace_clock *clock = grace;
	uint64_t token = clock_start(grace);
	unsigned turn = 0;
	int rc = 0;

	atomic_fetch_add(&clock->waits, 1);
	if (clock->waiting)
		clock->waiting(clock->arg);
	while (!rc && !clock_done(grace, token)) {
		if (!atomic_load(&clock->stuck))
			grace_clock_end(clock);
		else
			rc = pp_grace_pause(wait, &turn);
	}
	return rc;
}

const struct pp_grace_ops grace_clock_ops = { clock_start, clock_done, clock_synchronize, NULL };

void grace_epoch_enter(struct grace_epoch *epoch, unsigned reader)
{
	/* Before what it reads: sequentially consistent, so are the stores of writers. */
	atomic_store(&epoch->since[reader], atomic_load(&epoch->now) + 1);
}

void grace_epoch_leave(struct grace_epoch *epoch, unsigned reader)
{
	atomic_store(&epoch->since[reader], 0);
}

static uint64_t epoch_start(void *grace)
{
	struct grace_epoch *epoch = grace;

	return atomic_fetch_add(&epoch->now, 1) + 2;
}

static bool epoch_done(void *grace, uint64_t token)
{
	struct grace_epoch *epoch = grace;

	for (unsigned i = 0; i < GRACE_READERS; i++) {
		uint64_t since = atomic_load(&epoch->since[i]);

		if (since && since < token)
			return false;
	}
	return true;
}

static int epoch_synchronize(void *grace, struct pp_wait *wait)
{
	uint64_t token = epoch_start(grace);
	unsigned turn = 0;
	int rc = 0;

	while (!epoch_done(grace, token) && !(rc = pp_grace_pause(wait, &turn)))
		;
	return rc;
}

const struct pp_grace_ops grace_epoch_ops = { epoch_start, epoch_done, epoch_synchronize, NULL };

struct thing *thing_make(struct things *things)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	MUST(thing);
	thing->value = THING_LIVES;
	thing->number = (unsigned)atomic_fetch_add(&things->made, 1);
	return thing;
}

void things_free(void *arg, void *const *objs, unsigned n)
{
	struct things *things = arg;

	MUST(n >= 1 && n <= PP_DEFER_SLOTS);
	for (unsigned i = 0; i < n; i++) {
		struct thing *thing = objs[i];

		MUST(thing->value == THING_LIVES);
		thing->value = 0;
		atomic_store(&things->last, thing->number);
		free(thing);
	}
	atomic_fetch_add(&things->freed, n);
	atomic_fetch_add(&things->calls, 1);
	if (n > atomic_load(&things->largest))
		atomic_store(&things->largest, n);
	if (n < atomic_load(&things->smallest) || !atomic_load(&things->smallest))
		atomic_store(&things->smallest, n);
}

struct pp_defer_params grace_params(struct pp_pool *pool, const struct pp_grace_ops *ops,
				    void *grace, struct things *things)
{
	return (struct pp_defer_params){
		.sz = sizeof(struct pp_defer_params),
		.name = "test",
		.pool = pool,
		.ops = ops,
		.grace = grace,
		.free_bulk = things_free,
		.arg = things,
	};
}

struct pp_defer *defer_of(const struct pp_defer_params *params)
{
	struct pp_defer *defer = NULL;

	assert_ok(pp_defer_create(params, &defer));
	assert_non_null(defer);
	return defer;
}

void defer_things(struct pp_defer *defer, struct things *things, unsigned n)
{
	while (n--)
		MUST(pp_defer_free(defer, thing_make(things)) == 0);
}

struct pp_defer_stats defer_stats(struct pp_defer *defer)
{
	struct pp_defer_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	pp_defer_stats(defer, &stats);
	return stats;
}

void defer_end(struct pp_defer *defer, struct things *things)
{
	struct pp_defer_stats stats;

	assert_ok(pp_defer_barrier(defer));
	stats = defer_stats(defer);
	assert_int_equal(stats.deferred, atomic_load(&things->made));
	assert_int_equal(stats.freed, atomic_load(&things->made));
	assert_int_equal(atomic_load(&things->freed), atomic_load(&things->made));
	assert_int_equal(stats.calls, atomic_load(&things->calls));
	assert_ok(pp_defer_destroy(defer));
}

unsigned pool_drain(struct pp_pool *pool, void **bufs, unsigned most)
{
	unsigned n = 0, got;

	pp_pool_collect(pool);
	do {
		got = pp_alloc_burst(pp_pool_cache(pool), bufs + n, most - n, 0);
		n += got;
	} while (got && n < most);
	return n;
}
