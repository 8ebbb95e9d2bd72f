/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: values of fields, mixes and rates: what is read, in which order it comes, what is refused. */
#include "pktgen_test.h"

#include "field.h"
#include "mix.h"
#include "rate.h"

static struct wrong wrong;

static void values_are(enum field_kind kind, const char *text, const uint64_t *want, unsigned n)
{
	struct field f;

	assert_good(field_parse(&f, kind, text, &wrong), wrong);
	for (unsigned i = 0; i < n; i++)
		if (field_at(&f, i, 0).lo != want[i])
			fail_msg("%s: value %u is %llx, not %llx", text, i,
				 (unsigned long long)field_at(&f, i, 0).lo,
				 (unsigned long long)want[i]);
	field_end(&f);
}
#define VALUES(kind, text, ...)                                   \
	values_are(kind, text, (const uint64_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void test_ranges_and_lists_begin_again(void **state)
{
	(void)state;
	VALUES(FIELD_SRC_PORT, "7", 7, 7);
	VALUES(FIELD_DST_PORT, "65534-65535", 65534, 65535, 65534);
	VALUES(FIELD_DST_PORT, "10-20/4", 10, 14, 18, 10);
	VALUES(FIELD_VLAN, "3,1,2", 3, 1, 2, 3);
	VALUES(FIELD_SRC_IP, "10.0.0.254-10.0.1.1", 0x0a0000fe, 0x0a0000ff, 0x0a000100, 0x0a000101,
	       0x0a0000fe);
	VALUES(FIELD_DST_MAC, "02:00:00:00:00:ff-2:0:0:0:1:0", 0x0200000000ff, 0x020000000100,
	       0x0200000000ff);
	VALUES(FIELD_DST_IP, "fd00::1,fd00::2", 1, 2, 1);
	VALUES(FIELD_DST_IP, "::-::ffff:ffff:ffff:ffff", 0, 1, 2);
}

static void test_ipv6_keeps_its_upper_half(void **state)
{
	struct field f;

	(void)state;
	assert_good(field_parse(&f, FIELD_SRC_IP, "2001:2::5-2001:2::9", &wrong), wrong);
	assert_int_equal(f.family, 6);
	assert_int_equal(field_at(&f, 4, 0).hi, 0x2001000200000000);
	assert_int_equal(field_at(&f, 4, 0).lo, 9);
	field_end(&f);
}

static void test_random_values_stay_inside_and_repeat_by_seed(void **state)
{
	unsigned count[10] = { 0 }, differs = 0;
	struct field f;

	(void)state;
	assert_good(field_parse(&f, FIELD_SRC_PORT, "random:100-109", &wrong), wrong);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t value = field_at(&f, i, 42).lo;

		assert_in_range(value, 100, 109);
		count[value - 100]++;
		assert_int_equal(value, field_at(&f, i, 42).lo);
		differs += value != field_at(&f, i, 43).lo;
	}
	/* 1,000 of each are expected, and a standard deviation of 30. */
	for (unsigned i = 0; i < 10; i++)
		assert_in_range(count[i], 800, 1200);
	assert_true(differs > 8000);
	field_end(&f);
}

static void test_wrong_values_are_named(void **state)
{
	static const struct {
		enum field_kind kind;
		const char *text, *says;
	} cases[] = {
		{ FIELD_SRC_PORT, "65536", "from 0 to 65535" },
		{ FIELD_SRC_PORT, "-1", "no value of src-port" },
		{ FIELD_SRC_PORT, "", "no value of src-port" },
		{ FIELD_SRC_PORT, "1-", "no value" },
		{ FIELD_SRC_PORT, "9-1", "ends before it begins" },
		{ FIELD_SRC_PORT, "1-9/0", "no step" },
		{ FIELD_SRC_PORT, "1-9/", "no step" },
		{ FIELD_SRC_PORT, "1-9/x", "no step" },
		{ FIELD_SRC_PORT, "1,,2", "no value" },
		{ FIELD_SRC_PORT, "1,2,", "no value" },
		{ FIELD_SRC_PORT, "random:5", "needs a range" },
		{ FIELD_SRC_PORT, "random:1-9/2", "no value" },
		{ FIELD_SRC_PORT, "99999999999999999999999", "no value" },
		{ FIELD_VLAN, "4095", "from 0 to 4094" },
		{ FIELD_SRC_IP, "10.0.0.256", "no value of src-ip" },
		{ FIELD_SRC_IP, "10.0.0.1-fd00::1", "IPv4 and IPv6" },
		{ FIELD_SRC_IP, "10.0.0.1,fd00::1", "IPv4 and IPv6" },
		{ FIELD_SRC_IP, "fd00::1-fd01::1", "upper 64 bits" },
		{ FIELD_SRC_MAC, "02:00:00:00:00", "no value of src-mac" },
		{ FIELD_SRC_MAC, "02:00:00:00:00:00:00", "no value of src-mac" },
		{ FIELD_SRC_MAC, "002:00:00:00:00:00", "no value of src-mac" },
	};
	char *many = malloc(3 * FIELD_LIST_MAX + 16);
	struct field f;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_refused(field_parse(&f, cases[i].kind, cases[i].text, &wrong), wrong,
			       cases[i].says);
		assert_int_equal(f.way, FIELD_ABSENT);
		assert_null(f.list);
	}
	many[0] = '\0';
	for (unsigned i = 0; i <= FIELD_LIST_MAX; i++)
		strcpy(many + 2 * i, "1,");
	many[2 * FIELD_LIST_MAX + 1] = '\0';
	assert_refused(field_parse(&f, FIELD_SRC_PORT, many, &wrong), wrong, "more than 1024");
	free(many);
	assert_int_equal(field_find("src-port"), FIELD_SRC_PORT);
	assert_int_equal(field_find("ttl"), FIELD_KINDS);
}

static void test_imix_is_7_4_1_and_well_spread(void **state)
{
	uint16_t turns[MIX_TURNS];
	uint32_t weights[3];
	unsigned count[3] = { 0 }, run = 0, longest = 0;
	struct mix mix;
	int n;

	(void)state;
	assert_good(mix_parse(&mix, "imix", &wrong), wrong);
	assert_int_equal(mix.n, 3);
	assert_int_equal(mix.part[0].frame, 64);
	assert_int_equal(mix.part[1].frame, 594);
	assert_int_equal(mix.part[2].frame, 1518);
	assert_true(mix_mean(&mix) > 361.8 && mix_mean(&mix) < 361.9);
	for (unsigned i = 0; i < 3; i++)
		weights[i] = 10 * mix.part[i].weight;
	n = mix_turns(weights, 3, turns, &wrong);
	assert_int_equal(n, 12);
	for (int i = 0; i < n; i++) {
		count[turns[i]]++;
		run = turns[i] == 0 ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	assert_int_equal(count[0], 7);
	assert_int_equal(count[1], 4);
	assert_int_equal(count[2], 1);
	assert_true(longest <= 2);
}

static void test_wrong_mixes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "63", "from 64 to 9600" },
		{ "9601", "from 64 to 9600" },
		{ "", "not a length" },
		{ "64:0", "weight of 0" },
		{ "64:", "no weight" },
		{ "64,", "after the last comma" },
		{ "64;128", "no part" },
		{ "x", "not a length" },
		{ "64:-1", "no weight" },
		{ "64:1,128:4097", "at most 4096" },
		{ "-64", "not a length" },
		{ "64:1000001", "weight of 1000001" },
		{ "64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64", "more than 16" },
	};
	struct mix mix;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(mix_parse(&mix, cases[i][0], &wrong), wrong, cases[i][1]);
}

static double pps(const char *text, double frame)
{
	struct rate rate;

	assert_good(rate_parse(&rate, text, &wrong), wrong);
	return rate_pps(&rate, frame);
}

/* 10G Ethernet: 14.88 Mpps of 64 bytes, 812,744 of 1,518. */
static void test_rates_in_bits_are_of_l1_or_l2(void **state)
{
	(void)state;
	assert_true(pps("max", 64) == 0);
	assert_true(pps("1500pps", 64) == 1500);
	assert_true(pps("1.5Mpps", 1518) == 1.5e6);
	assert_int_equal((int)pps("10Gbps", 64), 14880952);
	assert_int_equal((int)pps("10Gbps-l1", 1518), 812743);
	assert_int_equal((int)pps("10Gbps-l2", 64), 19531250);
	assert_int_equal((int)pps("512kbps-l2", 64), 1000);
}

static void test_wrong_rates_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "1000", "no unit" },       { "0pps", "above 0" },
		{ "-1pps", "not a rate" },   { "nanpps", "not a rate" },
		{ "infpps", "not a rate" },  { "1e99pps", "impossible" },
		{ "1.1Gpps", "impossible" }, { "1Mbit", "no unit" },
		{ "", "not a rate" },        { "fast", "not a rate" },
		{ ".pps", "no unit" },
	};
	struct rate rate;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(rate_parse(&rate, cases[i][0], &wrong), wrong, cases[i][1]);
	assert_good(rate_parse(&rate, "100Gbps", &wrong), wrong);
	assert_true(rate_pps(&rate, 64) > 0);
	assert_good(rate_parse(&rate, "999999Gbps", &wrong), wrong);
	assert_true(rate_pps(&rate, 64) == -1);
}

/* Asked at any moments, in a clock of 1 GHz: never more than is due, and all of it in the end. */
static void test_a_pacer_gives_what_is_due_and_no_more(void **state)
{
	static const double rates[] = { 3, 1000, 12345.678, 1e6, 14.88e6 };

	(void)state;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t start = UINT64_MAX - 500000, taken = 0, ticks = 0;
		struct pacer p;

		pacer_begin(&p, rates[i], 1e9, start);
		while (ticks < 2000000000) {
			unsigned n = pacer_take(&p, start + ticks, 64);
			double due = (double)ticks * rates[i] / 1e9 + 1;

			taken += n;
			assert_true((double)taken <= due + 1e-6);
			/* Steps of up to half the debt that is allowed. */
			ticks += n == 64 ? 10
					 : 1 + number_mix(ticks) % (uint64_t)(RATE_DEBT / 2 * 1e9 /
									      rates[i]);
		}
		assert_true((double)taken >= 2 * rates[i] - RATE_DEBT);
		assert_true(p.start == start);
	}
}

static void test_a_pacer_forgives_what_a_long_stop_missed(void **state)
{
	unsigned taken = 0, n;
	struct pacer p;

	(void)state;
	pacer_begin(&p, 1e6, 1e9, 0);
	assert_int_equal(pacer_take(&p, 0, 64), 1);
	while ((n = pacer_take(&p, 1000000000, 64)) > 0)
		taken += n;
	/* Of the million that were due. */
	assert_in_range(taken, RATE_DEBT - 1, RATE_DEBT);
	assert_int_equal(pacer_take(&p, 1000001000, 64), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_and_lists_begin_again),
		cmocka_unit_test(test_ipv6_keeps_its_upper_half),
		cmocka_unit_test(test_random_values_stay_inside_and_repeat_by_seed),
		cmocka_unit_test(test_wrong_values_are_named),
		cmocka_unit_test(test_imix_is_7_4_1_and_well_spread),
		cmocka_unit_test(test_wrong_mixes_are_named),
		cmocka_unit_test(test_rates_in_bits_are_of_l1_or_l2),
		cmocka_unit_test(test_wrong_rates_are_named),
		cmocka_unit_test(test_a_pacer_gives_what_is_due_and_no_more),
		cmocka_unit_test(test_a_pacer_forgives_what_a_long_stop_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
