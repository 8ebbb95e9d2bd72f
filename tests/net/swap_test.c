/* SPDX-License-Identifier: BSD-3-Clause */
/* Swap test: real frames turned round, cut short at every byte, tagged, fragmented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"
#include "swap.h"

#define ETHER 14
#define IP4_FRAGMENT (ETHER + 6)
#define UDP4 (ETHER + 20)
#define UDP6 (ETHER + 40)
#define ROOM 256

static void bytes_exchange(uint8_t *a, uint8_t *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t kept = a[i];

		a[i] = b[i];
		b[i] = kept;
	}
}

/* What a frame of so many bytes becomes: the parts that it has whole. */
static void expect_turned(uint8_t *frame, unsigned bytes, unsigned l3, unsigned address,
			  unsigned l4)
{
	unsigned source = l3 + (address == 4 ? 12 : 8);

	bytes_exchange(frame, frame + 6, 6);
	if (bytes >= source + 2 * address)
		bytes_exchange(frame + source, frame + source + address, address);
	if (bytes >= l4 + 4)
		bytes_exchange(frame + l4, frame + l4 + 2, 2);
}

static void assert_turns(const uint8_t *frame, unsigned bytes, unsigned l3, unsigned address,
			 unsigned l4)
{
	uint8_t got[ROOM], want[ROOM];

	memset(got, 0xa5, sizeof(got));
	memcpy(got, frame, bytes);
	memcpy(want, got, sizeof(want));
	expect_turned(want, bytes, l3, address, l4);
	swap_tuple(got, bytes);
	assert_memory_equal(got, want, sizeof(got));
	swap_tuple(got, bytes);
	assert_memory_equal(got, frame, bytes);
}

static void test_both_ends_change_places_in_all_layers(void **state)
{
	(void)state;
	assert_turns(left_tcp4, sizeof(left_tcp4), ETHER, 4, UDP4);
	assert_turns(left_udp4, sizeof(left_udp4), ETHER, 4, UDP4);
	assert_turns(left_tcp6, sizeof(left_tcp6), ETHER, 16, UDP6);
	assert_turns(left_udp6, sizeof(left_udp6), ETHER, 16, UDP6);
}

static void test_macs_alone_are_exchanged_and_nothing_else(void **state)
{
	uint8_t got[ROOM], want[ROOM];

	(void)state;
	memset(got, 0xa5, sizeof(got));
	memcpy(got, left_udp4, sizeof(left_udp4));
	memcpy(want, got, sizeof(want));
	bytes_exchange(want, want + 6, 6);
	swap_macs(got);
	assert_memory_equal(got, want, sizeof(got));
	swap_macs_whole(got);
	bytes_exchange(want, want + 6, 6);
	assert_memory_equal(got, want, sizeof(got));
}

static void test_nothing_beyond_a_frames_end_is_looked_at_or_changed(void **state)
{
	(void)state;
	for (unsigned bytes = ETHER; bytes <= sizeof(left_udp4); bytes++)
		assert_turns(left_udp4, bytes, ETHER, 4, UDP4);
	for (unsigned bytes = ETHER; bytes <= sizeof(left_udp6); bytes++)
		assert_turns(left_udp6, bytes, ETHER, 16, UDP6);
}

static void test_two_tags_are_stepped_over_and_a_third_is_not(void **state)
{
	static const uint8_t tag[] = { 0x81, 0x00, 0x00, 0x07 };
	uint8_t frame[ROOM];
	unsigned bytes = sizeof(left_udp4);

	(void)state;
	memcpy(frame, left_udp4, bytes);
	for (unsigned tags = 1; tags <= 3; tags++) {
		memmove(frame + 12 + sizeof(tag), frame + 12, bytes - 12);
		memcpy(frame + 12, tag, sizeof(tag));
		bytes += sizeof(tag);
		if (tags <= 2)
			assert_turns(frame, bytes, ETHER + 4 * tags, 4, UDP4 + 4 * tags);
		else
			assert_turns(frame, bytes, ROOM, 4, ROOM);
	}
}

static void test_what_is_no_first_fragment_has_no_ports(void **state)
{
	uint8_t frame[ROOM];

	(void)state;
	memcpy(frame, left_udp4, sizeof(left_udp4));
	frame[IP4_FRAGMENT + 1] = 1;
	assert_turns(frame, sizeof(left_udp4), ETHER, 4, ROOM);
	frame[IP4_FRAGMENT] = 0x20; /* more come: the first has them */
	frame[IP4_FRAGMENT + 1] = 0;
	assert_turns(frame, sizeof(left_udp4), ETHER, 4, UDP4);
}

static void test_options_of_ip_are_stepped_over(void **state)
{
	uint8_t frame[ROOM];

	(void)state;
	memcpy(frame, left_udp4, sizeof(left_udp4));
	memmove(frame + UDP4 + 8, frame + UDP4, sizeof(left_udp4) - UDP4);
	frame[ETHER] = 0x47;
	assert_turns(frame, sizeof(left_udp4) + 8, ETHER, 4, UDP4 + 8);
	frame[ETHER] = 0x41; /* shorter than a header: no ports behind it */
	assert_turns(frame, sizeof(left_udp4) + 8, ETHER, 4, ROOM);
}

static void test_what_is_neither_tcp_nor_udp_has_no_ports(void **state)
{
	(void)state;
	assert_turns(whole_icmp4, sizeof(whole_icmp4), ETHER, 4, ROOM);
	assert_turns(whole_icmp6, sizeof(whole_icmp6), ETHER, 16, ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends_change_places_in_all_layers),
		cmocka_unit_test(test_macs_alone_are_exchanged_and_nothing_else),
		cmocka_unit_test(test_nothing_beyond_a_frames_end_is_looked_at_or_changed),
		cmocka_unit_test(test_two_tags_are_stepped_over_and_a_third_is_not),
		cmocka_unit_test(test_what_is_no_first_fragment_has_no_ports),
		cmocka_unit_test(test_options_of_ip_are_stepped_over),
		cmocka_unit_test(test_what_is_neither_tcp_nor_udp_has_no_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
