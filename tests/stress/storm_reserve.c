/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserve: a storm of critical and ordinary calls, marks, leases and floors; quiet, then the books. */
#include "storm.h"

#include <unistd.h>

#define WORKERS 3
#define BUFFERS 3000
#define HELD 900
#define FLOOR_MOST 700
#define LEASES 3

struct stage {
	struct pp_pool *pool;
	struct marks marks;
	struct mailbox box;
	pthread_barrier_t quiet;
	_Atomic bool pause, stop;
	_Atomic uint64_t drawn, refused, passed, leased, moved;
};

struct hand {
	struct stage *stage;
	struct pp_cache *cache;
	uint64_t seed;
	uint32_t id, n;
	struct pp_lease *leases[LEASES];
	void *held[HELD];
};

static uint32_t marked_among(const struct hand *hand, void *const *bufs, uint32_t n)
{
	uint32_t marked = 0;

	for (uint32_t i = 0; i < n; i++)
		marked += pp_marked(hand->stage->pool, bufs[i]);
	return marked;
}

static void hand_take(struct hand *hand, uint32_t n)
{
	marks_take(&hand->stage->marks, hand->stage->pool, hand->held + hand->n, n, hand->id);
	hand->n += n;
	atomic_fetch_add_explicit(&hand->stage->moved, n, memory_order_relaxed);
}

static void **hand_drop(struct hand *hand, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_next(&hand->seed) % (hand->n - i), k = hand->n - 1 - i;
		void *buf = hand->held[j];

		hand->held[j] = hand->held[k];
		hand->held[k] = buf;
	}
	hand->n -= n;
	marks_drop(&hand->stage->marks, hand->stage->pool, hand->held + hand->n, n, hand->id);
	return hand->held + hand->n;
}

static uint32_t hand_amount(struct hand *hand)
{
	uint32_t r = random_next(&hand->seed);

	return r % 3 ? 1 + r / 3 % 40 : 1 + r / 3 % 400;
}

/* Nobody who did not say that it is critical has a buffer of the reserve's. */
static void hand_ordinary(struct hand *hand, uint32_t n)
{
	void **bufs = hand->held + hand->n;
	uint32_t r = random_next(&hand->seed) % 8;
	struct pp_wait wait;
	uint32_t got;

	pp_wait_for(&wait, random_next(&hand->seed) % 200);
	if (r == 0)
		got = pp_alloc_bulk_wait(hand->cache, bufs, n, PP_GROW, &wait);
	else if (r == 1)
		got = pp_pool_alloc_burst(hand->stage->pool, bufs, n);
	else if (r == 2)
		got = (bufs[0] = pp_alloc(hand->cache, 0)) != NULL;
	else if (r == 3)
		got = pp_alloc_burst(hand->cache, bufs, n, PP_GROW);
	else if (r == 4)
		got = pp_alloc_burst(hand->cache, bufs, n, PP_TRY);
	else
		got = pp_alloc_burst(hand->cache, bufs, n, 0);
	MUST(got <= n);
	MUST(!marked_among(hand, bufs, got));
	hand_take(hand, got);
}

/* All or nothing, and marked is exactly what was drawn. */
static void hand_critical(struct hand *hand, uint32_t n)
{
	uint64_t before = counters_of(hand->cache).reserve, drawn;
	uint32_t r = random_next(&hand->seed) % 4, got;
	void **bufs = hand->held + hand->n;
	struct pp_wait wait;

	pp_wait_for(&wait, random_next(&hand->seed) % 200);
	if (r == 0)
		got = pp_alloc_bulk_wait(hand->cache, bufs, n, PP_CRITICAL, &wait);
	else
		got = pp_alloc_bulk(hand->cache, bufs, n, PP_CRITICAL | (r == 1 ? PP_GROW : 0));
	drawn = counters_of(hand->cache).reserve - before;
	MUST(got == 0 || got == n);
	MUST(marked_among(hand, bufs, got) == (got ? drawn : 0));
	MUST(got || !drawn);
	atomic_fetch_add_explicit(&hand->stage->drawn, drawn, memory_order_relaxed);
	hand_take(hand, got);
}

static void hand_free(struct hand *hand, uint32_t n)
{
	uint32_t r = random_next(&hand->seed) % 8;
	void **bufs;

	n = n < hand->n ? n : hand->n;
	bufs = hand_drop(hand, n);
	if (r == 0)
		pp_pool_free(hand->stage->pool, bufs, n);
	else if (r == 1)
		MUST(pp_free_any(bufs, n) == n);
	else if (r == 2)
		pp_free_nolock(hand->cache, bufs, n);
	else if (r == 3)
		pp_free_nolock(NULL, bufs, n);
	else if (r == 4)
		for (uint32_t i = 0; i < n; i++)
			pp_free(hand->cache, bufs[i]);
	else
		pp_free_bulk(hand->cache, bufs, n);
}

/* Wants to use what it holds for what is not critical. */
static void hand_refuse(struct hand *hand)
{
	uint32_t n = hand->n < 100 ? hand->n : 100, marked, kept;
	void **bufs = hand_drop(hand, n);

	marked = marked_among(hand, bufs, n);
	kept = pp_refuse_marked(hand->cache, bufs, n);
	MUST(kept == n - marked);
	MUST(!marked_among(hand, bufs, kept));
	hand_take(hand, kept);
	atomic_fetch_add_explicit(&hand->stage->refused, marked, memory_order_relaxed);
}

static void hand_pass(struct hand *hand)
{
	void *from, *to;
	bool may, was;

	if (hand->n < 2)
		return;
	from = hand->held[random_next(&hand->seed) % hand->n];
	for (uint32_t i = 0; i < hand->n && !pp_marked(hand->stage->pool, from); i++)
		from = hand->held[i];
	to = hand->held[random_next(&hand->seed) % hand->n];
	was = pp_marked(hand->stage->pool, to);
	may = pp_marked(hand->stage->pool, from) && !was;
	MUST(pp_mark_pass(hand->stage->pool, from, to) == may);
	if (may)
		MUST(!pp_marked(hand->stage->pool, from) && pp_marked(hand->stage->pool, to));
	atomic_fetch_add_explicit(&hand->stage->passed, may, memory_order_relaxed);
}

/* What was promised can be had, however empty the pool is. */
static void hand_lease(struct hand *hand)
{
	struct pp_lease **lease = &hand->leases[random_next(&hand->seed) % LEASES];
	uint32_t n = random_next(&hand->seed) % 64, left;
	int rc;

	if (!*lease) {
		rc = pp_reserve_lease(hand->stage->pool, n, lease);
		MUST(rc == 0 || rc == -EAGAIN || rc == -EINVAL);
		if (!rc)
			atomic_fetch_add_explicit(&hand->stage->leased, n, memory_order_relaxed);
		MUST(rc || pp_lease_left(*lease) == n);
		return;
	}
	left = pp_lease_left(*lease);
	n = n < left ? n : left;
	for (uint32_t i = 0; i < n && hand->n < HELD; i++) {
		void **buf = &hand->held[hand->n];

		*buf = pp_lease_take(*lease);
		MUST(*buf && !pp_marked(hand->stage->pool, *buf));
		hand_take(hand, 1);
	}
	if (random_next(&hand->seed) % 2 || !pp_lease_left(*lease)) {
		MUST(pp_lease_left(*lease) || !pp_lease_take(*lease));
		pp_lease_end(*lease);
		*lease = NULL;
	}
}

/* To whoever comes by: frees and marks are of any thread. */
static void hand_exchange(struct hand *hand)
{
	struct mailbox *box = &hand->stage->box;
	uint32_t n = random_next(&hand->seed) % 200;

	pthread_mutex_lock(&box->lock);
	if (random_next(&hand->seed) % 2) {
		n = n < hand->n ? n : hand->n;
		n = n < STORM_LETTERS - box->n ? n : STORM_LETTERS - box->n;
		memcpy(box->bufs + box->n, hand_drop(hand, n), n * sizeof(void *));
		box->n += n;
	} else {
		n = n < box->n ? n : box->n;
		n = n < HELD - hand->n ? n : HELD - hand->n;
		box->n -= n;
		memcpy(hand->held + hand->n, box->bufs + box->n, n * sizeof(void *));
		hand_take(hand, n);
	}
	pthread_mutex_unlock(&box->lock);
}

static void hand_step(struct hand *hand)
{
	uint32_t n = hand_amount(hand), r = random_next(&hand->seed) % 16;

	if (r < 7 && hand->n + n <= HELD)
		r < 4 ? hand_ordinary(hand, n) : hand_critical(hand, n);
	else if (r < 12)
		hand_free(hand, n);
	else if (r == 12)
		hand_refuse(hand);
	else if (r == 13)
		hand_pass(hand);
	else if (r == 14)
		hand_lease(hand);
	else
		hand_exchange(hand);
}

static void *hand_run(void *arg)
{
	struct hand *hand = arg;
	struct stage *stage = hand->stage;

	hand->cache = pp_pool_cache(stage->pool);
	MUST(hand->cache);
	for (bool last = false; !last;) {
		while (!atomic_load_explicit(&stage->pause, memory_order_relaxed))
			hand_step(hand);
		last = atomic_load(&stage->stop);
		if (last) {
			hand_free(hand, hand->n);
			for (unsigned i = 0; i < LEASES; i++) {
				pp_lease_end(hand->leases[i]);
				hand->leases[i] = NULL;
			}
		}
		pthread_barrier_wait(&stage->quiet);
		pthread_barrier_wait(&stage->quiet);
	}
	return NULL;
}

/* Nobody calls: everything is somewhere, once, and what is marked is out. */
static void quiet_look(struct stage *stage, struct hand *hands)
{
	uint64_t out = stage->box.n, marked = marked_among(hands, stage->box.bufs, stage->box.n);
	uint64_t leased = 0;
	struct pp_stats s;

	for (unsigned i = 0; i < WORKERS; i++) {
		out += hands[i].n;
		marked += marked_among(&hands[i], hands[i].held, hands[i].n);
		for (unsigned j = 0; j < LEASES; j++)
			leased += hands[i].leases[j] ? pp_lease_left(hands[i].leases[j]) : 0;
	}
	/* What lay in caches and depots when the reserve was drawn on goes there with the next
	 * call of anybody. */
	pp_pool_collect(stage->pool);
	pp_free_any((void *[]){ pp_alloc(pp_pool_cache(stage->pool), 0) }, 1);
	assert_ok(pp_pool_check(stage->pool));
	s = stats_of(stage->pool);
	assert_int_equal(s.in_flight, out + leased);
	assert_int_equal(s.leased, leased);
	assert_int_equal(s.marked, marked);
	assert_int_equal(s.waiters, 0);
	assert_int_equal(s.fresh + s.cached + s.deques + s.depot + s.reserve + s.collected +
				 s.in_flight,
			 s.total);
	assert_true(s.reserve <= s.floor);
	/* What is free and idle is no excuse for an empty reserve, but what others have published. */
	if (s.reserve < s.floor)
		assert_int_equal(s.fresh + s.cached + s.depot, 0);
	assert_int_equal(s.pressed, s.reserve < s.floor || s.marked);
}

static void quiet(struct stage *stage, struct hand *hands)
{
	atomic_store(&stage->pause, true);
	pthread_barrier_wait(&stage->quiet);
	quiet_look(stage, hands);
	if (!atomic_load(&stage->stop))
		atomic_store(&stage->pause, false);
	pthread_barrier_wait(&stage->quiet);
}

/* With nothing out everything is as if nothing had been. */
static void fast_again(struct pp_pool *pool)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	uint64_t before;

	assert_false(stats_of(pool).pressed);
	pp_free(cache, pp_alloc(cache, 0));
	before = counters_of(cache).fast;
	for (unsigned i = 0; i < 100; i++)
		pp_free(cache, pp_alloc(cache, 0));
	assert_int_equal(counters_of(cache).fast, before + 100);
}

static void storm_run(uint32_t flags, double seconds)
{
	static struct hand hands[WORKERS];
	struct pp_pool_params params = params_4k(256, BUFFERS);
	struct stage stage = { 0 };
	pthread_t threads[WORKERS];
	double begin = seconds_now();
	uint64_t seed = flags + 1;
	unsigned quiets = 0;

	params.reserve = 100;
	params.owners = WORKERS + 3;
	params.flags = flags;
	stage.pool = pool_of(&params);
	stage.marks = marks_make(stage.pool);
	pthread_mutex_init(&stage.box.lock, NULL);
	pthread_barrier_init(&stage.quiet, NULL, WORKERS + 1);
	memset(hands, 0, sizeof(hands));
	for (unsigned i = 0; i < WORKERS; i++) {
		hands[i].stage = &stage;
		hands[i].seed = hands[i].id = i + 1;
		MUST(!pthread_create(&threads[i], NULL, hand_run, &hands[i]));
	}
	/* On a slow machine it goes on until it has seen a draw and a lease. */
	while (seconds_now() < begin + seconds ||
	       (!(stage.drawn && stage.leased) && seconds_now() < begin + 60)) {
		for (unsigned i = random_next(&seed) % 8; i > 0; i--) {
			uint32_t floor =
				random_next(&seed) % 4 ? random_next(&seed) % FLOOR_MOST : 0;

			assert_ok(pp_pool_set_reserve(stage.pool, floor));
			usleep(random_next(&seed) % 3000);
		}
		quiet(&stage, hands);
		quiets++;
	}
	assert_ok(pp_pool_set_reserve(stage.pool, 300));
	atomic_store(&stage.stop, true);
	quiet(&stage, hands);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	pp_pool_free(stage.pool, stage.box.bufs, stage.box.n);
	assert_int_equal(stats_of(stage.pool).reserve, 300);
	if (!flags)
		fast_again(stage.pool);
	printf("%llu buffers, %llu drawn, %llu refused, %llu marks passed, %llu leased; %u times quiet\n",
	       (unsigned long long)stage.moved, (unsigned long long)stage.drawn,
	       (unsigned long long)stage.refused, (unsigned long long)stage.passed,
	       (unsigned long long)stage.leased, quiets);
	assert_true(stage.drawn && stage.leased);
	assert_int_equal(stats_of(stage.pool).sum.refused, stage.refused);
	assert_int_equal(stats_of(stage.pool).sum.reserve, stage.drawn);
	pool_end(stage.pool);
	marks_free(&stage.marks);
	pthread_barrier_destroy(&stage.quiet);
	pthread_mutex_destroy(&stage.box.lock);
}

static void test_the_reserve_is_only_for_what_is_critical(void **state)
{
	double seconds = storm_seconds(8);

	(void)state;
	storm_run(0, seconds / 2);
	storm_run(PP_POOL_OWNERS, seconds / 4);
	storm_run(PP_POOL_DEBUG, seconds / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_reserve_is_only_for_what_is_critical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
