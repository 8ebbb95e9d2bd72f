/* SPDX-License-Identifier: BSD-3-Clause */
/* Soak: a day of periods leaves memory as it was, and what leaks is found out. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"
#include "soak.h"

static struct device device;
static struct soak_total total;
static FILE *lines;
static unsigned leaks;

/* Keeps no list of what it was asked, as that grows. */
static int trial_forget(void *arg, const struct trial_load *load, struct trial_result *result)
{
	struct device *d = arg;
	unsigned trials = d->trials;
	int error;

	d->trials = 0;
	error = device_trial(d, load, result);
	d->trials = trials + 1;
	result->interrupted = d->stop == d->trials;
	return error;
}

static int trial_leak(void *arg, const struct trial_load *load, struct trial_result *result)
{
	static void *kept[4096];

	assert_true(leaks < sizeof(kept) / sizeof(kept[0]));
	kept[leaks] = malloc(64 << 10);
	assert_non_null(kept[leaks]);
	memset(kept[leaks++], 1, 64 << 10);
	return trial_forget(arg, load, result);
}

static const struct soak_device soak_device = { .trial = trial_forget, .arg = &device };

static int lines_open(void **state)
{
	(void)state;
	lines = fopen("/dev/null", "w");
	device = (struct device){ .most = 1e6, .capacity = 1e6 };
	return lines ? 0 : -1;
}

static int lines_close(void **state)
{
	(void)state;
	return fclose(lines);
}

static void test_a_day_leaves_memory_as_it_was(void **state)
{
	struct soak_plan plan = {
		.load = { .pps = 1e9 }, .seconds = 100, .every = 10, .growth = 256
	};
	size_t before;
	(void)state;

	setvbuf(lines, NULL, _IOLBF, 4096);
	device.most = device.capacity = 1e9;
	/* What is allocated once is there after the first run. */
	assert_int_equal(soak_run(&plan, &soak_device, lines, &total), 0);
	plan.seconds = 100000;
	before = mallinfo2().uordblks;
	assert_int_equal(soak_run(&plan, &soak_device, lines, &total), 0);
	assert_int_equal(mallinfo2().uordblks, before);
	assert_int_equal(total.periods, 10000);
	assert_int_equal(total.all.sent, 100000000000000ULL);
	assert_int_equal(total.all.lost, 0);
	assert_false(total.grown);
	/* Rows for all of it, not one for each period. */
	assert_int_equal(total.rows.each, 16);
	assert_int_equal(total.rows.n, 625);
	assert_true(total.rows.at[624].at > 99999 && total.rows.at[624].at < 100001);
	assert_true(total.kib_first > 0 && total.kib_most <= total.kib_first + 256);
}

static void test_what_grows_is_stopped(void **state)
{
	const struct soak_plan plan = { .seconds = 1e5, .every = 10, .growth = 1024 };
	const struct soak_device leaking = { .trial = trial_leak, .arg = &device };
	(void)state;

	assert_int_equal(soak_run(&plan, &leaking, lines, &total), 0);
	assert_true(total.grown);
	assert_true(leaks > 8 && leaks < 200);
	assert_true(total.kib_last > total.kib_first + 1024);
}

static double loses_in_the_third(const struct device *d, double pps)
{
	(void)d;
	(void)pps;
	return device.seconds > 15 && device.seconds < 25 ? 0.5 : 0;
}

static void test_the_worst_period_is_named(void **state)
{
	const struct soak_plan plan = {
		.load = { .pps = 1000 }, .seconds = 45, .every = 10, .growth = 1024
	};
	(void)state;

	device.loses = loses_in_the_third;
	assert_int_equal(soak_run(&plan, &soak_device, lines, &total), 0);
	/* Four whole periods and half a one. */
	assert_int_equal(total.periods, 5);
	assert_true(total.all.seconds > 44.9 && total.all.seconds < 45.1);
	assert_int_equal(total.all.lost, 5000);
	assert_int_equal(total.worst_lost, 5000);
	assert_true(total.worst_at > 29.9 && total.worst_at < 30.1);
	assert_int_equal(total.all.sent, total.all.received + total.all.lost);
	assert_int_equal(total.rows.n, 5);
	assert_int_equal(total.rows.at[2].sum.lost, 5000);
	assert_int_equal(total.rows.at[4].sum.sent, 5000);
	assert_true(total.rows.at[4].at == total.all.seconds);
}

static void test_an_interrupted_soak_has_its_totals(void **state)
{
	const struct soak_plan plan = {
		.load = { .pps = 1000 }, .seconds = 100, .every = 10, .growth = 1024
	};
	(void)state;

	device.stop = 3;
	assert_int_equal(soak_run(&plan, &soak_device, lines, &total), -EINTR);
	assert_int_equal(total.periods, 3);
	device = (struct device){ .error = -ENETDOWN };
	assert_int_equal(soak_run(&plan, &soak_device, lines, &total), -ENETDOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_day_leaves_memory_as_it_was, lines_open,
						lines_close),
		cmocka_unit_test_setup_teardown(test_what_grows_is_stopped, lines_open,
						lines_close),
		cmocka_unit_test_setup_teardown(test_the_worst_period_is_named, lines_open,
						lines_close),
		cmocka_unit_test_setup_teardown(test_an_interrupted_soak_has_its_totals, lines_open,
						lines_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
