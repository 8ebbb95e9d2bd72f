/* SPDX-License-Identifier: BSD-3-Clause */
/* Params: what a pool can be made of, what it costs, and that nothing of it stays behind. */
#include "support.h"

/* Refused with -EINVAL, by a message that names the field, nothing made. */
static void refused(const struct pp_pool_params *params, const char *field)
{
	struct pp_pool *pool = NULL;
	int rc = pp_pool_create(params, &pool);

	if (rc != -EINVAL || !strstr(pp_error(), field))
		fail_msg("%s: %d, \"%s\"", field, rc, pp_error());
	assert_null(pool);
}

#define REFUSED(field, value)                                          \
	do {                                                           \
		struct pp_pool_params params_ = params_4k(2048, 1024); \
		params_.field = (value);                               \
		refused(&params_, #field);                             \
	} while (0)

static void test_params_out_of_range_are_refused_by_name(void **state)
{
	(void)state;
	REFUSED(sz, 0);
	REFUSED(sz, sizeof(struct pp_pool_params) + 8);
	REFUSED(name, "");
	REFUSED(name, "a name that is of 32 characters.");
	REFUSED(buffer_size, 0);
	REFUSED(buffer_size, 63);
	REFUSED(buffer_size, 65);
	REFUSED(buffer_size, 2049);
	REFUSED(buffer_size, (2 << 20) + 64);
	REFUSED(buffer_size, UINT32_MAX);
	REFUSED(buffers, 0);
	REFUSED(buffers, 63);
	REFUSED(buffers, (1u << 28) + 1);
	REFUSED(buffers, UINT32_MAX);
	REFUSED(buffers_max, 1023);
	REFUSED(buffers_max, (1u << 28) + 1);
	REFUSED(buffers_max, UINT32_MAX);
	REFUSED(owners, 251);
	REFUSED(owners, UINT32_MAX);
	REFUSED(lead, 2048);
	REFUSED(lead, UINT32_MAX);
	REFUSED(pages, (enum pp_pages)3);
	REFUSED(nodes, 1ull << 63);
	REFUSED(flags, 1u << 31);
}

static void test_refusal_leaves_nothing_behind(void **state)
{
	unsigned fds = fds_open();

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		REFUSED(lead, 4096);
		REFUSED(nodes, 1ull << 63);
		REFUSED(owners, 251);
	}
	assert_int_equal(fds_open(), fds);
}

static void test_longest_name_is_kept(void **state)
{
	struct pp_pool_params params = params_4k(64, 64);
	struct pp_pool *pool;

	(void)state;
	params.name = "a name of thirty-one characters";
	assert_int_equal(strlen(params.name), 31);
	pool = pool_of(&params);
	assert_string_equal(pp_pool_name(pool), params.name);
	pool_end(pool);
	params.name = NULL;
	pool = pool_of(&params);
	assert_string_equal(pp_pool_name(pool), "pool");
	pool_end(pool);
}

static void test_every_number_of_buffers_is_made_exactly(void **state)
{
	static const uint32_t counts[] = { 64,   65,   127,  128,   1000,  1023,  1024,
					   1025, 4096, 9999, 16384, 65535, 100001 };

	(void)state;
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct pp_pool *pool = pool_4k(256, counts[i], 0);
		struct pp_stats stats = stats_of(pool);

		assert_int_equal(stats.total, counts[i]);
		assert_int_equal(stats.fresh, counts[i]);
		all_can_be_had(pool, pp_pool_cache(pool));
		pool_end(pool);
	}
}

static void test_every_number_of_owners_can_be_had(void **state)
{
	static const uint32_t counts[] = { 1, 2, 3, 64, 249, 250 };

	(void)state;
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct pp_pool_params params = params_4k(128, i % 2 ? 64 : 20000);
		struct pp_cache *caches[251];
		struct pp_pool *pool;

		params.owners = counts[i];
		pool = pool_of(&params);
		for (uint32_t j = 0; j < counts[i]; j++) {
			caches[j] = pp_cache_create(pool, "one");
			assert_non_null(caches[j]);
		}
		errno = 0;
		assert_null(pp_cache_create(pool, "one too many"));
		assert_int_equal(errno, ENOSPC);
		assert_int_equal(stats_of(pool).owners, counts[i]);
		for (uint32_t j = 0; j < counts[i]; j++)
			all_can_be_had(pool, caches[j]);
		for (uint32_t j = 0; j < counts[i]; j++)
			pp_cache_destroy(caches[j]);
		assert_int_equal(stats_of(pool).owners, 0);
		pool_end(pool);
	}
}

static void test_sixteen_million_buffers_can_all_be_had(void **state)
{
	enum { MANY = 16 << 20 };
	struct pp_pool *pool = pool_4k(64, MANY, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	void **bufs = calloc(MANY + 64, sizeof(*bufs));
	struct marks marks = marks_make(pool);
	uint32_t n = 0, got;

	(void)state;
	assert_non_null(bufs);
	while ((got = pp_alloc_burst(cache, bufs + n, 64, 0)))
		n += got;
	assert_int_equal(n, MANY);
	marks_take(&marks, pool, bufs, n, 1);
	assert_int_equal(stats_of(pool).high_water, MANY);
	for (uint32_t i = 0; i < n; i += 32)
		pp_free_bulk(cache, bufs + i, 32);
	pool_end(pool);
	marks_free(&marks);
	free(bufs);
}

static void costs_under_two_percent(uint32_t buffers, uint32_t owners)
{
	struct pp_pool_params params = params_4k(2048, buffers);
	struct pp_stats stats;
	struct pp_pool *pool;

	params.owners = owners;
	pool = pool_of(&params);
	stats = stats_of(pool);
	if (!stats.own_bytes || stats.own_bytes * 50 >= stats.total * 2048)
		fail_msg("%u buffers, %u owners: %llu bytes of %llu", buffers, owners,
			 (unsigned long long)stats.own_bytes,
			 (unsigned long long)stats.total * 2048);
	pool_end(pool);
}

static void test_own_memory_is_under_two_percent(void **state)
{
	(void)state;
	for (uint32_t n = 16 << 10; n <= 64 << 10; n *= 2) {
		costs_under_two_percent(n, 0);
		costs_under_two_percent(n, 8);
		costs_under_two_percent(n, 64);
	}
	costs_under_two_percent(16385, 64);
	costs_under_two_percent(50000, 64);
}

static void round_trip(struct pp_pool_params *params)
{
	struct pp_pool *pool = pool_of(params);
	struct pp_cache *cache = pp_pool_cache(pool), *other = pp_cache_create(pool, "other");
	void *bufs[40];

	assert_int_equal(pp_alloc_bulk(cache, bufs, 40, 0), 40);
	pp_free_bulk(other, bufs, 40);
	assert_ok(pp_pool_destroy(pool));
}

static void test_a_thousand_pools_leave_nothing_behind(void **state)
{
	struct pp_pool_params params = params_4k(2048, 1024);
	unsigned fds, maps;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		round_trip(&params);
	fds = fds_open();
	maps = maps_held();
	for (unsigned i = 0; i < 1000; i++)
		round_trip(&params);
	assert_int_equal(fds_open(), fds);
	/* The C library's own memory may take a few. */
	assert_in_range(maps_held(), 0, maps + 20);
}

static void test_destroy_refuses_while_buffers_are_out_and_says_whose(void **state)
{
	struct pp_pool *pool = pool_4k(2048, 2048, PP_POOL_OWNERS);
	struct pp_cache *cache = pp_cache_create(pool, "librarian");
	void *bufs[37];

	(void)state;
	assert_int_equal(pp_alloc_bulk(cache, bufs, 37, 0), 37);
	assert_int_equal(pp_pool_destroy(pool), -EBUSY);
	assert_error_names("37");
	assert_error_names("librarian");
	/* Nothing was freed: it all still works. */
	memset(bufs[36], 1, 2048);
	books_hold(pool, 37);
	pp_free_bulk(cache, bufs, 36);
	assert_int_equal(pp_pool_destroy(pool), -EBUSY);
	pp_free(cache, bufs[36]);
	pool_end(pool);
	assert_int_equal(pp_pool_destroy(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_params_out_of_range_are_refused_by_name),
		cmocka_unit_test(test_refusal_leaves_nothing_behind),
		cmocka_unit_test(test_longest_name_is_kept),
		cmocka_unit_test(test_every_number_of_buffers_is_made_exactly),
		cmocka_unit_test(test_every_number_of_owners_can_be_had),
		cmocka_unit_test(test_sixteen_million_buffers_can_all_be_had),
		cmocka_unit_test(test_own_memory_is_under_two_percent),
		cmocka_unit_test(test_a_thousand_pools_leave_nothing_behind),
		cmocka_unit_test(test_destroy_refuses_while_buffers_are_out_and_says_whose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
