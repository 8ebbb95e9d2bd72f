/* SPDX-License-Identifier: BSD-3-Clause */
/* Model: a million random calls against a simple model, and beside each other. */
#include <unistd.h>

#include "model_beside.h"
#include "model_calls.h"
#include "model_refuser.h"

/* One after the other, where the model knows each result; the sanitizer for threads has
 * nothing to see there. */
#define CALLS (WITH_TSAN ? 20000 : 800000)
#define BESIDE 200000

/* Between two calls: the model and the books say the same. */
static void model_compare(struct model *m)
{
	const struct pp_stats *s = &m->before.stats;

	places_look(&m->before, m->pool, m->cache);
	places_check(&m->before);
	MUST(s->in_flight == m->out);
	MUST(s->leased == m->leased);
	MUST(s->sum.reserve == m->drawn);
	MUST(s->sum.refused == m->refused);
	/* On a busy machine a burst may be too late in line, and then have all it wants. */
	MUST(s->sum.timeout - m->timeouts <= 1);
	m->timeouts = s->sum.timeout;
	if (m->calls % 1000)
		return;
	/* Everything in its place: each buffer, each block, each mark. */
	MUST(!pp_pool_check(m->pool));
	m->late = 0;
	m->quiets++;
	places_look(&m->before, m->pool, m->cache);
	places_check(&m->before);
	MUST(s->marked == marked_among(m->pool, m->held, m->n));
	assert_all_mapped(m->pool, &m->recorder);
}

static void model_step(struct model *m)
{
	m->cache = m->caches[model_random(m, CACHES)];
	places_look(&m->before, m->pool, m->cache);
	model_call(m);
	m->calls++;
	model_compare(m);
}

static void model_begin(struct model *m, uint64_t seed, uint32_t buffers)
{
	struct pp_pool_params params = params_4k(32768, buffers);

	*m = (struct model){ .seed = seed };
	params.buffers_max = 3 * buffers;
	params.owners = CACHES + 1;
	params.reserve = buffers / 10;
	params.wait_us = 1;
	m->pool = pool_of(&params);
	m->marks = marks_make(m->pool);
	m->recorder = recorder_for(m->pool);
	assert_int_equal(pp_pool_map_device(m->pool, &refuser_ops, &m->recorder), 0);
	for (unsigned i = 0; i < CACHES; i++) {
		m->caches[i] = pp_cache_create(m->pool, "one of several");
		assert_non_null(m->caches[i]);
	}
}

static void model_end(struct model *m)
{
	for (unsigned i = 0; i < LEASES; i++)
		pp_lease_end(m->leases[i]);
	pp_free_bulk(m->caches[0], m->held, m->n);
	for (unsigned i = 0; i < CACHES; i++)
		pp_cache_destroy(m->caches[i]);
	assert_int_equal(stats_of(m->pool).reserve, stats_of(m->pool).floor);
	assert_int_equal(stats_of(m->pool).pressed, 0);
	refusing = false;
	pool_end(m->pool);
	assert_none_mapped(&m->recorder);
	marks_free(&m->marks);
}

static uint64_t seed_chosen(void)
{
	const char *given = getenv("PP_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid() << 20 | 1;

	printf("PP_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

static void test_every_call_does_what_the_rules_say(void **state)
{
	uint64_t seed = seed_chosen();
	static struct model m;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		model_begin(&m, seed + i, i == 3 ? 64 : 300 + 200 * i);
		while (m.calls < CALLS / 4)
			model_step(&m);
		printf("%llu calls, %llu times quiet: %llu drawn, %llu refused, %llu grown, "
		       "%llu shrunk; failed: %llu, %llu in line\n",
		       (unsigned long long)m.calls, (unsigned long long)m.quiets,
		       (unsigned long long)m.drawn, (unsigned long long)m.refused,
		       (unsigned long long)m.grown, (unsigned long long)m.shrunk,
		       (unsigned long long)m.failed[0], (unsigned long long)m.failed[1]);
		model_end(&m);
	}
}

static void test_calls_beside_each_other_leave_books_that_balance(void **state)
{
	uint64_t seed = seed_chosen();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		beside_run(seed + i, 300 + 300 * i, BESIDE / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_does_what_the_rules_say),
		cmocka_unit_test(test_calls_beside_each_other_leave_books_that_balance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
