/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksum test: real frames of every kind, whole, cut short, chained and made of noise. */
#include <stdlib.h>

#include <rte_eal.h>

#include "frame.h"
#include "frames.h"

static void test_what_was_left_is_filled_in(void **state)
{
	struct frame tcp4 = FRAME(left_tcp4), tcp6 = FRAME(left_tcp6);
	struct frame udp4 = FRAME(left_udp4), udp6 = FRAME(left_udp6);

	(void)state;
	assert_filled(&tcp4, ETHER + IP4 + TCP_FIELD, 0xbe73);
	assert_filled(&tcp6, ETHER + IP6 + TCP_FIELD, 0x2883);
	assert_filled(&udp4, ETHER + IP4 + UDP_FIELD, 0x8af7);
	assert_filled(&udp6, ETHER + IP6 + UDP_FIELD, 0x9e73);
}

static void test_what_is_right_is_left_alone(void **state)
{
	struct frame frames[] = { FRAME(whole_tcp4), FRAME(whole_tcp6), FRAME(whole_icmp4),
				  FRAME(whole_icmp6) };

	(void)state;
	for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_untouched(&frames[i]);
}

static void test_damage_stays_visible(void **state)
{
	struct frame f = FRAME(whole_tcp4);

	(void)state;
	f.bytes[f.used - 1] ^= 0x40;
	assert_untouched(&f);
}

static void test_twice_is_once(void **state)
{
	struct frame f = FRAME(left_tcp4);

	(void)state;
	assert_true(frame_fill(&f, FRAME_MAX));
	assert_untouched(&f);
}

static void test_padding_is_not_summed(void **state)
{
	struct frame f = FRAME(left_udp4);

	(void)state;
	memset(f.bytes + f.used, 0xa5, 13);
	f.used += 13;
	assert_filled(&f, ETHER + IP4 + UDP_FIELD, 0x8af7);
}

static void test_vlan_tags_are_stepped_over(void **state)
{
	static const uint8_t tag[] = { 0x81, 0x00, 0x00, 0x07 };
	static const uint8_t outer[] = { 0x88, 0xa8, 0x00, 0x09 };
	struct frame f = FRAME(left_tcp4);

	(void)state;
	frame_insert(&f, ETHER - 2, tag, sizeof(tag));
	assert_filled(&f, ETHER + 4 + IP4 + TCP_FIELD, 0xbe73);
	frame_insert(&f, ETHER - 2, outer, sizeof(outer));
	assert_filled(&f, ETHER + 8 + IP4 + TCP_FIELD, 0xbe73);
	/* Three tags: more than is looked for. */
	frame_insert(&f, ETHER - 2, outer, sizeof(outer));
	assert_untouched(&f);
}

static void test_chains_are_summed_whatever_their_cuts(void **state)
{
	struct frame tcp4 = FRAME(left_tcp4), udp6 = FRAME(left_udp6);

	(void)state;
	for (unsigned each = 1; each < tcp4.used; each++)
		assert_filled_chained(&tcp4, ETHER + IP4 + TCP_FIELD, 0xbe73, each);
	for (unsigned each = 1; each < udp6.used; each++)
		assert_filled_chained(&udp6, ETHER + IP6 + UDP_FIELD, 0x9e73, each);
}

static void test_udp_without_a_checksum_stays_without(void **state)
{
	struct frame udp4 = FRAME(left_udp4), udp6 = FRAME(left_udp6);

	(void)state;
	memset(udp4.bytes + ETHER + IP4 + UDP_FIELD, 0, 2);
	assert_untouched(&udp4);
	memset(udp6.bytes + ETHER + IP6 + UDP_FIELD, 0, 2);
	assert_untouched(&udp6);
}

static void test_udp_sum_of_zero_is_sent_as_ones(void **state)
{
	struct frame f = FRAME(left_udp4);
	/* The payload's first word takes up what the sum would be. */
	uint8_t *word = f.bytes + ETHER + IP4 + 8;
	uint32_t sum = be16(word) + 0x8af7;

	(void)state;
	sum = (sum & 0xffff) + (sum >> 16);
	word[0] = (uint8_t)(sum >> 8);
	word[1] = (uint8_t)sum;
	assert_filled(&f, ETHER + IP4 + UDP_FIELD, 0xffff);
}

static void test_ipv4_header_sum_of_zero_is_filled_in(void **state)
{
	struct frame f = FRAME(whole_icmp4);
	uint16_t was = be16(f.bytes + ETHER + 10);

	(void)state;
	memset(f.bytes + ETHER + 10, 0, 2);
	assert_filled(&f, ETHER + 10, was);
}

static void test_icmp_sum_of_zero_is_filled_in(void **state)
{
	struct frame f = FRAME(whole_icmp4);
	uint16_t was = be16(f.bytes + ETHER + IP4 + ICMP_FIELD);

	(void)state;
	memset(f.bytes + ETHER + IP4 + ICMP_FIELD, 0, 2);
	assert_filled(&f, ETHER + IP4 + ICMP_FIELD, was);
}

static void test_icmp6_left_to_hardware_is_filled_in(void **state)
{
	struct frame f = FRAME(whole_icmp6);
	unsigned field = ETHER + IP6 + ICMP_FIELD;
	uint16_t was = be16(f.bytes + field);
	uint32_t pseudo = f.used - ETHER - IP6 + 58;

	(void)state;
	for (unsigned at = ETHER + 8; at < ETHER + IP6; at += 2)
		pseudo += be16(f.bytes + at);
	pseudo = (pseudo & 0xffff) + (pseudo >> 16);
	pseudo = (pseudo & 0xffff) + (pseudo >> 16);
	f.bytes[field] = (uint8_t)(pseudo >> 8);
	f.bytes[field + 1] = (uint8_t)pseudo;
	assert_filled(&f, field, was);
}

static void test_ipv4_options_are_stepped_over(void **state)
{
	static const uint8_t options[] = { 1, 1, 1, 0 };
	struct frame f = FRAME(left_udp4);

	(void)state;
	frame_insert(&f, ETHER + IP4, options, sizeof(options));
	f.bytes[ETHER] = 0x46;
	f.bytes[ETHER + 3] += sizeof(options);
	assert_filled(&f, ETHER + IP4 + 4 + UDP_FIELD, 0x8af7);
}

static void test_ipv6_extensions_are_stepped_over(void **state)
{
	/* Hop by hop, destination options, and a fragment header of a whole packet. */
	static const uint8_t extensions[] = { 60, 0, 1, 4, 0,  0, 0, 0, 44, 0, 1, 4,
					      0,  0, 0, 0, 17, 0, 0, 0, 1,  2, 3, 4 };
	struct frame f = FRAME(left_udp6);

	(void)state;
	frame_insert(&f, ETHER + IP6, extensions, sizeof(extensions));
	f.bytes[ETHER + 5] += sizeof(extensions);
	f.bytes[ETHER + 6] = 0;
	assert_filled(&f, ETHER + IP6 + sizeof(extensions) + UDP_FIELD, 0x9e73);
	/* More fragments follow. */
	f.bytes[ETHER + IP6 + 16 + 3] = 1;
	assert_untouched(&f);
	/* A later fragment. */
	f.bytes[ETHER + IP6 + 16 + 3] = 8;
	assert_untouched(&f);
	/* An extension that says it is longer than the packet. */
	f.bytes[ETHER + IP6 + 16 + 3] = 0;
	f.bytes[ETHER + IP6 + 1] = 255;
	assert_untouched(&f);
}

static void test_ipv4_fragments_are_left_alone(void **state)
{
	struct frame f = FRAME(left_udp4);

	(void)state;
	f.bytes[ETHER + 6] = 0x20;
	assert_untouched(&f);
	f.bytes[ETHER + 6] = 0;
	f.bytes[ETHER + 7] = 1;
	assert_untouched(&f);
}

/* Every length below the whole one, in one piece and in three-byte segments. */
static void test_cut_short_is_left_alone(void **state)
{
	const struct frame frames[] = { FRAME(left_tcp4), FRAME(left_tcp6), FRAME(left_udp4),
					FRAME(left_udp6) };

	(void)state;
	for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		for (unsigned n = 1; n < frames[i].used; n++) {
			struct frame f = frames[i], chained = frames[i];

			f.used = n;
			chained.used = n;
			assert_untouched(&f);
			assert_false(frame_fill(&chained, 3));
			assert_memory_equal(chained.bytes, f.bytes, n);
		}
	}
}

/* Lengths that lie: an IP header that says more or less than there is. */
static void test_lying_lengths_are_left_alone(void **state)
{
	struct frame f = FRAME(left_tcp4);

	(void)state;
	f.bytes[ETHER] = 0x4f;
	assert_untouched(&f);
	f.bytes[ETHER] = 0x41;
	assert_untouched(&f);
	f.bytes[ETHER] = 0x45;
	f.bytes[ETHER + 2] = 0xff;
	assert_untouched(&f);
	f.bytes[ETHER + 2] = 0;
	f.bytes[ETHER + 3] = IP4 - 1;
	assert_untouched(&f);
	f.bytes[ETHER + 3] = IP4 + 7;
	assert_untouched(&f);
}

/*
 * Noise, and real frames with noise in their headers. A sanitizer sees a step
 * outside; here it is that at most two fields of two bytes ever change.
 */
static void test_noise_does_no_harm(void **state)
{
	const struct frame frames[] = { FRAME(left_tcp4), FRAME(left_tcp6), FRAME(left_udp6),
					FRAME(whole_icmp4) };
	unsigned changed_most = 0;

	(void)state;
	srandom(7);
	for (unsigned round = 0; round < 200000; round++) {
		struct frame f = frames[round % 4], before;
		unsigned changed = 0, hits = 1 + (unsigned)random() % 6;

		if (round % 16 == 0)
			for (unsigned i = ETHER; i < f.used; i++)
				f.bytes[i] = (uint8_t)random();
		for (unsigned i = 0; i < hits; i++)
			f.bytes[ETHER - 2 + (unsigned)random() % 56] = (uint8_t)random();
		before = f;
		frame_fill(&f, 1 + (unsigned)random() % 80);
		for (unsigned i = 0; i < f.used; i++)
			changed += f.bytes[i] != before.bytes[i];
		changed_most = changed > changed_most ? changed : changed_most;
		assert_memory_equal(f.bytes, before.bytes, ETHER);
	}
	assert_in_range(changed_most, 1, 4);
}

static int eal_set(void **state)
{
	char *argv[] = { "checksum-test",
			 "--no-huge",
			 "-m",
			 "64",
			 "--no-pci",
			 "--no-telemetry",
			 "--no-shconf",
			 "-l",
			 "0",
			 "--log-level=error",
			 NULL };

	(void)state;
	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("checksum", 1023, 0, 0, 512, SOCKET_ID_ANY);
	return pool == NULL ? -1 : 0;
}

static int eal_end(void **state)
{
	(void)state;
	/* Every mbuf that a test made is home. */
	if (rte_mempool_in_use_count(pool) != 0)
		return -1;
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_left_is_filled_in),
		cmocka_unit_test(test_what_is_right_is_left_alone),
		cmocka_unit_test(test_damage_stays_visible),
		cmocka_unit_test(test_twice_is_once),
		cmocka_unit_test(test_padding_is_not_summed),
		cmocka_unit_test(test_vlan_tags_are_stepped_over),
		cmocka_unit_test(test_chains_are_summed_whatever_their_cuts),
		cmocka_unit_test(test_udp_without_a_checksum_stays_without),
		cmocka_unit_test(test_udp_sum_of_zero_is_sent_as_ones),
		cmocka_unit_test(test_ipv4_header_sum_of_zero_is_filled_in),
		cmocka_unit_test(test_icmp_sum_of_zero_is_filled_in),
		cmocka_unit_test(test_icmp6_left_to_hardware_is_filled_in),
		cmocka_unit_test(test_ipv4_options_are_stepped_over),
		cmocka_unit_test(test_ipv6_extensions_are_stepped_over),
		cmocka_unit_test(test_ipv4_fragments_are_left_alone),
		cmocka_unit_test(test_cut_short_is_left_alone),
		cmocka_unit_test(test_lying_lengths_are_left_alone),
		cmocka_unit_test(test_noise_does_no_harm),
	};

	return cmocka_run_group_tests(tests, eal_set, eal_end);
}
