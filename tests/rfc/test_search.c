/* SPDX-License-Identifier: BSD-3-Clause */
/* Search: it finds what a device was built with, and says what is odd about it. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "device.h"

static struct device device;
static struct search search;
static struct search_answer answer;

/* A device, and a search of it to one packet a second. */
static void device_build(double most, double capacity, double buffer)
{
	device = (struct device){ .most = most, .capacity = capacity, .buffer = buffer };
	search = (struct search){
		.measure = device_measure,
		.arg = &device,
		.most = most,
		.resolution = 1,
		.repetitions = 1,
		.probes = 1,
		.confirm = 1,
	};
}

/* Within the resolution, and never above. */
static void answer_is(double truth)
{
	assert_true(answer.load <= truth + 1e-6);
	assert_true(answer.load > truth - 1 - search.resolution);
}

static void test_zero_loss_finds_capacity_and_buffer_to_the_packet(void **state)
{
	(void)state;
	srand(7);
	for (unsigned i = 0; i < 300; i++) {
		double capacity = 1000 + rand() % 9000000;
		double buffer = rand() % 3 ? 0 : rand() % 400;

		device_build(10e6, capacity, buffer);
		assert_int_equal(search_run(&search, 0, &answer), 0);
		/* A trial of a second hides what the buffer takes meanwhile. */
		answer_is(capacity + buffer);
		assert_true(answer.upper > answer.load && answer.upper <= answer.load + 1);
		assert_int_equal(answer.noisy, 0);
		assert_int_equal(answer.retreats, 0);
		assert_true(answer.failed == 0 && !answer.at_most);
		assert_int_equal(answer.confirmed, 1);
		assert_int_equal(answer.confirm_lost, 0);
		assert_true(answer.confirm_sent > 0);
	}
}

static void test_partial_loss_is_found_from_what_zero_loss_saw(void **state)
{
	struct search_answer fresh;
	(void)state;

	device_build(2e6, 734512, 0);
	assert_int_equal(search_run(&search, 0, &answer), 0);
	answer_is(734512);
	assert_int_equal(search_run(&search, 0.005, &answer), 0);
	answer_is(734512 / 0.995);

	device_build(2e6, 734512, 0);
	assert_int_equal(search_run(&search, 0.005, &fresh), 0);
	assert_true(fabs(fresh.load - answer.load) <= 1);
	assert_true(answer.trials < fresh.trials);
}

static void test_a_device_faster_than_the_sender_is_said_to_be(void **state)
{
	(void)state;
	device_build(1e6, 5e6, 0);
	assert_int_equal(search_run(&search, 0, &answer), 0);
	assert_true(answer.at_most && answer.load == 1e6 && answer.upper == 0);
	/* The top, one look below, one confirmation. */
	assert_int_equal(answer.trials, 3);
}

static void test_what_cannot_be_offered_is_not_the_answer(void **state)
{
	(void)state;
	device_build(600000, 5e6, 0);
	search.most = 1e6;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	assert_true(answer.at_most && answer.load == 600000 && answer.starved == 1);

	/* And it does not hide a capacity below. */
	device_build(600000, 400000, 0);
	search.most = 1e6;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	answer_is(400000);
	assert_false(answer.at_most);
}

static double loses_always(const struct device *d, double pps)
{
	(void)d;
	(void)pps;
	return 0.001;
}

static void test_a_device_that_always_loses_has_no_throughput(void **state)
{
	(void)state;
	device_build(1e6, 500000, 0);
	device.loses = loses_always;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	assert_true(answer.load < 1 && !answer.at_most);
	assert_int_equal(answer.confirmed, 0);
	/* But it has a rate at which it loses no more than half a percent. */
	assert_int_equal(search_run(&search, 0.005, &answer), 0);
	answer_is(500000 / (0.995 + 0.001));
}

static double loses_in_every_fifth(const struct device *d, double pps)
{
	(void)pps;
	return d->trials % 5 == 0 ? 1e-5 : 0;
}

static void test_noise_is_outvoted_and_reported(void **state)
{
	(void)state;
	device_build(1e6, 345678, 0);
	device.loses = loses_in_every_fifth;
	search.repetitions = 3;
	search.confirm = 0;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	answer_is(345678);
	assert_true(answer.noisy > 0 && answer.noisy < answer.judged);

	/* One trial at a load cannot tell: the answer is low, as the RFC's would be. */
	device_build(1e6, 345678, 0);
	device.loses = loses_in_every_fifth;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	assert_true(answer.load < 345000);
}

/* Whole up to a fifth of a million and from 550,000 to 900,000; nowhere else. */
static double loses_in_a_band(const struct device *d, double pps)
{
	(void)d;
	return pps > 200000 && pps < 550000 ? 0.01 : 0;
}

static void test_a_second_range_without_loss_is_found_and_the_gap_named(void **state)
{
	(void)state;
	device_build(1e6, 900000, 0);
	device.loses = loses_in_a_band;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	answer_is(900000);
	assert_true(answer.failed > 200000 && answer.failed <= 200001);
}

static double loses_near_half(const struct device *d, double pps)
{
	(void)d;
	return pps > 440000 && pps < 460000 ? 0.01 : 0;
}

static void test_a_gap_below_the_answer_is_named(void **state)
{
	(void)state;
	device_build(1e6, 900000, 0);
	device.loses = loses_near_half;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	answer_is(900000);
	assert_true(answer.failed > 440000 && answer.failed < 460000);
}

static double loses_when_warm(const struct device *d, double pps)
{
	return d->trials > 20 && pps > 700000 ? 0.001 : 0;
}

static void test_an_answer_that_does_not_hold_is_taken_back(void **state)
{
	(void)state;
	device_build(1e6, 800000, 0);
	device.loses = loses_when_warm;
	search.resolution = 10;
	search.confirm = 2;
	assert_int_equal(search_run(&search, 0, &answer), 0);
	assert_true(answer.retreats > 0);
	assert_true(answer.load <= 700000 && answer.load > 500000);
	assert_true(answer.upper > 700000);
	assert_int_equal(answer.confirmed, 2);
	assert_int_equal(answer.confirm_lost, 0);
}

static void test_expectation_is_near_what_it_takes(void **state)
{
	unsigned expected;
	(void)state;

	device_build(1e6, 432100, 0);
	search.resolution = 1000;
	search.repetitions = 3;
	expected = search_expect(&search);
	assert_int_equal(search_run(&search, 0, &answer), 0);
	assert_true(answer.trials <= expected && answer.trials * 2 > expected);
	assert_int_equal(answer.trials, device.trials);
}

static void test_errors_come_through(void **state)
{
	(void)state;
	device_build(1e6, 500000, 0);
	device.error = -ENETDOWN;
	assert_int_equal(search_run(&search, 0, &answer), -ENETDOWN);
	assert_int_equal(device.trials, 1);
	device_build(1e6, 500000, 0);
	search.confirm = SEARCH_POINTS;
	assert_int_equal(search_run(&search, 0, &answer), -ENOSPC);
	assert_int_equal(device.trials, SEARCH_POINTS);

	device_build(0, 1, 0);
	assert_int_equal(search_run(&search, 0, &answer), -EINVAL);
	device_build(1e6, 1, 0);
	search.repetitions = 2;
	assert_int_equal(search_run(&search, 0, &answer), -EINVAL);
	device_build(1e6, 1, 0);
	search.resolution = 0;
	assert_int_equal(search_run(&search, 0, &answer), -EINVAL);
	device_build(1e6, 1, 0);
	assert_int_equal(search_run(&search, 1, &answer), -EINVAL);
	assert_int_equal(device.trials, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_loss_finds_capacity_and_buffer_to_the_packet),
		cmocka_unit_test(test_partial_loss_is_found_from_what_zero_loss_saw),
		cmocka_unit_test(test_a_device_faster_than_the_sender_is_said_to_be),
		cmocka_unit_test(test_what_cannot_be_offered_is_not_the_answer),
		cmocka_unit_test(test_a_device_that_always_loses_has_no_throughput),
		cmocka_unit_test(test_noise_is_outvoted_and_reported),
		cmocka_unit_test(test_a_second_range_without_loss_is_found_and_the_gap_named),
		cmocka_unit_test(test_a_gap_below_the_answer_is_named),
		cmocka_unit_test(test_an_answer_that_does_not_hold_is_taken_back),
		cmocka_unit_test(test_expectation_is_near_what_it_takes),
		cmocka_unit_test(test_errors_come_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
