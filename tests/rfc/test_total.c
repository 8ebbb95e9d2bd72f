/* SPDX-License-Identifier: BSD-3-Clause */
/* Total: what trials are put together to is what they were, in however few rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "total.h"

static struct rows rows;

/* A second of a thousand packets more each time, of which as many are lost as it is the nth. */
static struct trial_result nth(uint64_t n)
{
	return (struct trial_result){
		.sent = 1000 * n,
		.received = 1000 * n - n,
		.lost = n,
		.duplicated = 1,
		.seconds = 1,
		.tx_pps = 1000 * (double)n,
		.rate_error = n % 2 ? 0.1 : -0.1,
		.latency = { .count = n,
			     .min = 5000 - n,
			     .p50 = n,
			     .p99 = 9000 - n,
			     .max = n * n,
			     .mean = (double)n },
	};
}

static void test_counts_add_up_and_rates_are_means(void **state)
{
	struct trial_result total = { 0 }, short_one = nth(9), none = { .sent = 1, .lost = 1 };
	(void)state;

	for (uint64_t n = 1; n <= 4; n++) {
		const struct trial_result r = nth(n);

		total_add(&total, &r);
	}
	assert_int_equal(total.sent, 10000);
	assert_int_equal(total.lost, 10);
	assert_int_equal(total.received, 9990);
	assert_int_equal(total.duplicated, 4);
	assert_true(total.seconds == 4 && total.tx_pps == 2500);
	assert_true(fabs(total.rate_error) < 1e-9);
	assert_int_equal(total.latency.count, 10);
	assert_int_equal(total.latency.min, 4996);
	assert_int_equal(total.latency.max, 16);
	/* The worst of any. */
	assert_int_equal(total.latency.p50, 4);
	assert_int_equal(total.latency.p99, 8999);
	assert_true(fabs(total.latency.mean - 3) < 1e-9);
	/* By their time: half a second weighs half; one packet, whose rate is not known, nothing. */
	short_one.seconds = 0.5;
	total_add(&total, &short_one);
	total_add(&total, &none);
	assert_true(fabs(total.tx_pps - (4 * 2500 + 0.5 * 9000) / 4.5) < 1e-6);
	assert_int_equal(total.lost, 20);
	assert_int_equal(total.latency.min, 4991);
}

static void test_rows_stay_few_and_lose_nothing(void **state)
{
	/* Around each time that they are halved. */
	static const uint64_t ends[] = { 1,    2,        1023,         1024,         1025,
					 1026, 2 * 1024, 2 * 1024 + 1, 4 * 1024 + 3, 100000 };
	(void)state;

	for (unsigned e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
		uint64_t lost = 0, results = 0, next = 1;

		rows = (struct rows){ 0 };
		for (uint64_t n = 1; n <= ends[e]; n++) {
			const struct trial_result r = nth(n);

			rows_add(&rows, &r, (double)n);
			assert_true(rows.n <= ROWS_MAX);
		}
		for (unsigned i = 0; i < rows.n; i++) {
			const struct row *row = &rows.at[i];

			/* All but the last are whole, and say which they are. */
			assert_true(row->results == rows.each || i == rows.n - 1);
			assert_true(row->at == (double)(next + row->results - 1));
			assert_true(row->sum.duplicated == row->results);
			next += row->results;
			results += row->results;
			lost += row->sum.lost;
		}
		assert_int_equal(results, ends[e]);
		assert_int_equal(lost, ends[e] * (ends[e] + 1) / 2);
		assert_true(ends[e] <= ROWS_MAX ? rows.n == ends[e] : rows.n >= ROWS_MAX / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_add_up_and_rates_are_means),
		cmocka_unit_test(test_rows_stay_few_and_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
