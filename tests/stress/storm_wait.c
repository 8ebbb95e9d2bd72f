/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: who waits gets buffers in its turn, by its deadline, and holds none meanwhile. */
#include "storm.h"
#include "storm_seats.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS 1024
#define TURNS 2000

/* What is going on, to be named when it never ends. */
static const char *volatile doing = "";

static void watchdog(int number)
{
	static const char after[] = ": still not done, probably a deadlock\n";

	(void)number;
	if (write(STDERR_FILENO, doing, strlen(doing)) < 0 ||
	    write(STDERR_FILENO, after, sizeof(after) - 1) < 0)
		_exit(2);
	_exit(1);
}

static struct pp_pool *pool_waited_for(uint32_t flags, uint32_t reserve)
{
	struct pp_pool_params params = params_4k(256, BUFFERS);

	params.owners = 24;
	params.flags = flags;
	params.reserve = reserve;
	return pool_of(&params);
}

struct half {
	struct pp_pool *pool;
	struct marks *marks;
	unsigned flags;
	uint32_t id;
	uint32_t turns;
};

/* More than half of all, again and again: two can never have it at a time. */
static void *half_run(void *arg)
{
	struct half *half = arg;
	struct pp_cache *cache = pp_pool_cache(half->pool);
	uint64_t seed = half->id;
	void *bufs[BUFFERS];

	for (uint32_t i = 0; i < half->turns; i++) {
		uint32_t n = BUFFERS / 2 + 1 + random_next(&seed) % (BUFFERS / 4);
		struct pp_wait wait;

		pp_wait_for(&wait, PP_FOREVER);
		MUST(pp_alloc_bulk_wait(cache, bufs, n, half->flags, &wait) == n);
		marks_take(half->marks, half->pool, bufs, n, half->id);
		/* The other shall come and wait. */
		if (i % 2)
			sched_yield();
		marks_drop(half->marks, half->pool, bufs, n, half->id);
		seat_free(half->pool, cache, bufs, n, random_next(&seed) % WAYS_IN_THREAD);
	}
	return NULL;
}

static void two_halves(unsigned flags, uint32_t reserve)
{
	struct pp_pool *pool = pool_waited_for(0, reserve);
	struct marks marks = marks_make(pool);
	struct half halves[2];
	pthread_t threads[2];

	doing = "two threads, each needs more than half of the pool";
	for (unsigned i = 0; i < 2; i++) {
		halves[i] = (struct half){ pool, &marks, i ? flags : 0, i + 1, TURNS };
		MUST(!pthread_create(&threads[i], NULL, half_run, &halves[i]));
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("2 times %d turns with more than half, %llu of them waited\n", TURNS,
	       (unsigned long long)stats_of(pool).sum.wait);
	assert_int_equal(stats_of(pool).waiters, 0);
	pool_end(pool);
	marks_free(&marks);
}

static void test_two_that_need_more_than_half_each_go_on(void **state)
{
	(void)state;
	two_halves(0, 0);
	two_halves(PP_GROW, 0);
	two_halves(PP_CRITICAL, 100);
}

/* Who waits, what it wants and what shall become of it. */
struct turn {
	struct seat *seat;
	uint32_t n;
	bool critical;
	enum { SERVED, CANCELLED, LATE } fate;
	bool gone;
};

/* The rule in few words: the reserve first, then whoever is first. */
struct rule {
	struct turn turns[SEATS];
	struct turn *order[SEATS]; /* critical ones first */
	uint32_t floor, reserve, pile;
	struct pp_pool *pool;
	struct seats *seats;
	void *held[BUFFERS]; /* by nobody who waits */
	uint32_t n;
	uint64_t seed;
};

static struct turn *rule_head(struct rule *rule)
{
	for (unsigned i = 0; i < SEATS; i++)
		if (!rule->order[i]->gone)
			return rule->order[i];
	return NULL;
}

static uint32_t rule_need(const struct rule *rule, const struct turn *turn)
{
	uint32_t have = rule->pile + (turn->critical ? rule->reserve : 0);

	return turn->n > have ? turn->n - have : 0;
}

static void rule_give_up(struct turn *turn, int why)
{
	SEAT_SOON(seat_is_done(turn->seat));
	MUST(turn->seat->got == 0 && turn->seat->error == why);
	turn->gone = true;
}

/* The first in line has its share; it may have left before that came. */
static void rule_serve(struct rule *rule, struct turn *head)
{
	uint32_t from_pile = head->n < rule->pile ? head->n : rule->pile;

	SEAT_SOON(seat_is_done(head->seat));
	head->gone = true;
	if (head->fate == LATE && !head->seat->got)
		return;
	MUST(head->seat->got == head->n);
	rule->pile -= from_pile;
	rule->reserve -= head->n - from_pile;
}

/* Those who are back without anything; whose deadline it was, that is. */
static void rule_sweep(struct rule *rule)
{
	for (unsigned i = 0; i < SEATS; i++) {
		struct turn *turn = rule->order[i];

		if (!turn->gone && seat_is_done(turn->seat) && !turn->seat->got) {
			MUST(turn->fate == LATE);
			rule_give_up(turn, ETIMEDOUT);
		}
	}
}

/* Who is back with something though others stand before it: one of these must have left. */
static struct turn *rule_left(struct rule *rule)
{
	struct turn *late = NULL;

	for (unsigned i = 0; i < SEATS; i++) {
		struct turn *turn = rule->order[i];

		if (turn->gone)
			continue;
		if (turn->fate == LATE && !late)
			late = turn;
		if (!seat_is_done(turn->seat) || !turn->seat->got)
			continue;
		if (!late || late == turn)
			fprintf(stderr, "%u were had by number %u in line, with %u for the first\n",
				turn->n, i, rule->pile);
		MUST(late && late != turn);
		return late;
	}
	return NULL;
}

/* All whose turn has come must come back with theirs, and nobody else. */
static void rule_settle(struct rule *rule)
{
	struct turn *head, *left = NULL;

	do {
		if (left)
			SEAT_SOON(seat_is_done(left->seat));
		rule_sweep(rule);
		while ((head = rule_head(rule)) && !rule_need(rule, head))
			rule_serve(rule, head);
		left = rule_left(rule);
	} while (left);
}

/* Some come back, by a thread or process that knows nothing of who waits. */
static void rule_free(struct rule *rule, uint32_t n)
{
	uint32_t way = random_next(&rule->seed) % (rule->floor ? WAYS_AT_ONCE : WAYS), lack;

	/* Where the reserve is between them, one at a time: what the first serves
	 * may or may not have been taken away when the second comes. */
	if (rule->floor && way == WAY_SINGLY)
		n = 1;
	MUST(n && n <= rule->n);
	rule->n -= n;
	seats_free(rule->seats, rule->held + rule->n, n, way);
	lack = rule->floor - rule->reserve;
	rule->reserve += n < lack ? n : lack;
	rule->pile += n < lack ? 0 : n - lack;
}

static void rule_cancel(struct rule *rule, struct turn *turn)
{
	pp_wait_cancel(&turn->seat->wait);
	rule_give_up(turn, ECANCELED);
	rule_settle(rule);
}

/* Anybody in the line, not only its head. */
static void rule_cancel_any(struct rule *rule)
{
	struct turn *turn = &rule->turns[random_next(&rule->seed) % SEATS];

	if (turn->fate == CANCELLED && !turn->gone)
		rule_cancel(rule, turn);
}

static void rule_step(struct rule *rule, struct turn *head)
{
	uint32_t need = rule_need(rule, head), n = 1 + random_next(&rule->seed) % 40;

	if (head->fate == SERVED) {
		rule_free(rule, n);
		rule_settle(rule);
		return;
	}
	/* It has nearly enough when it goes: all of that is the next one's. */
	if (n > need - 1)
		n = need - 1;
	if (n)
		rule_free(rule, n);
	if (head->fate == CANCELLED)
		rule_cancel(rule, head);
	else {
		rule_give_up(head, ETIMEDOUT);
		rule_settle(rule);
	}
}

static void rule_line_up(struct rule *rule)
{
	uint64_t waits = stats_of(rule->pool).sum.wait;
	unsigned k = 0;

	for (unsigned i = 0; i < SEATS; i++) {
		struct turn *turn = &rule->turns[i];
		uint32_t r = random_next(&rule->seed);

		turn->seat = &rule->seats->seat[i];
		turn->n = 1 + (r % 3 ? r / 3 % 90 : r / 3 % 4);
		turn->critical = random_next(&rule->seed) % 4 == 0;
		turn->gone = false;
		r = random_next(&rule->seed);
		turn->fate = r % 8 == 0 ? LATE : r % 8 < 3 && !turn->seat->pid ? CANCELLED : SERVED;
		seat_ask(turn->seat, turn->n, turn->critical ? PP_CRITICAL : 0,
			 turn->fate == LATE ? 1000 + r / 8 % 3000 : PP_FOREVER);
		SEAT_SOON(stats_of(rule->pool).sum.wait == waits + i + 1);
	}
	for (unsigned critical = 2; critical-- > 0;)
		for (unsigned i = 0; i < SEATS; i++)
			if (rule->turns[i].critical == critical)
				rule->order[k++] = &rule->turns[i];
}

/* Everything is out, eight wait, everything trickles back. */
static void rule_round(struct rule *rule)
{
	struct pp_cache *cache = pp_pool_cache(rule->pool);
	struct turn *head;

	pp_pool_collect(rule->pool);
	rule->n = take_all(cache, rule->held, BUFFERS);
	MUST(rule->n + rule->floor == stats_of(rule->pool).total);
	if (rule->floor)
		MUST(pp_alloc_bulk(cache, rule->held + rule->n, rule->floor, PP_CRITICAL));
	rule->n += rule->floor;
	rule->reserve = rule->pile = 0;
	rule_line_up(rule);
	while ((head = rule_head(rule))) {
		rule_step(rule, head);
		if (random_next(&rule->seed) % 4 == 0)
			rule_cancel_any(rule);
	}
	MUST(!stats_of(rule->pool).waiters);
	seats_empty(rule->seats);
	seats_free(rule->seats, rule->held, rule->n, WAY_BULK);
}

static void rounds_run(struct seats *seats, struct pp_pool *pool, uint32_t floor, double seconds)
{
	static struct rule rule;
	double end = seconds_now() + seconds;
	unsigned rounds = 0;

	rule = (struct rule){ .floor = floor, .pool = pool, .seats = seats, .seed = floor + 1 };
	assert_ok(pp_pool_set_reserve(pool, floor));
	do {
		rule_round(&rule);
		rounds++;
	} while (seconds_now() < end || rounds < 3);
	printf("%u rounds of %d who wait, reserve %u\n", rounds, SEATS, floor);
	assert_ok(pp_pool_check(pool));
	assert_int_equal(stats_of(pool).reserve, floor);
	assert_ok(pp_pool_set_reserve(pool, 0));
	books_hold(pool, 0);
}

/* `foreign` of those who wait are processes. */
static void line_run(unsigned foreign)
{
	struct pp_pool *pool = pool_waited_for(0, 0);
	struct seats *seats = seats_make(pool, foreign);
	double seconds = storm_seconds(8);

	doing = "eight wait, and are served in their order";
	rounds_run(seats, pool, 0, seconds / 6);
	rounds_run(seats, pool, 60, seconds / 6);
	seats_end(seats);
	pool_end(pool);
}

static void test_nobody_is_served_before_his_turn(void **state)
{
	(void)state;
	line_run(0);
}

static void test_nor_in_another_process(void **state)
{
	(void)state;
	if (!WITH_TSAN)
		line_run(SEATS / 2);
}

/* While a call waits its thread holds nothing, although there is some. */
static void test_who_waits_holds_nothing(void **state)
{
	struct pp_pool *pool = pool_waited_for(PP_POOL_OWNERS, 0);
	struct seats *seats = seats_make(pool, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	uint64_t seed = 3;
	void *bufs[BUFFERS];
	uint32_t total;

	(void)state;
	doing = "one waits, and holds nothing";
	for (unsigned i = 0; i < 300; i++) {
		uint64_t waits = stats_of(pool).sum.wait;
		uint32_t left = random_next(&seed) % 200, n;

		pp_pool_collect(pool);
		total = take_all(cache, bufs, BUFFERS);
		n = left + 1 + random_next(&seed) % 300;
		pp_free_bulk(cache, bufs + total - left, left);
		seat_ask(&seats->seat[0], n, i % 2 ? PP_GROW : 0, PP_FOREVER);
		SEAT_SOON(stats_of(pool).sum.wait == waits + 1);
		SEAT_SOON(stats_of(pool).in_flight == total - left);
		assert_int_equal(seat_in_flight(pool, &seats->seat[0]), 0);
		pp_free_bulk(cache, bufs, total - left);
		SEAT_SOON(seat_is_done(&seats->seat[0]));
		assert_int_equal(seats->seat[0].got, n);
		assert_int_equal(seat_in_flight(pool, &seats->seat[0]), n);
		seats_empty(seats);
	}
	seats_end(seats);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_that_need_more_than_half_each_go_on),
		cmocka_unit_test(test_nobody_is_served_before_his_turn),
		cmocka_unit_test(test_nor_in_another_process),
		cmocka_unit_test(test_who_waits_holds_nothing),
	};

	signal(SIGALRM, watchdog);
	alarm(WITH_TSAN ? 400 : 55);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
