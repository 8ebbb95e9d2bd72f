/* SPDX-License-Identifier: BSD-3-Clause */
/* Tag: who holds what, under which tag and since when. */
#include "support.h"

#include <pthread.h>
#include <unistd.h>

#define SITES 4
#define ROUNDS 5000

static const char *const sites[SITES] = { "receive", "clone", "reassemble", "answer" };

/* What a walk has shown. */
struct seen {
	unsigned n;
	uint64_t buffers;
	struct pp_holding first;
	char owner[32], tag[32];
};

static void holding_see(const struct pp_holding *holding, void *arg)
{
	struct seen *seen = arg;

	if (!seen->n++) {
		seen->first = *holding;
		snprintf(seen->owner, sizeof(seen->owner), "%s", holding->owner);
		snprintf(seen->tag, sizeof(seen->tag), "%s", holding->tag);
	}
	seen->buffers += holding->buffers;
}

static struct seen holdings_of(struct pp_pool *pool)
{
	struct seen seen = { 0 };

	assert_ok(pp_pool_each_holding(pool, holding_see, &seen));
	return seen;
}

struct buffers {
	unsigned n;
	void *at[64];
};

static void out_see(const struct pp_out *out, void *arg)
{
	struct buffers *buffers = arg;

	if (buffers->n < 64)
		buffers->at[buffers->n++] = out->buffer;
}

static void age_see(const struct pp_out *out, void *arg)
{
	*(uint64_t *)arg = out->age_ms;
}

/* Until the buffer has been out for so long. */
static void age_reach(struct pp_pool *pool, uint64_t ms)
{
	uint64_t age = 0;

	while (age < ms) {
		usleep(1000);
		assert_ok(pp_pool_each_out(pool, &(struct pp_out_filter){ .owner = "elder" },
					   age_see, &age));
	}
}

static void test_call_site_that_leaks_is_found_by_name(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, PP_POOL_DEBUG);
	struct pp_cache *cache = pp_cache_create(pool, "worker");
	struct pp_out_filter filter = { .owner = "worker", .tag = "reassemble" };
	struct buffers leaked = { 0 };
	unsigned kept_n = 0;
	void *kept[64] = { NULL };
	struct seen seen;

	(void)state;
	for (unsigned i = 1; i <= ROUNDS; i++)
		for (unsigned s = 0; s < SITES; s++) {
			void *buf;

			pp_cache_set_tag(cache, (unsigned)pp_pool_tag(pool, sites[s]));
			buf = pp_alloc(cache, 0);
			assert_non_null(buf);
			if (s == 2 && i % 1000 == 0)
				kept[kept_n++] = buf;
			else
				pp_free(cache, buf);
		}
	seen = holdings_of(pool);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.first.buffers, ROUNDS / 1000);
	assert_string_equal(seen.owner, "worker");
	assert_string_equal(seen.tag, "reassemble");
	assert_true(seen.first.oldest_ms >= seen.first.youngest_ms);
	assert_true(seen.first.oldest_ms < 3600000);
	assert_int_equal(pp_pool_each_out(pool, &filter, out_see, &leaked), kept_n);
	for (unsigned i = 0; i < kept_n; i++) {
		unsigned j = 0;

		while (j < leaked.n && leaked.at[j] != kept[i])
			j++;
		assert_true(j < leaked.n);
	}
	filter.tag = "receive";
	assert_int_equal(pp_pool_each_out(pool, &filter, NULL, NULL), 0);
	assert_int_equal(pp_pool_destroy(pool), -EBUSY);
	assert_error_names("5 buffers are in flight");
	assert_error_names("oldest: \"worker\" tag \"reassemble\": 5, for ");
	pp_free_bulk(cache, kept, kept_n);
	assert_int_equal(holdings_of(pool).n, 0);
	pool_end(pool);
}

static void test_oldest_holder_comes_first(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, PP_POOL_DEBUG);
	struct pp_cache *elder = pp_cache_create(pool, "elder");
	struct pp_cache *crowd = pp_cache_create(pool, "crowd");
	struct pp_out_filter old = { .age_ms = 20 };
	void *one, *many[300];
	struct seen seen;

	(void)state;
	one = pp_alloc(elder, 0);
	age_reach(pool, 20);
	assert_int_equal(pp_alloc_bulk(crowd, many, 300, 0), 300);
	seen = holdings_of(pool);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.buffers, 301);
	assert_string_equal(seen.owner, "elder");
	assert_ptr_equal(seen.first.oldest, one);
	assert_true(seen.first.oldest_ms >= 20);
	assert_true(pp_pool_each_out(pool, &old, NULL, NULL) >= 1);
	pp_free(elder, one);
	pp_free_bulk(crowd, many, 300);
	pool_end(pool);
}

static void test_without_ages_who_has_most_comes_first(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, PP_POOL_OWNERS);
	struct pp_cache *one = pp_cache_create(pool, "one");
	struct pp_cache *crowd = pp_cache_create(pool, "crowd");
	void *bufs[301];
	struct seen seen;

	(void)state;
	assert_int_equal(pp_alloc_bulk(one, bufs, 1, 0), 1);
	assert_int_equal(pp_alloc_bulk(crowd, bufs + 1, 300, 0), 300);
	seen = holdings_of(pool);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.owner, "crowd");
	assert_string_equal(seen.tag, "");
	assert_true(seen.first.oldest_ms == PP_AGE_UNKNOWN);
	pp_free_bulk(one, bufs, 301);
	pool_end(pool);
}

static void test_tags_do_nothing_without_debug_mode(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pp_pool *pool = pool_4k(2048, 5000, flags[i]);
		struct seen seen;
		void *buf;

		assert_int_equal(pp_pool_tag(pool, "site"), 0);
		assert_int_equal(pp_pool_set_tag(pool, 1), 0);
		assert_int_equal(pp_pool_set_tag(pool, 0), 0);
		buf = pp_alloc(pp_pool_cache(pool), 0);
		seen = holdings_of(pool);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.first.buffers, 1);
		assert_string_equal(seen.tag, "");
		assert_ptr_equal(seen.first.oldest, buf);
		pp_free(pp_pool_cache(pool), buf);
		pool_end(pool);
	}
}

static int child_tags(void *arg)
{
	return pp_pool_tag(arg, "third") == 3 && pp_pool_tag(arg, "fourth") == 4 ? 0 : 1;
}

static void test_tag_has_one_number_for_everybody(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, PP_POOL_DEBUG);
	char name[40];

	(void)state;
	assert_int_equal(pp_pool_tag(pool, "first"), 1);
	assert_int_equal(pp_pool_tag(pool, "second"), 2);
	assert_int_equal(pp_pool_tag(pool, "first"), 1);
	assert_int_equal(pp_pool_tag(pool, "third"), 3);
	assert_int_equal(child_do(child_tags, pool), 0);
	assert_int_equal(pp_pool_tag(pool, "fourth"), 4);
	for (int i = 5; i <= 255; i++) {
		snprintf(name, sizeof(name), "tag %d", i);
		assert_int_equal(pp_pool_tag(pool, name), i);
	}
	assert_int_equal(pp_pool_tag(pool, "one more"), -ENOSPC);
	assert_error_names("one more");
	assert_int_equal(pp_pool_tag(pool, "tag 255"), 255);
	assert_int_equal(pp_pool_tag(pool, ""), -EINVAL);
	assert_int_equal(pp_pool_tag(pool, NULL), -EINVAL);
	assert_int_equal(pp_pool_tag(NULL, "first"), -EINVAL);
	assert_int_equal(pp_pool_tag(pool, "a name of thirty-two characters."), -EINVAL);
	assert_error_names("31");
	pool_end(pool);
}

static void *tag_left(void *arg)
{
	pp_pool_set_tag(arg, (unsigned)pp_pool_tag(arg, "left behind"));
	pp_free(pp_pool_cache(arg), pp_alloc(pp_pool_cache(arg), 0));
	return NULL;
}

static void *tag_of_next(void *arg)
{
	return pp_alloc(pp_pool_cache(arg), 0);
}

static void test_set_tag_returns_the_one_before_and_ends_with_its_thread(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, PP_POOL_DEBUG);
	unsigned one = (unsigned)pp_pool_tag(pool, "one");
	struct seen seen;
	void *buf;

	(void)state;
	assert_int_equal(pp_pool_set_tag(pool, one), 0);
	assert_int_equal(pp_pool_set_tag(pool, 77), one);
	assert_int_equal(pp_pool_set_tag(pool, 0), 0);
	assert_int_equal(pp_cache_set_tag(NULL, 1), 0);
	thread_do(tag_left, pool);
	buf = thread_do(tag_of_next, pool);
	seen = holdings_of(pool);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.tag, "");
	pp_free(pp_pool_cache(pool), buf);
	pool_end(pool);
}

static void net_see(const struct pp_cache_info *info, void *arg)
{
	int64_t *nets = arg;

	if (!strcmp(info->name, "taker"))
		nets[0] = info->net;
	else if (!strcmp(info->name, "giver"))
		nets[1] = info->net;
}

static void test_net_is_what_a_cache_took_less_what_it_freed(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pp_pool *pool = pool_4k(2048, 20000, flags[i]);
		struct pp_cache *taker = pp_cache_create(pool, "taker");
		struct pp_cache *giver = pp_cache_create(pool, "giver");
		int64_t nets[2] = { 0 };
		void *bufs[8000], **all;
		unsigned left;

		assert_ok(pp_pool_set_reserve(pool, 100));
		for (unsigned n = 0; n < 8000; n += 32)
			assert_int_equal(pp_alloc_bulk(taker, bufs + n, 32, 0), 32);
		for (unsigned n = 0; n < 3000; n += 25)
			pp_free_bulk(giver, bufs + n, 25);
		for (unsigned n = 3000; n < 4000; n++)
			pp_free(taker, bufs[n]);
		pp_pool_collect(pool);
		pp_pool_each_cache(pool, net_see, nets);
		assert_int_equal(nets[0], 7000);
		assert_int_equal(nets[1], -3000);
		/* All that is left, with what the reserve has. */
		all = malloc(20000 * sizeof(*all));
		left = (unsigned)(20000 - stats_of(pool).in_flight);
		assert_int_equal(pp_alloc_bulk(taker, all, left, PP_CRITICAL | PP_GROW), left);
		assert_int_equal(stats_of(pool).marked, 100);
		pp_pool_each_cache(pool, net_see, nets);
		assert_int_equal(nets[0], 7000 + left);
		pp_free_bulk(giver, all, left);
		pp_free_bulk(giver, bufs + 4000, 4000);
		free(all);
		pp_pool_each_cache(pool, net_see, nets);
		assert_int_equal(nets[0] + nets[1], 0);
		pool_end(pool);
	}
}

static void *busy(void *arg)
{
	struct pp_cache *cache = pp_pool_cache(arg);
	unsigned tag = (unsigned)pp_pool_tag(arg, "busy");
	void *bufs[96];

	pp_pool_set_tag(arg, tag);
	for (unsigned i = 0; i < 3000; i++) {
		MUST(pp_alloc_bulk(cache, bufs, 1 + i % 96, 0) == 1 + i % 96);
		pp_free_bulk(cache, bufs, 1 + i % 96);
	}
	return NULL;
}

static void test_holders_are_looked_at_while_others_work(void **state)
{
	struct pp_pool *pool = pool_4k(256, 5000, PP_POOL_DEBUG);
	pthread_t threads[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, busy, pool), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct seen seen = holdings_of(pool);

		assert_true(seen.buffers <= 2 * 96);
		assert_true(pp_pool_each_out(pool, NULL, NULL, NULL) <= 2 * 96);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(holdings_of(pool).n, 0);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_site_that_leaks_is_found_by_name),
		cmocka_unit_test(test_oldest_holder_comes_first),
		cmocka_unit_test(test_without_ages_who_has_most_comes_first),
		cmocka_unit_test(test_tags_do_nothing_without_debug_mode),
		cmocka_unit_test(test_tag_has_one_number_for_everybody),
		cmocka_unit_test(test_set_tag_returns_the_one_before_and_ends_with_its_thread),
		cmocka_unit_test(test_net_is_what_a_cache_took_less_what_it_freed),
		cmocka_unit_test(test_holders_are_looked_at_while_others_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
