/* SPDX-License-Identifier: BSD-3-Clause */
/* Output: what programs and spreadsheets are told is what was measured. With an argument, only
 * writes what a known device came to there, for a test of who reads it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "device.h"
#include "rfc_output.h"

static struct device device;
static struct rfc_plan plan;
static struct rfc_row rows[RFC_FRAMES_MAX];

/* The larger the frame, the slower; loses early and more and more, bursts apart. */
static double loses_early(const struct device *d, double pps)
{
	if (d->loads[d->trials - 1].packets)
		return 0;
	return pps > 0.8 * d->capacity ? 0.004 * (pps / d->capacity - 0.8) : 0;
}

/* A known device as of one frame size: it is not told of sizes, so one run each. */
static void rows_measure(void)
{
	struct rfc_plan one;

	rfc_plan_demo(&plan);
	one = plan;
	one.frame_count = 1;
	memset(rows, 0, sizeof(rows));
	for (unsigned i = 0; i < plan.frame_count; i++) {
		struct rfc_device rfc_device = { .trial = device_trial, .arg = &device };

		device = (struct device){
			.most = 1e6 - 150 * plan.frames[i],
			.capacity = 700000 - 250 * plan.frames[i],
			.buffer = 2000,
			.loses = loses_early,
		};
		one.frames[0] = plan.frames[i];
		assert_int_equal(rfc_run(&one, &rfc_device, &rows[i]), 0);
	}
}

static json_t *member(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	assert_non_null(value);
	return value;
}

static double figure(json_t *object, const char *name)
{
	return json_number_value(member(object, name));
}

static void test_json_has_a_row_for_each_frame_size(void **state)
{
	json_t *out = json_object(), *array;
	(void)state;

	rows_measure();
	rfc_json(out, &plan, rows);
	array = member(out, "rows");
	assert_true(json_is_true(member(out, "shortened")));
	assert_int_equal(json_array_size(array), 7);
	for (unsigned i = 0; i < 7; i++) {
		const struct rfc_row *row = &rows[i];
		json_t *object = json_array_get(array, i), *one;

		assert_true(figure(object, "frame") == row->frame);
		one = member(object, "throughput");
		assert_true(json_equal(one, member(object, "ndr")));
		assert_true(figure(one, "pps") == row->ndr.search.load);
		assert_true(fabs(figure(one, "percent") * row->most - 100 * figure(one, "pps")) <
			    1);
		assert_true(figure(member(one, "confirm"), "lost") == 0);
		assert_true(figure(member(one, "confirm"), "trials") == 3);
		assert_true(figure(member(object, "pdr"), "pps") > figure(one, "pps"));
		assert_true(figure(member(object, "mrr"), "loss") > 0);
		assert_int_equal(json_array_size(member(object, "latency")), 3);
		one = json_array_get(member(object, "latency"), 1);
		assert_true(figure(one, "load_percent") == 50);
		assert_true(figure(one, "p50_ns") == row->latency[1].p50);
		assert_true(figure(one, "p99.9_ns") == row->latency[1].p999);
		assert_int_equal(json_array_size(member(object, "loss")), row->loss_count);
		one = json_array_get(member(object, "loss"), 0);
		assert_true(figure(one, "loss") * figure(one, "sent") - figure(one, "lost") < 1e-3);
		one = member(object, "back_to_back");
		assert_true(figure(one, "frames") == row->burst.frames);
		assert_true(fabs(figure(one, "corrected_us") - 1e6 * row->burst.corrected) < 1e-6);
	}
	json_decref(out);
}

static void test_json_leaves_out_what_was_not_done(void **state)
{
	json_t *out = json_object(), *object;
	(void)state;

	rows_measure();
	rows[1].done[RFC_LATENCY] = rows[1].done[RFC_BACK_TO_BACK] = false;
	rows[2] = (struct rfc_row){ .frame = 256 };
	rows[3] = (struct rfc_row){ 0 };
	rfc_json(out, &plan, rows);
	assert_int_equal(json_array_size(member(out, "rows")), 3);
	object = json_array_get(member(out, "rows"), 1);
	assert_null(json_object_get(object, "latency"));
	assert_null(json_object_get(object, "back_to_back"));
	assert_non_null(json_object_get(object, "loss"));
	object = json_array_get(member(out, "rows"), 2);
	assert_int_equal(json_object_size(object), 1);
	json_decref(out);
}

/* What a text is made of: lines, and how many have a word. */
static unsigned lines_with(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
		n++;
	return n;
}

static void test_csv_has_six_columns_and_every_figure(void **state)
{
	unsigned losses = 0;
	char *text = NULL, *rest, *line;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	(void)state;

	rows_measure();
	rfc_csv(out, &plan, rows);
	fclose(out);
	assert_int_equal(lines_with(text, ",ndr,"), 7);
	assert_int_equal(lines_with(text, ",p99.9,"), 21);
	assert_int_equal(lines_with(text, ",corrected,"), 7);
	for (unsigned i = 0; i < 7; i++)
		losses += rows[i].loss_count;
	assert_int_equal(lines_with(text, ",lost,"), losses);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_int_equal(lines_with(line, ","), 5);
	free(text);
}

static void test_the_table_says_what_was_shortened_and_what_is_odd(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	(void)state;

	rows_measure();
	rows[0].ndr.search.failed = 12300;
	rows[1].ndr.search.noisy = 4;
	rows[2].pdr.search.retreats = 2;
	rfc_table(out, &plan, rows);
	fclose(out);
	assert_non_null(strstr(text, "Shortened for a demonstration"));
	assert_non_null(strstr(text, "instead of 60"));
	assert_non_null(strstr(text, "64 B, NDR: not monotonic"));
	assert_non_null(strstr(text, "12.3 kpps"));
	assert_non_null(strstr(text, "128 B, NDR: noisy"));
	assert_non_null(strstr(text, "256 B, PDR: did not hold"));
	free(text);

	rfc_plan_full(&plan);
	out = open_memstream(&text, &bytes);
	rfc_table(out, &plan, rows);
	fclose(out);
	assert_null(strstr(text, "Shortened"));
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_has_a_row_for_each_frame_size),
		cmocka_unit_test(test_json_leaves_out_what_was_not_done),
		cmocka_unit_test(test_csv_has_six_columns_and_every_figure),
		cmocka_unit_test(test_the_table_says_what_was_shortened_and_what_is_odd),
	};

	if (argc == 2) {
		json_t *out = json_object();

		rows_measure();
		rfc_json(out, &plan, rows);
		return json_dump_file(out, argv[1], JSON_INDENT(1)) ? 1 : 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
