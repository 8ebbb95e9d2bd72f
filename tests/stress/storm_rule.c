/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule: see storm_rule.h. */
#include "storm_rule.h"

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

void rule_rounds(struct seats *seats, struct pp_pool *pool, uint32_t floor, double seconds)
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
