/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: loss, repetition and disorder as they were planted, and by RFC 4737's definition. */
#include "pktgen_test.h"

#include "field.h"
#include "sequence.h"

static struct sequence q;

static void begin(uint32_t flows)
{
	assert_int_equal(sequence_begin(&q, flows), 0);
}

static void take_all(const uint32_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sequence_take(&q, 0, numbers[i]);
}
#define TAKE(...)                                   \
	take_all((const uint32_t[]){ __VA_ARGS__ }, \
		 sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void counted(uint64_t received, uint64_t duplicated, uint64_t reordered, uint64_t extent)
{
	assert_int_equal(q.received, received);
	assert_int_equal(q.duplicated, duplicated);
	assert_int_equal(q.reordered, reordered);
	assert_int_equal(q.extent, extent);
	sequence_clear(&q);
}

static void test_order_and_gaps(void **state)
{
	(void)state;
	begin(1);
	TAKE(0, 1, 2, 3);
	counted(4, 0, 0, 0);
	TAKE(0, 3, 4, 9);
	counted(4, 0, 0, 0);
	/* The first may be missing. */
	TAKE(5, 6);
	counted(2, 0, 0, 0);
	sequence_end(&q);
}

/* RFC 4737: of 1 2 3 5 6 7 4 8 one is reordered; of a swap, one. */
static void test_only_the_late_one_is_reordered(void **state)
{
	(void)state;
	begin(1);
	TAKE(0, 1, 2, 4, 5, 6, 3, 7);
	counted(8, 0, 1, 4);
	TAKE(1, 0, 3, 2, 5, 4);
	counted(6, 0, 3, 2);
	TAKE(3, 2, 1, 0);
	counted(4, 0, 3, 4);
	sequence_end(&q);
}

static void test_a_copy_is_no_disorder(void **state)
{
	(void)state;
	begin(1);
	TAKE(0, 0, 1, 2, 1, 1, 3);
	counted(4, 3, 0, 0);
	/* Late, and then a copy of the late one. */
	TAKE(0, 2, 1, 1, 2, 3);
	counted(4, 2, 1, 2);
	sequence_end(&q);
}

static void test_numbers_may_wrap(void **state)
{
	(void)state;
	begin(1);
	q.at[0].next = UINT32_MAX - 2;
	TAKE(UINT32_MAX - 2, UINT32_MAX, UINT32_MAX - 1, 0, 2, 1, 1, UINT32_MAX);
	counted(6, 2, 2, 2);
	sequence_end(&q);
}

static void test_the_window_forgets_what_is_far_behind(void **state)
{
	(void)state;
	begin(1);
	TAKE(0, 1, 2);
	sequence_take(&q, 0, q.window + 2);
	/* 2 is just remembered, 1 no more: so it seems new. */
	sequence_take(&q, 0, 2 + 1);
	assert_int_equal(q.duplicated, 0);
	sequence_take(&q, 0, 3);
	assert_int_equal(q.duplicated, 1);
	sequence_take(&q, 0, 1);
	assert_int_equal(q.duplicated, 1);
	assert_int_equal(q.reordered, 2);
	/* A jump over all of it leaves nothing seen that was not. */
	sequence_clear(&q);
	for (uint32_t i = 0; i < q.window; i++)
		sequence_take(&q, 0, i);
	sequence_take(&q, 0, 5 * q.window);
	for (uint32_t i = 1; i < q.window; i++)
		sequence_take(&q, 0, 5 * q.window - i);
	assert_int_equal(q.duplicated, 0);
	assert_int_equal(q.received, 2 * q.window);
	sequence_end(&q);
}

static void test_flows_are_apart(void **state)
{
	(void)state;
	begin(65536);
	assert_true(q.window >= 64);
	for (uint32_t flow = 0; flow < 65536; flow++)
		sequence_take(&q, flow, flow % 3);
	assert_int_equal(q.received, 65536);
	assert_int_equal(q.reordered, 0);
	sequence_take(&q, 65535, 65535 % 3);
	assert_int_equal(q.duplicated, 1);
	assert_int_equal(q.at[65535].duplicated, 1);
	assert_int_equal(q.at[65534].duplicated, 0);
	sequence_end(&q);
}

/* Beside a model that remembers everything. */
static void test_a_random_walk_counts_as_a_plain_model_does(void **state)
{
	enum { N = 30000 };
	static bool seen[N + 64];
	uint64_t received = 0, duplicated = 0, reordered = 0, extent = 0, next = 0;

	(void)state;
	begin(1);
	for (uint64_t i = 0; i < N; i++) {
		uint64_t r = number_mix(i), number = i;

		if (r % 10 == 0)
			continue;
		if (r % 10 == 1)
			number += r / 16 % 64;
		if (r % 10 == 2)
			number -= r / 16 % 200 < i ? r / 16 % 200 : i;
		sequence_take(&q, 0, (uint32_t)number);
		if (seen[number]) {
			duplicated++;
			continue;
		}
		seen[number] = true;
		received++;
		if (number < next) {
			reordered++;
			extent = next - number > extent ? next - number : extent;
		} else {
			next = number + 1;
		}
	}
	assert_true(duplicated > 1000 && reordered > 1000);
	counted(received, duplicated, reordered, extent);
	sequence_end(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_gaps),
		cmocka_unit_test(test_only_the_late_one_is_reordered),
		cmocka_unit_test(test_a_copy_is_no_disorder),
		cmocka_unit_test(test_numbers_may_wrap),
		cmocka_unit_test(test_the_window_forgets_what_is_far_behind),
		cmocka_unit_test(test_flows_are_apart),
		cmocka_unit_test(test_a_random_walk_counts_as_a_plain_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
