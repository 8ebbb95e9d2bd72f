/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: the histogram beside all values sorted. */
#include "pktgen_test.h"

#include "field.h"
#include "histogram.h"

#define VALUES 20000

static struct histogram h;

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* By the same definition: the least value that a share q does not exceed. */
static uint64_t exact(const uint64_t *sorted, size_t n, double q)
{
	size_t rank = (size_t)(q * (double)n);

	if ((double)rank < q * (double)n)
		rank++;
	return sorted[rank == 0 ? 0 : rank - 1];
}

static void compare_with_sorted(uint64_t (*make)(uint64_t i))
{
	static const double shares[] = { 0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
	static uint64_t values[VALUES];
	uint64_t sum = 0;

	memset(&h, 0, sizeof(h));
	for (uint64_t i = 0; i < VALUES; i++) {
		values[i] = make(i);
		sum += values[i];
		histogram_add(&h, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare);
	assert_int_equal(h.count, VALUES);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.min, values[0]);
	assert_int_equal(h.max, values[VALUES - 1]);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		uint64_t want = exact(values, VALUES, shares[i]);
		uint64_t got = histogram_quantile(&h, shares[i]);

		assert_true(got >= want);
		assert_true(got - want <= want >> HISTOGRAM_BITS);
	}
	assert_int_equal(histogram_quantile(&h, 1), h.max);
	assert_int_equal(histogram_quantile(&h, 0), h.min);
}

static uint64_t small(uint64_t i)
{
	return number_mix(i) % 128;
}
static uint64_t even(uint64_t i)
{
	return number_mix(i) % 1000000;
}
static uint64_t long_tail(uint64_t i)
{
	return number_mix(i) >> (24 + number_mix(i + VALUES) % 40);
}

static void test_quantiles_are_within_a_cell_of_the_exact_ones(void **state)
{
	(void)state;
	compare_with_sorted(small);
	compare_with_sorted(even);
	compare_with_sorted(long_tail);
}

static void test_cells_follow_each_other_without_gap(void **state)
{
	(void)state;
	for (unsigned cell = 0; cell < HISTOGRAM_CELLS; cell++) {
		uint64_t top = histogram_top(cell);

		assert_int_equal(histogram_cell(top), cell);
		if (cell + 1 < HISTOGRAM_CELLS)
			assert_int_equal(histogram_cell(top + 1), cell + 1);
	}
	assert_int_equal(histogram_top(HISTOGRAM_CELLS - 1), (1ULL << HISTOGRAM_VALUE_BITS) - 1);
}

static void test_what_is_too_large_counts_as_the_largest(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	histogram_add(&h, UINT64_MAX);
	histogram_add(&h, 7);
	assert_int_equal(h.max, (1ULL << HISTOGRAM_VALUE_BITS) - 1);
	assert_int_equal(histogram_quantile(&h, 0.5), 7);
}

static void test_merging_is_as_adding_all_to_one(void **state)
{
	static struct histogram one, parts[2];

	(void)state;
	memset(&one, 0, sizeof(one));
	memset(parts, 0, sizeof(parts));
	for (uint64_t i = 0; i < VALUES; i++) {
		histogram_add(&one, even(i));
		histogram_add(&parts[i % 3 == 0], even(i));
	}
	memset(&h, 0, sizeof(h));
	histogram_merge(&h, &parts[0]);
	histogram_merge(&h, &parts[1]);
	memset(parts, 0, sizeof(parts));
	histogram_merge(&h, &parts[0]);
	assert_memory_equal(&h, &one, sizeof(h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles_are_within_a_cell_of_the_exact_ones),
		cmocka_unit_test(test_cells_follow_each_other_without_gap),
		cmocka_unit_test(test_what_is_too_large_counts_as_the_largest),
		cmocka_unit_test(test_merging_is_as_adding_all_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
