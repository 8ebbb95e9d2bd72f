/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: pcap files, whole and broken; signatures put into their packets. */
#include "pktgen_test.h"

#include "plan.h"
#include "replay.h"
#include "signature.h"
#include "stream.h"
#include "sum.h"
#include "verify.h"

#include <rte_mbuf.h>

#define FILE_BYTES 65536

static struct wrong wrong;
static struct replay r;
static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

/* A pcap file in the making. */
static struct {
	uint8_t bytes[FILE_BYTES];
	size_t used;
} file;

static void put(const void *bytes, size_t n)
{
	memcpy(file.bytes + file.used, bytes, n);
	file.used += n;
}

static void put32(uint32_t n)
{
	put(&n, 4);
}

static void begin(uint32_t magic, uint32_t link)
{
	static const uint16_t version[2] = { 2, 4 };

	file.used = 0;
	put32(magic);
	put(version, 4);
	put32(0);
	put32(0);
	put32(65535);
	put32(link);
}

static void packet(uint32_t seconds, uint32_t fraction, const void *bytes, uint32_t n,
		   uint32_t whole)
{
	put32(seconds);
	put32(fraction);
	put32(n);
	put32(whole);
	put(bytes, n);
}

static int take(bool sign)
{
	FILE *f = fmemopen(file.bytes, file.used, "rb");

	assert_non_null(f);
	return replay_take(&r, f, "t.pcap", sign, &wrong);
}

static uint8_t noise[2000];

static void test_packets_and_times_are_those_of_the_file(void **state)
{
	static const uint32_t magics[][2] = { { 0xa1b2c3d4, 1000 }, { 0xa1b23c4d, 1 } };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin(magics[i][0], 1);
		packet(100, 5, noise, 60, 60);
		packet(100, 9, noise + 7, 1514, 1514);
		/* Back in time: with the one before. */
		packet(99, 0, noise, 99, 99);
		packet(101, 5, noise, 14, 14);
		assert_good(take(false), wrong);
		assert_int_equal(r.n, 4);
		assert_int_equal(r.packets[0].ns, 0);
		assert_int_equal(r.packets[1].ns, 4 * magics[i][1]);
		assert_int_equal(r.packets[2].ns, 4 * magics[i][1]);
		assert_int_equal(r.packets[3].ns, 1000000000);
		assert_int_equal(r.period, 1000000000 + 333333333);
		assert_int_equal(r.longest, 1518);
		assert_int_equal(r.packets[1].bytes, 1514);
		assert_memory_equal(r.data + r.packets[1].at, noise + 7, 1514);
		replay_end(&r);
	}
}

static void test_a_tag_is_not_part_of_the_mtu(void **state)
{
	static const struct {
		uint16_t type, inner;
		uint32_t bytes, tag;
	} cases[] = {
		{ 0x0800, 0, 1514, 0 },
		{ 0x8100, 0x0800, 1518, 4 },
		/* One tag, and only the customer's: the kernel refuses longer ones. */
		{ 0x8100, 0x8100, 1522, 4 },
		{ 0x88a8, 0x0800, 1518, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t frame[1600] = { 0 };

		frame[12] = (uint8_t)(cases[i].type >> 8);
		frame[13] = (uint8_t)cases[i].type;
		frame[16] = (uint8_t)(cases[i].inner >> 8);
		frame[17] = (uint8_t)cases[i].inner;
		begin(0xa1b2c3d4, 1);
		packet(1, 0, noise, 60, 60);
		packet(1, 0, frame, cases[i].bytes, cases[i].bytes);
		packet(1, 0, noise, 60, 60);
		assert_good(take(false), wrong);
		assert_int_equal(r.longest, cases[i].bytes + 4);
		assert_int_equal(r.widest, cases[i].bytes + 4);
		assert_int_equal(r.widest_tag, cases[i].tag);
		replay_end(&r);
	}
	/* Shorter by less than its tag, the other one wants the larger MTU. */
	begin(0xa1b2c3d4, 1);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t frame[1600] = { [12] = 0x81, [13] = 0 };

		packet(1, 0, i == 0 ? frame : noise, i == 0 ? 1518 : 1516, i == 0 ? 1518 : 1516);
	}
	assert_good(take(false), wrong);
	assert_int_equal(r.longest, 1522);
	assert_int_equal(r.widest, 1520);
	assert_int_equal(r.widest_tag, 0);
	replay_end(&r);
}

static void test_how_long_a_file_takes_is_known(void **state)
{
	(void)state;
	begin(0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 11; i++)
		packet(i / 10, i % 10 * 100000, noise, 60, 60);
	assert_good(take(false), wrong);
	assert_true(replay_seconds(&r, 0) == 0 && replay_seconds(&r, 1) == 0);
	assert_true(replay_seconds(&r, 2) == 0.1 && replay_seconds(&r, 11) == 1);
	/* Again after one more distance. */
	assert_true(replay_seconds(&r, 12) == 1.1 && replay_seconds(&r, 22) == 2.1);
	assert_true(replay_seconds(&r, 11 * 1000) == 1.1 * 999 + 1);
	replay_end(&r);
}

static void test_a_file_cut_off_anywhere_is_refused(void **state)
{
	size_t whole, second;

	(void)state;
	begin(0xa1b2c3d4, 1);
	packet(1, 0, noise, 60, 60);
	second = file.used;
	packet(1, 0, noise, 60, 60);
	whole = file.used;
	for (file.used = 1; file.used < whole; file.used++) {
		if (file.used == second)
			continue;
		if (take(false) == 0)
			fail_msg("taken at %zu of %zu", file.used, whole);
		replay_end(&r);
	}
	file.used = second + 30;
	assert_refused(take(false), wrong, "t.pcap: after packet 1: truncated dump file");
	replay_end(&r);
	file.used = whole;
	assert_good(take(false), wrong);
	replay_end(&r);
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
	(void)state;
	begin(0xa1b2c3d4, 113);
	packet(1, 0, noise, 60, 60);
	assert_refused(take(false), wrong,
		       "link type LINUX_SLL (113): must be EN10MB (1), Ethernet");
	replay_end(&r);
	begin(0xdeadbeef, 1);
	assert_refused(take(false), wrong, "not a pcap file");
	replay_end(&r);
	begin(0xa1b2c3d4, 1);
	assert_refused(take(false), wrong, "no packet is in it");
	replay_end(&r);
	packet(1, 0, noise, 60, 1500);
	assert_refused(take(false), wrong, "packet 1: only 60 of its 1500 bytes were captured");
	replay_end(&r);
	begin(0xa1b2c3d4, 1);
	packet(1, 0, noise, 13, 13);
	assert_refused(take(false), wrong, "packet 1: 13 bytes: must be from 14 to 9596");
	replay_end(&r);
	assert_int_equal(replay_read(&r, "/nope.pcap", false, &wrong), -ENOENT);
	replay_end(&r);
}

/* As the sender does it: the packet is right before and after. */
static void signed_right(const struct replay_packet *p)
{
	uint8_t data[2000];
	struct rte_mbuf m = { .buf_addr = data, .data_len = p->bytes, .nb_segs = 1 };
	struct signature s = signature_make(1, 2, 3, number_mix(p->at));
	uint64_t sum = signature_sum(s);
	uint16_t check;

	m.pkt_len = p->bytes;
	memcpy(data, r.data + p->at, p->bytes);
	assert_true(verify(&m));
	signature_write(s, data + p->bytes - SIGNATURE_BYTES);
	assert_false(verify(&m));
	assert_int_not_equal(p->check, 0);
	check = (uint16_t)~sum_fold((uint64_t)p->base + (p->odd ? sum_shift(sum) : sum_fold(sum)));
	memcpy(data + p->check, &check, 2);
	assert_true(verify(&m));
}

static void test_signed_packets_stay_right(void **state)
{
	uint8_t data[2048] __attribute__((aligned(64)));
	unsigned odd = 0;

	(void)state;
	begin(0xa1b2c3d4, 1);
	for (unsigned i = 0; i < 40; i++) {
		struct stream_spec spec = { .protocol = i % 2, .family = i % 4 < 2 ? 4 : 6 };
		struct stream s;
		uint16_t bytes;

		spec.mix = (struct mix){ .n = 1, .part = { { 120 + i, 1 } } };
		if (i % 8 < 4)
			assert_good(plan_field(&spec, "vlan", "9", &wrong), wrong);
		assert_good(stream_begin(&s, &spec, mac, i, &wrong), wrong);
		bytes = stream_write(&s, data, 1, i);
		packet(i, 0, data, bytes, bytes);
		stream_end(&s);
	}
	assert_good(take(true), wrong);
	assert_int_equal(r.n, 40);
	for (unsigned i = 0; i < 40; i++) {
		signed_right(&r.packets[i]);
		odd += r.packets[i].odd;
	}
	assert_true(odd > 0 && odd < 40);
	replay_end(&r);
}

static void test_no_room_for_a_signature_is_said(void **state)
{
	/* TCP's acknowledgement of nothing: 54 bytes of headers, six of padding. */
	static const uint8_t ack[60] = {
		2, 0, 0,  0, 0, 1, 2,  0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64,   6,
		0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 9, 0, 9, 0,    0, 0, 0,  0, 0, 0, 0, 0x50, 0x10,
	};

	(void)state;
	begin(0xa1b2c3d4, 1);
	packet(1, 0, noise, 60, 60);
	packet(1, 0, ack, 60, 60);
	assert_refused(take(true), wrong, "packet 2: its payload has no room");
	replay_end(&r);
	assert_good(take(false), wrong);
	replay_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets_and_times_are_those_of_the_file),
		cmocka_unit_test(test_a_tag_is_not_part_of_the_mtu),
		cmocka_unit_test(test_how_long_a_file_takes_is_known),
		cmocka_unit_test(test_a_file_cut_off_anywhere_is_refused),
		cmocka_unit_test(test_what_cannot_be_sent_is_refused),
		cmocka_unit_test(test_signed_packets_stay_right),
		cmocka_unit_test(test_no_room_for_a_signature_is_said),
	};

	for (unsigned i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)number_mix(i);
	/* Not IP of any kind. */
	noise[12] = noise[13] = 0xbb;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
