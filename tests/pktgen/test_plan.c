/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: test files: what is read, and where what is wrong with one. */
#include "pktgen_test.h"

#include <unistd.h>

#include "limit.h"
#include "plan.h"
#include "trial.h"

static struct wrong wrong;
static struct plan plan;

static int parse(const char *text)
{
	return plan_parse(&plan, text, strlen(text), "t.json", &wrong);
}

static void test_a_whole_file_is_read(void **state)
{
	static const char text[] =
		"{\n"
		"  \"seed\": 7,\n"
		"  \"streams\": [\n"
		"    { \"name\": \"web\", \"weight\": 3, \"protocol\": \"tcp\", \"frame\": \"imix\",\n"
		"      \"fields\": { \"vlan\": 100, \"src-ip\": \"10.0.0.1-10.0.0.4\" } },\n"
		"    { \"protocol\": \"udp\", \"ip\": 6, \"frame\": 512, \"flows\": 16 }\n"
		"  ],\n"
		"  \"limits\": { \"max_loss\": 0.001, \"max_p99_us\": 50 },\n"
		"  \"trials\": [\n"
		"    { \"name\": \"slow\", \"rate\": \"10kpps\", \"seconds\": 2.5 },\n"
		"    { \"rate\": \"1Gbps-l2\", \"packets\": 1000, \"frame\": 128,\n"
		"      \"limits\": { \"max_loss\": 0 } }\n"
		"  ]\n"
		"}\n";

	(void)state;
	assert_good(parse(text), wrong);
	assert_int_equal(plan.seed, 7);
	assert_int_equal(plan.streams, 2);
	assert_string_equal(plan.stream[0].name, "web");
	assert_int_equal(plan.stream[0].weight, 3);
	assert_int_equal(plan.stream[0].protocol, STREAM_TCP);
	assert_int_equal(plan.stream[0].mix.n, 3);
	assert_int_equal(plan.stream[0].fields[FIELD_VLAN].first.lo, 100);
	assert_int_equal(plan.stream[0].fields[FIELD_SRC_IP].count, 4);
	assert_string_equal(plan.stream[1].name, "stream 2");
	assert_int_equal(plan.stream[1].family, 6);
	assert_int_equal(plan.stream[1].flows, 16);
	assert_int_equal(plan.trials, 2);
	assert_true(plan.trial[0].seconds == 2.5 && plan.trial[0].packets == 0);
	assert_int_equal(plan.trial[1].packets, 1000);
	assert_int_equal(plan.trial[1].frame, 128);
	assert_true(plan.limited);
	/* A trial's own limit goes before that of all. */
	assert_true(plan.trial[0].limits.value[LIMIT_LOSS] == 0.001);
	assert_true(plan.trial[1].limits.value[LIMIT_LOSS] == 0);
	assert_true(plan.trial[1].limits.value[LIMIT_P99] == 50);
	plan_end(&plan);
}

static void test_what_is_wrong_is_named_with_its_line(void **state)
{
#define TRIAL "\"trials\": [{\"seconds\": 1}]"
	static const char *const cases[][2] = {
		{ "", "t.json:1: not JSON" },
		{ "[]", "t.json:1: the file: must be an object" },
		{ "{\n \"a\": 1,\n}", "t.json:3: not JSON" },
		{ "{\n" TRIAL ",\n\"colour\": 1 }",
		  "t.json:3: unknown key \"colour\" in the file: must be one of seed, pcap" },
		{ "{" TRIAL ",\n \"streams\": [\n{},\n{\"fields\":{},\n \"portocol\": \"udp\"}]}",
		  "t.json:5: unknown key \"portocol\" in streams[1]: must be one of name, weight" },
		{ "{" TRIAL ", \"streams\": [{\n\"fields\": {\n\"src-prot\": 1}}]}",
		  "t.json:3: src-prot: unknown field 'src-prot': must be one of src-mac" },
		{ "{" TRIAL ", \"streams\": [{\n\"fields\": {\n\"src-port\": \"9-1\"}}]}",
		  "t.json:3: src-port: the range ends before it begins" },
		{ "{" TRIAL ", \"streams\": [{\"fields\": {\"vlan\": 1.5}}]}",
		  "vlan: must be a text" },
		{ "{" TRIAL ", \"streams\": {}}", "t.json:1: streams: must be an array" },
		{ "{" TRIAL ", \"streams\": [3]}", "streams[0]: must be an object" },
		{ "{" TRIAL ", \"streams\": [{\"weight\": 0}]}",
		  "weight: must be a whole number from 1" },
		{ "{" TRIAL ", \"streams\": [{\"ip\": 5}]}", "ip: must be 4 or 6" },
		{ "{" TRIAL ", \"streams\": [{\"frame\": 12}]}", "frame: a frame of 12 bytes" },
		{ "{" TRIAL ", \"streams\": [{\"protocol\": \"sctp\"}]}", "'sctp' is no protocol" },
		{ "{" TRIAL ", \"streams\": [{\"flows\": 65537}]}",
		  "flows: must be a whole number" },
		{ "{\"trials\": [{}]}", "how long? \"seconds\" or \"packets\"" },
		{ "{\"trials\": [{\"seconds\": 1, \"packets\": 1}]}", "one of them" },
		{ "{\"trials\": [{\"seconds\": 0}]}", "seconds: must be a number from 0.001" },
		{ "{\"trials\": [\n{\"seconds\": 1,\n\"rate\":\n\"1000\"}]}",
		  "t.json:3: rate 1000: no unit" },
		{ "{\"trials\": [{\"seconds\": 1, \"rate\": \"2Gpps\"}]}",
		  "rate 2Gpps: impossible" },
		{ "{\"trials\": [{\"seconds\": 1,\n\"limits\": {\n\n\"max_los\": 0}}]}",
		  "t.json:4: unknown key \"max_los\" in trials[0].limits: must be one of max_loss" },
		{ "{\"trials\": [{\"seconds\": 1, \"limits\": {\"max_loss\": 2}}]}",
		  "max_loss: must be a number from 0 to 1" },
		{ "{\"trials\": [{\"seconds\": 1}],\n\"trials\": []}",
		  "t.json:2: not JSON: duplicate" },
		{ "{" TRIAL ", \"pcap\": {}}", "pcap: it has no \"file\"" },
		{ "{" TRIAL ", \"pcap\": {\"file\": \"x\"}, \"streams\": [{}]}", "one of them" },
		{ "{\"pcap\": {\"file\": \"x\", \"speed\": 1}, \"trials\": [{\"rate\": \"1pps\"}]}",
		  "a rate and a speed" },
		{ "{" TRIAL
		  ", \"streams\": [{\"name\": \"0123456789012345678901234567890123456789\"}]}",
		  "name: longer than 31" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(parse(cases[i][0]), wrong, cases[i][1]);
		plan_end(&plan);
	}
}

static void test_a_file_may_be_without_trials(void **state)
{
	(void)state;
	assert_good(parse("{\"streams\": [{}], \"trials\": []}"), wrong);
	assert_int_equal(plan.trials, 0);
	assert_int_equal(plan.streams, 1);
	plan_end(&plan);
	assert_good(parse("{\"limits\": {\"max_loss\": 0}}"), wrong);
	assert_int_equal(plan.limits.given, 1U << LIMIT_LOSS);
	plan_end(&plan);
}

static void test_limits_that_cannot_be_measured_are_refused(void **state)
{
	static const struct {
		const char *limit;
		bool counted; /* of a file's packets without signatures */
		bool paced;   /* only where there is a rate */
	} cases[] = {
		{ "max_loss", true, false },        { "max_duplicated", false, false },
		{ "max_reordered", false, false },  { "max_corrupt", false, false },
		{ "min_rx_pps", true, false },      { "min_tx_pps", true, false },
		{ "max_rate_error", true, true },   { "max_p50_us", false, false },
		{ "max_p99_us", false, false },     { "max_p999_us", false, false },
		{ "max_latency_us", false, false },
	};
	static const char form[] =
		"{\"pcap\": {\"file\": \"x\", \"sign\": %s},\n"
		"\"trials\": [{\"packets\": 9, \"rate\": \"%s\", \"limits\": {\"%s\": 0}}]}";
	char text[200], word[80];

	(void)state;
	for (unsigned i = 0; i < LIMITS; i++) {
		snprintf(word, sizeof(word), "trial 1: %s cannot be measured", cases[i].limit);
		snprintf(text, sizeof(text), form, "true", "1kpps", cases[i].limit);
		assert_good(parse(text), wrong);
		plan_end(&plan);
		snprintf(text, sizeof(text), form, "false", "1kpps", cases[i].limit);
		if (cases[i].counted)
			assert_good(parse(text), wrong);
		else
			assert_refused(parse(text), wrong, word);
		plan_end(&plan);
		snprintf(text, sizeof(text), form, "true", "max", cases[i].limit);
		if (cases[i].paced)
			assert_refused(parse(text), wrong, word);
		else
			assert_good(parse(text), wrong);
		plan_end(&plan);
	}
}

static void test_too_many_are_refused(void **state)
{
	char text[PLAN_TRIALS * 16 + 100];
	size_t used = (size_t)sprintf(text, "{\"trials\": [");

	(void)state;
	for (unsigned i = 0; i < PLAN_TRIALS; i++)
		used += (size_t)sprintf(text + used, "{\"seconds\": 1},");
	sprintf(text + used - 1, "]}");
	assert_good(parse(text), wrong);
	plan_end(&plan);
	sprintf(text + used - 1, ",{\"seconds\": 1}]}");
	assert_refused(parse(text), wrong, "more than 256 trials");
	plan_end(&plan);
}

static void test_a_file_that_is_not_there_is_said_so(void **state)
{
	(void)state;
	assert_int_equal(plan_read(&plan, "/nope/t.json", &wrong), -ENOENT);
	assert_non_null(strstr(wrong.text, "/nope/t.json: No such file"));
	plan_end(&plan);
	assert_int_equal(plan_read(&plan, "/", &wrong), -EISDIR);
	plan_end(&plan);
}

static void test_limits_pass_and_fail(void **state)
{
	struct trial_result good = {
		.sent = 1000,
		.received = 999,
		.lost = 1,
		.rx_pps = 5e5,
		.tx_pps = 5e5,
		.rate_error = -0.02,
		.latency = { .count = 999, .p50 = 1000, .p99 = 50000, .p999 = 60000, .max = 70000 }
	};
	static const struct {
		enum limit limit;
		double kept, missed;
	} cases[] = {
		{ LIMIT_LOSS, 0.001, 0.0009 }, { LIMIT_RX_PPS, 5e5, 500001 },
		{ LIMIT_TX_PPS, 4e5, 6e5 },    { LIMIT_RATE_ERROR, 0.02, 0.019 },
		{ LIMIT_P50, 1, 0.999 },       { LIMIT_P99, 50, 49.9 },
		{ LIMIT_P999, 60, 59 },        { LIMIT_MAX, 70, 69.999 },
	};
	struct trial_result silent = { .sent = 10, .lost = 10 };

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct limits l = { .given = 1U << cases[i].limit };

		l.value[cases[i].limit] = cases[i].kept;
		assert_int_equal(limits_missed(&l, &good), 0);
		l.value[cases[i].limit] = cases[i].missed;
		assert_int_equal(limits_missed(&l, &good), l.given);
	}
	for (enum limit i = LIMIT_DUPLICATED; i <= LIMIT_CORRUPT; i++) {
		struct trial_result bad = good;

		assert_true(limit_kept(i, 0, &good));
		bad.duplicated = bad.reordered = bad.corrupt = 1;
		assert_false(limit_kept(i, 0, &bad));
		assert_true(limit_kept(i, 1, &bad));
	}
	/* No latency at all is none that was kept; nor has one packet a rate. */
	assert_false(limit_kept(LIMIT_P99, 1e9, &silent));
	assert_true(limit_kept(LIMIT_RATE_ERROR, 1, &silent));
	silent.sent = 1;
	assert_false(limit_kept(LIMIT_RATE_ERROR, 1, &silent));
	for (unsigned i = 0; i < LIMITS; i++)
		assert_int_equal(limit_find(limit_name(i)), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_file_is_read),
		cmocka_unit_test(test_what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(test_a_file_may_be_without_trials),
		cmocka_unit_test(test_limits_that_cannot_be_measured_are_refused),
		cmocka_unit_test(test_too_many_are_refused),
		cmocka_unit_test(test_a_file_that_is_not_there_is_said_so),
		cmocka_unit_test(test_limits_pass_and_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
