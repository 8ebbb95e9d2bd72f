/* SPDX-License-Identifier: BSD-3-Clause */
/* Rfc2544: every test of it on a device that is known, with the loads that the RFC has. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "device.h"

static struct device device;
static struct rfc_plan plan;
static struct rfc_row rows[RFC_FRAMES_MAX];
static const struct rfc_device rfc_device = {
	.trial = device_trial,
	.arg = &device,
	.rest = device_rest,
	.progress = device_progress,
	.progress_arg = &device,
};

static void device_build(double most, double capacity, double buffer)
{
	device = (struct device){ .most = most, .capacity = capacity, .buffer = buffer };
}

static bool near(double value, double truth, double share)
{
	return fabs(value - truth) <= share * truth;
}

/* How many trials of the device were so long. */
static unsigned trials_of(double seconds, uint16_t frame)
{
	unsigned n = 0;

	for (unsigned i = 0; i < device.trials; i++)
		n += device.loads[i].seconds == seconds && device.loads[i].frame == frame &&
		     !device.loads[i].packets;
	return n;
}

static void test_a_device_is_measured_as_it_was_built(void **state)
{
	(void)state;
	rfc_plan_full(&plan);
	plan.resolution = 1e-6;
	plan.burst_repetitions = 2;
	device_build(1e6, 400000, 3000);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	for (unsigned i = 0; i < plan.frame_count; i++) {
		const struct rfc_row *row = &rows[i];
		double throughput = 400000 + 3000 / plan.seconds;

		assert_true(row->most == 1e6);
		assert_true(near(row->mrr, 400000 + 3000 / plan.seconds, 1e-6));
		assert_true(near(row->mrr_lost, 0.6 - 3000 / 60e6, 1e-6));
		assert_true(near(row->ndr.search.load, throughput, 1e-5));
		assert_true(near(row->pdr.search.load, throughput / 0.995, 1e-5));
		assert_true(near(row->burst.frames, 3000 / 0.6, 1e-3));
		assert_true(near(row->burst.implied, 5000 / 1e6, 1e-3));
		/* What is corrected is the buffer's own depth. */
		assert_true(near(row->burst.corrected * 1e6, 3000, 1e-3));
		assert_int_equal(row->burst.repetitions, 2);
		assert_int_equal(row->burst.unbounded, 0);
	}
}

static void test_frame_loss_goes_down_until_two_loads_lose_nothing(void **state)
{
	const struct rfc_row *row = rows;
	(void)state;

	rfc_plan_demo(&plan);
	plan.frame_count = 1;
	device_build(1e6, 650000, 0);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	/* 100, 90, 80, 70 lose; 60 and 50 do not. */
	assert_int_equal(row->loss_count, 6);
	assert_true(row->loss_ended);
	for (unsigned i = 0; i < 6; i++) {
		double load = 1 - 0.1 * i, share = (double)row->loss[i].lost / row->loss[i].sent;

		assert_true(near(row->loss[i].pps, load * 1e6, 1e-6));
		assert_true(fabs(share - fmax(1 - 0.65 / load, 0)) < 1e-5);
	}

	/* One that loses at every load is asked at every one. */
	device_build(1e6, 50000, 0);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	assert_int_equal(row->loss_count, 10);
	assert_false(row->loss_ended);
	assert_true(near(row->loss[9].load, 0.1, 1e-6));
}

static void test_latency_is_taken_at_shares_of_the_throughput(void **state)
{
	static const double shares[] = { 0.1, 0.5, 0.9 };
	const struct rfc_row *row = rows;
	unsigned first;
	(void)state;

	rfc_plan_full(&plan);
	plan.frame_count = 1;
	plan.tests[RFC_LOSS] = plan.tests[RFC_BACK_TO_BACK] = false;
	device_build(1e6, 600000, 0);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	assert_int_equal(row->latency_count, 3);
	/* Twenty times two minutes at each, says the RFC. */
	assert_int_equal(trials_of(120, 64), 60);
	first = device.trials - 60;
	for (unsigned i = 0; i < 3; i++) {
		const struct rfc_latency *latency = &row->latency[i];

		assert_true(near(latency->pps, shares[i] * row->ndr.search.load, 1e-6));
		assert_int_equal(latency->measured, 20);
		assert_int_equal(latency->lost, 0);
		/* The least and most of all, and means between: the device counts its trials. */
		assert_true(latency->min == 1000 + first + 20 * i + 1);
		assert_true(latency->max == 7000 + first + 20 * i + 20);
		assert_true(latency->p99 == 5050);
		assert_true(near(latency->p50, 2000 + 1000 * latency->pps / 600000, 0.001));
	}
	assert_false(row->done[RFC_LOSS] || row->done[RFC_BACK_TO_BACK]);
}

static void test_the_full_plan_is_the_rfcs(void **state)
{
	static const uint16_t frames[] = { 64, 128, 256, 512, 1024, 1280, 1518 };
	unsigned bursts = 0;
	(void)state;

	rfc_plan_full(&plan);
	assert_int_equal(plan.frame_count, 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(plan.frames[i], frames[i]);
	device_build(1e6, 400000, 1000);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	for (unsigned i = 0; i < 7; i++) {
		assert_true(trials_of(60, frames[i]) > 10);
		assert_int_equal(rows[i].burst.repetitions, 50);
	}
	for (unsigned i = 0; i < device.trials; i++)
		bursts += device.loads[i].packets != 0;
	assert_true(bursts > 7 * 50 * 2);
	assert_true(plan.full);
	rfc_plan_demo(&plan);
	assert_false(plan.full);
}

static void test_the_device_rests_between_trials_as_the_rfc_has_it(void **state)
{
	(void)state;
	rfc_plan_full(&plan);
	/* Section 23: so long for late frames, so long for the device to become stable again. */
	assert_true(plan.settle == 2 && plan.rest == 5);
	plan.frame_count = 2;
	plan.burst_repetitions = 3;
	device_build(1e6, 400000, 1000);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	assert_true(device.trials > 100);
	assert_int_equal(device.rests, device.trials - 1);
	assert_int_equal(device.rested_short, 0);
	/* Who is interrupted then sends no more. */
	device_build(1e6, 400000, 1000);
	device.stop_resting = 3;
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), -EINTR);
	assert_int_equal(device.trials, 3);
	rfc_plan_demo(&plan);
	device_build(1e6, 400000, 1000);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	assert_int_equal(device.rests, 0);
}

static int trial_of_twins(void *arg, const struct trial_load *load, struct trial_result *result)
{
	int error = device_trial(arg, load, result);

	result->received = 2 * result->sent;
	return error;
}

static void test_what_comes_twice_is_no_loss(void **state)
{
	const struct rfc_device twins = { .trial = trial_of_twins, .arg = &device };
	(void)state;

	rfc_plan_demo(&plan);
	plan.frame_count = 1;
	device_build(1e6, 1e6, 0);
	assert_int_equal(rfc_run(&plan, &twins, rows), 0);
	assert_true(rows[0].mrr_lost == 0);
}

static void test_a_line_rate_counts_gap_and_preamble(void **state)
{
	const struct rfc_row *row = rows;
	(void)state;

	rfc_plan_demo(&plan);
	plan.frame_count = 1;
	plan.line_rate = 1e9;
	device_build(1e8, 1e8, 0);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	/* As Ethernet has had it since there are gigabits. */
	assert_true(near(row->most, 1488095, 1e-6));
	assert_true(row->ndr.search.at_most && near(row->ndr.search.load, 1488095, 1e-6));
	/* A burst that never loses is as long as it may be. */
	assert_int_equal(row->burst.unbounded, plan.burst_repetitions);
	assert_true(near(row->burst.frames, 1488095 * plan.burst_seconds, 1e-3));
}

static void test_a_silent_device_is_an_error(void **state)
{
	(void)state;
	rfc_plan_demo(&plan);
	device_build(1e6, 0, 0);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), -ENODATA);
	assert_true(device.trials > plan.repetitions);
	assert_false(rows[0].done[RFC_THROUGHPUT]);
	device_build(1e6, 400000, 0);
	device.error = -ENETDOWN;
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), -ENETDOWN);
	assert_int_equal(device.trials, 1);
}

static double loses_always(const struct device *d, double pps)
{
	(void)d;
	(void)pps;
	return 0.002;
}

static void test_no_throughput_means_no_latency(void **state)
{
	(void)state;
	rfc_plan_demo(&plan);
	plan.frame_count = 1;
	device_build(1e6, 400000, 0);
	device.loses = loses_always;
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	assert_true(rows[0].ndr.search.load == 0 && rows[0].latency_count == 0);
	assert_true(near(rows[0].pdr.search.load, 400000 / 0.997, 0.03));
	/* A burst of fewer than 500 loses less than half a packet, which is none or one. */
	assert_true(rows[0].burst.frames < 1000);
}

static void test_an_interrupted_run_keeps_what_is_done(void **state)
{
	unsigned all;
	(void)state;

	rfc_plan_demo(&plan);
	plan.frame_count = 2;
	device_build(1e6, 400000, 100);
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	all = device.trials;
	device_build(1e6, 400000, 100);
	device.stop = all;
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), -EINTR);
	assert_true(rows[0].done[RFC_BACK_TO_BACK] && rows[1].done[RFC_LOSS]);
	assert_false(rows[1].done[RFC_BACK_TO_BACK]);
}

static void test_time_left_is_near_the_truth(void **state)
{
	(void)state;
	rfc_plan_full(&plan);
	device_build(1e6, 400000, 1000);
	device.settle = plan.settle;
	assert_int_equal(rfc_run(&plan, &rfc_device, rows), 0);
	assert_true(device.total == rfc_plan_seconds(&plan));
	assert_true(near(device.seconds, device.total, 0.3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_device_is_measured_as_it_was_built),
		cmocka_unit_test(test_frame_loss_goes_down_until_two_loads_lose_nothing),
		cmocka_unit_test(test_latency_is_taken_at_shares_of_the_throughput),
		cmocka_unit_test(test_the_full_plan_is_the_rfcs),
		cmocka_unit_test(test_the_device_rests_between_trials_as_the_rfc_has_it),
		cmocka_unit_test(test_what_comes_twice_is_no_loss),
		cmocka_unit_test(test_a_line_rate_counts_gap_and_preamble),
		cmocka_unit_test(test_a_silent_device_is_an_error),
		cmocka_unit_test(test_no_throughput_means_no_latency),
		cmocka_unit_test(test_an_interrupted_run_keeps_what_is_done),
		cmocka_unit_test(test_time_left_is_near_the_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
