/* SPDX-License-Identifier: BSD-3-Clause */
/* Beside: see model_beside.h. */
#include "model_beside.h"

#include <pthread.h>
#include <unistd.h>

#include "model_calls.h"
#include "model_refuser.h"

#define HANDS 3
#define MOST 300
/* Calls between two quiet moments. */
#define TURN 500

struct table {
	struct pp_pool *pool;
	struct marks marks;
	pthread_barrier_t quiet;
	_Atomic bool over;
	_Atomic uint64_t waits;
};

/* One thread's. */
struct hand {
	struct table *table;
	struct pp_cache *cache;
	pthread_mutex_t lock; /* of the wait, between making and cancelling it */
	struct pp_wait wait;
	struct pp_lease *lease;
	uint64_t seed;
	uint32_t id, n;
	void *held[HELD];
};

static uint32_t hand_random(struct hand *hand, uint32_t below)
{
	return random_next(&hand->seed) % below;
}

static void hand_take(struct hand *hand, uint32_t n)
{
	marks_take(&hand->table->marks, hand->table->pool, hand->held + hand->n, n, hand->id);
	hand->n += n;
}

static void **hand_drop(struct hand *hand, uint32_t n)
{
	hand->n -= n;
	marks_drop(&hand->table->marks, hand->table->pool, hand->held + hand->n, n, hand->id);
	return hand->held + hand->n;
}

/* In line, until served, late, or called back by the steward. */
static uint32_t hand_wait(struct hand *hand, void **bufs, uint32_t n, unsigned flags)
{
	uint32_t got;

	pthread_mutex_lock(&hand->lock);
	pp_wait_for(&hand->wait, hand_random(hand, 500));
	pthread_mutex_unlock(&hand->lock);
	got = pp_alloc_bulk_wait(hand->cache, bufs, n, flags, &hand->wait);
	MUST(got == n || errno == ETIMEDOUT || errno == ECANCELED || errno == EINVAL);
	atomic_fetch_add(&hand->table->waits, 1);
	return got;
}

static bool hand_one(void *buf, void *arg)
{
	void ***next = arg;

	*(*next)++ = buf;
	/* Now and then it is enough. */
	return (uintptr_t)buf / 4096 % 50;
}

static void hand_alloc(struct hand *hand)
{
	static const unsigned flags[] = {
		0,
		PP_TRY,
		PP_CRITICAL,
		PP_GROW,
		PP_WAIT,
		PP_WAIT | PP_CRITICAL,
		PP_WAIT | PP_GROW,
		PP_REMOTE,
	};
	uint32_t n = 1 + hand_random(hand, hand_random(hand, 2) ? MOST : 20), got;
	unsigned how = flags[hand_random(hand, 8)];
	void **bufs = hand->held + hand->n;
	bool burst = hand_random(hand, 2), handed = burst && hand_random(hand, 3) == 0;
	void **next = bufs;

	if (hand->n + n > HELD)
		return;
	if (how & PP_GROW && hand_random(hand, 20))
		how &= ~(unsigned)PP_GROW;
	if (how & PP_WAIT && !burst)
		got = hand_wait(hand, bufs, n, how);
	else if (handed)
		got = pp_alloc_bulk_cb(hand->cache, n, how, hand_one, &next);
	else if (burst)
		got = pp_alloc_burst(hand->cache, bufs, n, how);
	else
		got = pp_alloc_bulk(hand->cache, bufs, n, how);
	MUST(got == n || (burst && got < n) || !got);
	MUST(!handed || next == bufs + got);
	if (!(how & PP_CRITICAL))
		MUST(!marked_among(hand->table->pool, bufs, got));
	hand_take(hand, got);
}

static void hand_free(struct hand *hand)
{
	uint32_t n = hand_random(hand, MOST), way = hand_random(hand, 6);
	void **bufs;

	n = n < hand->n ? n : hand->n;
	bufs = hand_drop(hand, n);
	if (way == 0)
		pp_pool_free(hand->table->pool, bufs, n);
	else if (way == 1)
		pp_free_nolock(hand->cache, bufs, n);
	else if (way == 2)
		pp_free_nolock(NULL, bufs, n);
	else if (way == 3)
		for (uint32_t i = 0; i < n; i++)
			pp_free(hand->cache, bufs[i]);
	else
		pp_free_bulk(hand->cache, bufs, n);
}

static void hand_refuse(struct hand *hand)
{
	uint32_t n = hand->n < MOST ? hand->n : MOST;
	void **bufs = hand_drop(hand, n);

	n = pp_refuse_marked(hand->cache, bufs, n);
	MUST(!marked_among(hand->table->pool, bufs, n));
	hand_take(hand, n);
}

static void hand_lease(struct hand *hand)
{
	int rc;

	if (!hand->lease) {
		rc = pp_reserve_lease(hand->table->pool, 1 + hand_random(hand, 20), &hand->lease);
		MUST(!rc || rc == -EAGAIN || rc == -EINVAL);
		return;
	}
	while (hand->n < HELD && pp_lease_left(hand->lease) > 3) {
		hand->held[hand->n] = pp_lease_take(hand->lease);
		hand_take(hand, 1);
	}
	pp_lease_end(hand->lease);
	hand->lease = NULL;
}

static void *hand_run(void *arg)
{
	struct hand *hand = arg;
	struct table *table = hand->table;

	hand->cache = pp_pool_cache(table->pool);
	MUST(hand->cache);

	do {
		for (unsigned i = 0; i < TURN; i++) {
			uint32_t r = hand_random(hand, 20);

			if (r < 9)
				hand_alloc(hand);
			else if (r < 18)
				hand_free(hand);
			else if (r < 19)
				hand_lease(hand);
			else
				hand_refuse(hand);
		}
		pthread_barrier_wait(&table->quiet);
		pthread_barrier_wait(&table->quiet);
	} while (!atomic_load(&table->over));
	return NULL;
}

/* One act of who looks after the pool, beside the others. */
static void steward_act(struct table *table, struct hand *hands, uint64_t *seed)
{
	struct hand *hand = &hands[random_next(seed) % HANDS];
	uint32_t r = random_next(seed) % 12, n = random_next(seed) % MOST;
	int rc;

	if (r == 0) {
		refusing = random_next(seed) % 3 == 0;
		rc = pp_pool_grow(table->pool, n);
		MUST(rc > 0 || rc == -ENOSPC || rc == -EIO);
	} else if (r == 1) {
		rc = pp_pool_shrink(table->pool, n, n);
		MUST(rc > 0 || rc == -EBUSY);
	} else if (r == 2)
		/* The pool may have become too small for it meanwhile. */
		pp_pool_set_reserve(table->pool, n / 2);
	else if (r < 5)
		pp_pool_collect(table->pool);
	else if (r < 10) {
		pthread_mutex_lock(&hand->lock);
		if (hand->wait.deadline)
			pp_wait_cancel(&hand->wait);
		pthread_mutex_unlock(&hand->lock);
	}
	usleep(n);
}

/* Nobody is in a call: the books are exact. */
static void table_look(struct table *table, struct hand *hands, struct recorder *recorder)
{
	uint64_t out = 0, marked = 0, leased = 0;
	struct places places;

	assert_ok(pp_pool_check(table->pool));
	for (unsigned i = 0; i < HANDS; i++) {
		out += hands[i].n;
		marked += marked_among(table->pool, hands[i].held, hands[i].n);
		leased += hands[i].lease ? pp_lease_left(hands[i].lease) : 0;
	}
	places_look(&places, table->pool, NULL);
	places_check(&places);
	assert_int_equal(places.stats.in_flight, out + leased);
	assert_int_equal(places.stats.marked, marked);
	assert_int_equal(places.stats.leased, leased);
	assert_all_mapped(table->pool, recorder);
}

static struct pp_pool *table_pool(uint32_t buffers)
{
	struct pp_pool_params params = params_4k(32768, buffers);

	params.buffers_max = 3 * buffers;
	params.owners = HANDS + 2;
	params.reserve = buffers / 10;
	params.wait_us = 50;
	return pool_of(&params);
}

void beside_run(uint64_t seed, uint32_t buffers, uint64_t calls)
{
	static struct hand hands[HANDS];
	struct table table = { .pool = table_pool(buffers) };
	struct recorder recorder = recorder_for(table.pool);
	pthread_t threads[HANDS];
	unsigned quiets = 0;

	table.marks = marks_make(table.pool);
	memset(hands, 0, sizeof(hands));
	refusing = false;
	assert_int_equal(pp_pool_map_device(table.pool, &refuser_ops, &recorder), 0);
	pthread_barrier_init(&table.quiet, NULL, HANDS + 1);
	for (unsigned i = 0; i < HANDS; i++) {
		hands[i].table = &table;
		hands[i].id = i + 1;
		hands[i].seed = seed * HANDS + i + 1;
		pthread_mutex_init(&hands[i].lock, NULL);
		MUST(!pthread_create(&threads[i], NULL, hand_run, &hands[i]));
	}
	for (uint64_t done = 0; done < calls; done += HANDS * TURN) {
		for (unsigned i = random_next(&seed) % 20; i > 0; i--)
			steward_act(&table, hands, &seed);
		pthread_barrier_wait(&table.quiet);
		table_look(&table, hands, &recorder);
		atomic_store(&table.over, done + HANDS * TURN >= calls);
		pthread_barrier_wait(&table.quiet);
		quiets++;
	}
	for (unsigned i = 0; i < HANDS; i++) {
		pthread_join(threads[i], NULL);
		pp_pool_free(table.pool, hands[i].held, hands[i].n);
		pp_lease_end(hands[i].lease);
		pthread_mutex_destroy(&hands[i].lock);
	}
	printf("%llu calls by %d threads, %llu of them waits; %u times quiet\n",
	       (unsigned long long)quiets * HANDS * TURN, HANDS,
	       (unsigned long long)atomic_load(&table.waits), quiets);
	assert_int_equal(stats_of(table.pool).reserve, stats_of(table.pool).floor);
	pool_end(table.pool);
	assert_none_mapped(&recorder);
	marks_free(&table.marks);
	pthread_barrier_destroy(&table.quiet);
}
