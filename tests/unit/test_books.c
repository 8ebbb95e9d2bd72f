/* SPDX-License-Identifier: BSD-3-Clause */
/* Books: conservation at every step, counters that mean what they say, and a check that fails. */
#include "support.h"

#include <unistd.h>

#include "pp_owner.h"

/* In any order of calls, after each one: free and in flight are all there is. */
static void random_walk(uint32_t buffers, uint32_t owners, uint32_t flags, uint64_t seed)
{
	struct pp_pool_params params = params_4k(2048, buffers);
	struct pp_cache *caches[4] = { NULL };
	uint32_t held = 0, n;
	void *bufs[6000];
	struct pp_pool *pool;

	/* One more for pp_free_any(), which makes this thread its own. */
	params.owners = owners + 1;
	params.flags = flags;
	params.buffers_max = 6000;
	pool = pool_of(&params);
	for (unsigned step = 0; step < 1500; step++) {
		struct pp_cache **cache = &caches[random_next(&seed) % owners];
		uint32_t what = random_next(&seed) % 32;
		uint32_t much = 1 + random_next(&seed) % (what % 2 ? 40 : 900);

		if (!*cache)
			*cache = pp_cache_create(pool, NULL);
		assert_non_null(*cache);
		if (what < 14 && held + much < 6000) {
			n = what < 4 ? pp_alloc_bulk(*cache, bufs + held, much, 0)
				     : pp_alloc_burst(*cache, bufs + held, much,
						      what < 7 ? PP_TRY : 0);
			held += n;
		} else if (what < 26) {
			n = much < held ? much : held;
			/* From anywhere: the last ones take the place of those that go. */
			for (uint32_t i = 0; i < n; i++) {
				uint32_t j = random_next(&seed) % held;
				void *buf = bufs[j];

				bufs[j] = bufs[--held];
				bufs[held] = buf;
			}
			if (what == 25)
				assert_int_equal(pp_free_any(bufs + held, n), n);
			else if (what == 24)
				pp_pool_free(pool, bufs + held, n);
			else
				pp_free_bulk(*cache, bufs + held, n);
		} else if (what == 26) {
			pp_pool_collect(pool);
		} else if (what == 27) {
			pp_cache_destroy(*cache);
			*cache = NULL;
		} else if (what == 28) {
			pp_pool_grow(pool, much);
		} else if (what == 29) {
			pp_pool_shrink(pool, much, 0);
		} else if (held + much < 6000) {
			held += pp_pool_alloc_burst(pool, bufs + held, much);
		}
		books_hold(pool, held);
	}
	pp_free_any(bufs, held);
	pool_end(pool);
}

static void test_buffers_are_conserved_at_every_step(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG, PP_POOL_GAPLESS };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		random_walk(5000, 4, flags[i], 1 + i);
		random_walk(1100, 4, flags[i], 11 + i);
		random_walk(64, 2, flags[i], 21 + i);
	}
}

static void test_counters_count_what_they_are_named_after(void **state)
{
	struct pp_pool_params params = params_4k(2048, 16384);
	struct pp_cache *a, *b;
	struct pp_pool *pool;
	struct pp_stats stats;
	void *bufs[16384];

	(void)state;
	params.owners = 2;
	pool = pool_of(&params);
	a = pp_cache_create(pool, "a");
	b = pp_cache_create(pool, "b");
	for (unsigned i = 0; i < 8192; i += 64)
		assert_int_equal(pp_alloc_bulk(a, bufs + i, 64, 0), 64);
	assert_true(counters_of(a).carve >= 8192);
	assert_int_equal(counters_of(a).carve % PP_CARVE, 0);
	assert_int_equal(counters_of(a).carve, 16384 - stats_of(pool).fresh);
	assert_true(counters_of(a).slow > 0);
	assert_true(counters_of(a).fast > 0);
	assert_int_equal(counters_of(a).steal + counters_of(a).refill + counters_of(a).depot, 0);
	for (unsigned i = 0; i < 8192; i += 64)
		pp_free_bulk(a, bufs + i, 64);
	assert_true(counters_of(a).spill > 0);
	assert_true(counters_of(a).slow_free > 0);
	assert_true(stats_of(pool).deques > 0);
	for (unsigned i = 0; i < 4096; i += 64)
		assert_int_equal(pp_alloc_bulk(a, bufs + i, 64, 0), 64);
	assert_true(counters_of(a).refill > 0);
	/* Stealing comes before carving: it keeps the working set small. */
	assert_int_equal(pp_alloc_bulk(b, bufs + 4096, 1024, 0), 1024);
	assert_true(counters_of(b).steal > 0);
	assert_int_equal(counters_of(b).carve, 0);
	pp_cache_destroy(a);
	a = pp_cache_create(pool, "a again");
	assert_int_equal(counters_of(a).slow, 0);
	pp_free_bulk(b, bufs, 5120);
	assert_int_equal(pp_alloc_burst(b, bufs, 16384, 0) + stats_of(pool).cached, 16384);
	assert_true(counters_of(b).depot > 0);
	/* What the departed did is still in the sum. */
	stats = stats_of(pool);
	assert_true(stats.sum.spill > 0 && stats.sum.refill > 0);
	assert_true(stats.sum.carve >= 8192);
	assert_int_equal(stats.sum.fault + stats.sum.remote + stats.sum.borrowed, 0);
	assert_int_equal(pp_pool_recover(pool), stats.in_flight);
	pp_cache_destroy(a);
	pp_cache_destroy(b);
	pool_end(pool);
}

static void test_empty_counts_calls_that_got_less(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 256, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[257];

	(void)state;
	assert_int_equal(pp_alloc_burst(cache, bufs, 256, 0), 256);
	assert_int_equal(counters_of(cache).empty, 0);
	assert_null(pp_alloc(cache, 0));
	assert_int_equal(pp_alloc_bulk(cache, bufs + 256, 1, 0), 0);
	assert_int_equal(pp_alloc_burst(cache, bufs + 256, 1, 0), 0);
	assert_int_equal(counters_of(cache).empty, 3);
	assert_int_equal(stats_of(pool).sum.empty, 3);
	pp_free_bulk(cache, bufs, 256);
	pool_end(pool);
}

static void test_high_water_stays_after_the_flood(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[9000];

	(void)state;
	assert_int_equal(stats_of(pool).high_water, 0);
	assert_int_equal(pp_alloc_bulk(cache, bufs, 9000, 0), 9000);
	assert_in_range(stats_of(pool).high_water, 9000, 9000 + 1024);
	pp_free_bulk(cache, bufs, 9000);
	assert_in_range(stats_of(pool).high_water, 9000, 9000 + 1024);
	pool_end(pool);
}

struct seen {
	unsigned caches;
	uint64_t cached, published, in_flight;
	bool named, mine;
};

static void cache_seen(const struct pp_cache_info *info, void *arg)
{
	struct seen *seen = arg;

	seen->caches++;
	seen->cached += info->cached;
	seen->published += info->published;
	seen->in_flight += info->in_flight;
	seen->named |= !strcmp(info->name, "second");
	seen->mine = info->pid == getpid();
}

static void test_each_cache_is_shown_with_what_it_has(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 16384, PP_POOL_OWNERS);
	struct pp_cache *first = pp_cache_create(pool, "first");
	struct pp_cache *second = pp_cache_create(pool, "second");
	struct seen seen = { 0 };
	void *bufs[4096];

	(void)state;
	assert_int_equal(pp_alloc_bulk(first, bufs, 4096, 0), 4096);
	pp_free_bulk(first, bufs, 4000);
	assert_int_equal(pp_alloc_bulk(second, bufs, 10, 0), 10);
	pp_pool_each_cache(pool, cache_seen, &seen);
	assert_int_equal(seen.caches, 2);
	assert_int_equal(seen.cached, stats_of(pool).cached);
	assert_int_equal(seen.published, stats_of(pool).deques);
	assert_int_equal(seen.in_flight, 106);
	assert_true(seen.named && seen.mine);
	pp_free_bulk(second, bufs, 10);
	pp_free_bulk(second, bufs + 4000, 96);
	pool_end(pool);
}

static void flight_seen(void *buffer, const char *owner, void *arg)
{
	void **last = arg;

	assert_true(buffer > *last);
	assert_string_equal(owner, "holder");
	*last = buffer;
}

static void test_walk_shows_what_is_in_flight_in_order(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, PP_POOL_OWNERS);
	struct pp_cache *cache = pp_cache_create(pool, "holder");
	void *bufs[3000], *last = NULL;

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs, 3000, 0), 3000);
	pp_free_bulk(cache, bufs, 1234);
	assert_int_equal(pp_pool_walk_in_flight(pool, flight_seen, &last), 3000 - 1234);
	pp_free_bulk(cache, bufs + 1234, 3000 - 1234);
	assert_int_equal(pp_pool_walk_in_flight(pool, flight_seen, &last), 0);
	pool_end(pool);
}

static void test_recover_brings_home_what_a_driver_kept(void **state)
{
	static const uint32_t flags[] = { 0, PP_POOL_OWNERS, PP_POOL_DEBUG, PP_POOL_GAPLESS };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct pp_pool *pool = pool_4k(2048, 5000, flags[i]);
		struct pp_cache *cache = pp_pool_cache(pool);
		void *bufs[5000];

		assert_int_equal(pp_alloc_bulk(cache, bufs, 4098, 0), 4098);
		pp_free_bulk(cache, bufs, 98);
		assert_int_equal(pp_pool_destroy(pool), -EBUSY);
		assert_int_equal(pp_pool_recover(pool), 4000);
		assert_int_equal(pp_pool_recover(pool), 0);
		all_can_be_had(pool, cache);
		pool_end(pool);
	}
}

static void test_books_can_be_printed(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 5000, 0);
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	void *buf = pp_alloc(pp_pool_cache(pool), 0);

	(void)state;
	pp_pool_print(pool, out);
	fclose(out);
	assert_non_null(strstr(text, "test"));
	assert_non_null(strstr(text, "5000"));
	assert_non_null(strstr(text, "in flight 1"));
	free(text);
	pp_free(pp_pool_cache(pool), buf);
	pool_end(pool);
}

/* What would go wrong if something wrote over the books: the check must see each. */
enum damage {
	DOUBLE_FREE,
	SLOT_CHANGED,
	SLOT_REPEATED,
	BLOCK_LOST,
	CARVED_LESS,
	TOTAL_MORE,
	DEPOT_MORE,
	DAMAGES
};

static void damage(struct pp_pool *pool, struct pp_cache *cache, void *out, enum damage how)
{
	struct pp_store *store = (struct pp_store *)pp_pool_region(pool);
	struct pp_owner *owner = (struct pp_owner *)cache;

	switch (how) {
	case DOUBLE_FREE:
		pp_free(cache, out);
		pp_free(cache, out);
		break;
	case SLOT_CHANGED:
		cache->slots[cache->s - 1] += 64;
		break;
	case SLOT_REPEATED:
		cache->slots[cache->s - 1] = cache->slots[cache->s - 2];
		break;
	case BLOCK_LOST:
		MUST(owner->empty || owner->stash != PP_TICKET_NONE);
		if (owner->empty)
			owner->empty--;
		else
			owner->stash = PP_TICKET_NONE;
		break;
	case CARVED_LESS:
		atomic_fetch_sub(&store->region.pages[0].carved, 64);
		break;
	case TOTAL_MORE:
		atomic_fetch_add(&store->shared->total, 1);
		break;
	case DEPOT_MORE:
		atomic_fetch_add(&store->depots[0].buffers, 1);
		break;
	case DAMAGES:
		break;
	}
}

static int check_sees(void *arg)
{
	struct pp_pool *pool = pool_4k(2048, 16384, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void *bufs[2000];

	MUST(pp_alloc_bulk(cache, bufs, 2000, 0) == 2000);
	pp_free_bulk(cache, bufs, 1999);
	MUST(!pp_pool_check(pool));
	damage(pool, cache, bufs[1999], *(enum damage *)arg);
	MUST(pp_pool_check(pool) == -EUCLEAN);
	MUST(*pp_error());
	return 0;
}

static void test_check_sees_every_kind_of_damage(void **state)
{
	(void)state;
	/* Each in a child: nothing can be done with such a pool any more. */
	for (enum damage how = 0; how < DAMAGES; how++)
		if (child_do(check_sees, &how))
			fail_msg("damage %d was not seen", how);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffers_are_conserved_at_every_step),
		cmocka_unit_test(test_counters_count_what_they_are_named_after),
		cmocka_unit_test(test_empty_counts_calls_that_got_less),
		cmocka_unit_test(test_high_water_stays_after_the_flood),
		cmocka_unit_test(test_each_cache_is_shown_with_what_it_has),
		cmocka_unit_test(test_walk_shows_what_is_in_flight_in_order),
		cmocka_unit_test(test_recover_brings_home_what_a_driver_kept),
		cmocka_unit_test(test_books_can_be_printed),
		cmocka_unit_test(test_check_sees_every_kind_of_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
