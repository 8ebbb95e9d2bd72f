/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: packets as they are made: headers, fields, checksums, signatures. */
#include "pktgen_test.h"

#include <rte_mbuf.h>

#include "plan.h"
#include "stream.h"
#include "verify.h"

#define ROOM 10240
#define KEY 0x12345678

static struct wrong wrong;
static uint8_t data[ROOM] __attribute__((aligned(64)));
static const uint8_t mac[6] = { 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The sum of 16-bit words as RFC 1071 has it, the slow way. */
static uint32_t plain_sum(const uint8_t *at, unsigned n, uint32_t sum)
{
	for (unsigned i = 0; i + 1 < n; i += 2)
		sum += be16(at + i);
	if (n % 2)
		sum += (uint32_t)at[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Every checksum and length of a packet, by a reader that shares no code with its writer. */
static void packet_right(unsigned bytes)
{
	unsigned at = 12, length, protocol, addresses;
	uint32_t sum;

	if (be16(data + at) == 0x8100)
		at += 4;
	if (be16(data + at) == 0x0800) {
		assert_int_equal(data[at + 2], 0x45);
		assert_int_equal(be16(data + at + 4), bytes - at - 2);
		assert_int_equal(plain_sum(data + at + 2, 20, 0), 0xffff);
		protocol = data[at + 11];
		addresses = 8;
		at += 22;
	} else if (be16(data + at) == 0x86dd) {
		assert_int_equal(data[at + 2] >> 4, 6);
		assert_int_equal(be16(data + at + 6), bytes - at - 42);
		protocol = data[at + 8];
		addresses = 32;
		at += 42;
	} else {
		assert_int_equal(be16(data + at), 0x88b5);
		return;
	}
	length = bytes - at;
	if (protocol == 17)
		assert_int_equal(be16(data + at + 4), length);
	else if (protocol != 6)
		return;
	sum = plain_sum(data + at - addresses, addresses, protocol + length);
	assert_int_equal(plain_sum(data + at, length, sum), 0xffff);
	assert_int_not_equal(be16(data + at + (protocol == 17 ? 6 : 16)), 0);
}

static bool verify_data(unsigned bytes)
{
	struct rte_mbuf m = { .buf_addr = data, .data_len = (uint16_t)bytes, .nb_segs = 1 };

	m.pkt_len = bytes;
	return verify(&m);
}

static struct stream_spec spec_of(enum stream_protocol protocol, unsigned family, uint32_t frame)
{
	struct stream_spec spec = {
		.name = "s", .weight = 1, .protocol = protocol, .family = family
	};

	spec.mix = (struct mix){ .n = 1, .part = { { frame, 1 } } };
	return spec;
}

static void spec_field(struct stream_spec *spec, const char *name, const char *values)
{
	assert_good(plan_field(spec, name, values, &wrong), wrong);
}

/* Everything varies that can, and every length within a few lines. */
static void test_checksums_are_right_whatever_varies(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (unsigned variant = 0; variant < 4 * 2 * 2 * 2; variant++) {
		enum stream_protocol protocol = variant % 4;
		unsigned family = variant / 4 % 2 ? 6 : 4;
		bool tagged = variant / 8 % 2, random = variant / 16;

		for (uint32_t frame = 64; frame < 64 + 140; frame++) {
			struct stream_spec spec = spec_of(protocol, family, frame);
			struct stream s;

			if (tagged)
				spec_field(&spec, "vlan", "5-900");
			if (protocol != STREAM_ETHERNET) {
				spec_field(&spec, "src-ip",
					   family == 6 ? "fd00::1-fd00::ffff:9"
					   : random    ? "random:0.0.0.0-255.255.255.255"
						       : "10.0.0.1-10.9.0.1/77");
				spec_field(&spec, "dst-ip",
					   family == 6 ? "fd00::1,fd01::2,fd02::3"
						       : "10.0.0.1,10.5.5.5,1.2.3.4");
			}
			if (protocol == STREAM_UDP || protocol == STREAM_TCP) {
				spec_field(&spec, "src-port",
					   random ? "random:0-65535" : "1-65535/111");
				spec_field(&spec, "dst-port", "9,65535,0");
			}
			spec_field(&spec, "src-mac", "02:00:00:00:00:00-02:00:00:01:00:00");
			if (stream_begin(&s, &spec, mac, frame, &wrong) != 0) {
				assert_true(frame < stream_frame_min(&s));
				stream_end(&s);
				stream_spec_end(&spec);
				continue;
			}
			for (unsigned i = 0; i < 20; i++) {
				uint64_t tsc = number_mix(i + frame);
				uint16_t bytes = stream_write(&s, data, KEY, tsc);
				struct signature sig;

				assert_int_equal(bytes, frame - 4);
				packet_right(bytes);
				assert_true(verify_data(bytes));
				sig = signature_read(data + bytes - SIGNATURE_BYTES);
				assert_true(signature_right(sig));
				assert_int_equal(signature_key(sig), KEY);
				assert_int_equal(signature_age(sig, tsc + 77), 77);
				stream_restamp(&s, data, bytes, tsc + 1000);
				packet_right(bytes);
				sig = signature_read(data + bytes - SIGNATURE_BYTES);
				assert_true(signature_right(sig));
				assert_int_equal(signature_age(sig, tsc + 1000), 0);
				seen++;
			}
			stream_end(&s);
			stream_spec_end(&spec);
		}
	}
	assert_true(seen > 60000);
}

/* One that is 1 in 65,536 of all: UDP writes zero as ones, TCP either way. */
static void test_a_udp_checksum_is_never_zero(void **state)
{
	struct stream_spec spec = spec_of(STREAM_UDP, 4, 64);
	unsigned ones = 0;
	struct stream s;

	(void)state;
	spec_field(&spec, "src-port", "0-65535");
	assert_good(stream_begin(&s, &spec, mac, 1, &wrong), wrong);
	for (unsigned i = 0; i < 300000; i++) {
		uint16_t bytes = stream_write(&s, data, KEY, number_mix(i));

		assert_int_not_equal(be16(data + 40), 0);
		ones += be16(data + 40) == 0xffff;
		if (be16(data + 40) == 0xffff)
			packet_right(bytes);
	}
	assert_true(ones > 0);
	stream_end(&s);
	stream_spec_end(&spec);
}

static void test_a_wrong_bit_is_noticed(void **state)
{
	struct stream_spec spec = spec_of(STREAM_TCP, 6, 200);
	struct stream s;
	uint16_t bytes;

	(void)state;
	assert_good(stream_begin(&s, &spec, mac, 1, &wrong), wrong);
	bytes = stream_write(&s, data, KEY, 1);
	/* Behind what no checksum covers: MACs, version, flow label, hop limit. */
	for (unsigned bit = 8 * 22; bit < 8U * bytes; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(verify_data(bytes));
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned bit = 8U * (bytes - 16); bit < 8U * bytes; bit++) {
		struct signature sig;

		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		sig = signature_read(data + bytes - 16);
		/* One of 256 may pass where several bits are wrong; of single ones, few. */
		if (bit < 8U * (bytes - 12))
			assert_int_not_equal(signature_key(sig), KEY);
		else if (bit >= 8U * (bytes - 8) && bit < 8U * (bytes - 7))
			assert_false(signature_right(sig));
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	stream_end(&s);
	stream_spec_end(&spec);
}

static void test_fields_stand_where_they_belong(void **state)
{
	struct stream_spec spec = spec_of(STREAM_UDP, 0, 128);
	struct stream s;

	(void)state;
	spec_field(&spec, "dst-mac", "02:01:02:03:04:05");
	spec_field(&spec, "vlan", "258");
	spec_field(&spec, "src-ip", "10.1.2.3");
	spec_field(&spec, "dst-ip", "10.4.5.6-10.4.5.7");
	spec_field(&spec, "src-port", "1000-1002");
	spec_field(&spec, "dst-port", "53");
	assert_good(stream_begin(&s, &spec, mac, 1, &wrong), wrong);
	assert_int_equal(s.flows, 6);
	for (unsigned i = 0; i < 13; i++) {
		uint16_t bytes = stream_write(&s, data, KEY, 0);
		struct signature sig = signature_read(data + bytes - 16);

		assert_memory_equal(data, "\x02\x01\x02\x03\x04\x05", 6);
		assert_memory_equal(data + 6, mac, 6);
		assert_memory_equal(data + 12, "\x81\x00\x01\x02\x08\x00", 6);
		assert_memory_equal(data + 30, "\x0a\x01\x02\x03\x0a\x04\x05", 7);
		assert_int_equal(data[37], 6 + i % 2);
		assert_int_equal(be16(data + 38), 1000 + i % 3);
		assert_int_equal(be16(data + 40), 53);
		assert_int_equal(signature_flow(sig), i % 6);
		assert_int_equal(signature_number(sig), i / 6);
	}
	/* Again from the first. */
	assert_good(stream_rewind(&s, 0, &wrong), wrong);
	stream_write(&s, data, KEY, 0);
	assert_int_equal(be16(data + 38), 1000);
	stream_end(&s);
	stream_spec_end(&spec);
}

static void test_given_flows_always_have_the_same_headers(void **state)
{
	struct stream_spec spec = spec_of(STREAM_UDP, 4, 64);
	uint8_t headers[5][42];
	struct stream s;

	(void)state;
	spec.flows = 5;
	spec_field(&spec, "src-ip", "random:10.0.0.0-10.255.255.255");
	spec_field(&spec, "src-port", "1-7");
	assert_good(stream_begin(&s, &spec, mac, 1, &wrong), wrong);
	for (unsigned i = 0; i < 50; i++) {
		uint16_t bytes = stream_write(&s, data, KEY, 0);

		packet_right(bytes);
		assert_int_equal(be16(data + 34), 1 + i % 5);
		/* All but UDP's checksum, which is over the number as well. */
		if (i < 5)
			memcpy(headers[i], data, 40);
		else
			assert_memory_equal(headers[i % 5], data, 40);
	}
	stream_end(&s);
	stream_spec_end(&spec);
}

static void test_a_mix_has_its_lengths_and_a_trial_its_own(void **state)
{
	struct stream_spec spec = spec_of(STREAM_UDP, 4, 64);
	unsigned count[3] = { 0 };
	struct stream s;

	(void)state;
	assert_good(mix_parse(&spec.mix, "imix", &wrong), wrong);
	assert_good(stream_begin(&s, &spec, mac, 1, &wrong), wrong);
	for (unsigned i = 0; i < 1200; i++) {
		uint16_t bytes = stream_write(&s, data, KEY, 0);

		packet_right(bytes);
		count[bytes == 60 ? 0 : bytes == 590 ? 1 : 2]++;
	}
	assert_int_equal(count[0], 700);
	assert_int_equal(count[1], 400);
	assert_int_equal(count[2], 100);
	assert_good(stream_rewind(&s, 1024, &wrong), wrong);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(stream_write(&s, data, KEY, 0), 1020);
	assert_refused(stream_rewind(&s, 61, &wrong), wrong, "at least 64");
	stream_end(&s);
	stream_spec_end(&spec);
}

static void test_what_does_not_fit_together_is_refused(void **state)
{
	struct stream_spec spec = spec_of(STREAM_TCP, 4, 64);
	struct stream s;

	(void)state;
	assert_refused(stream_begin(&s, &spec, mac, 1, &wrong), wrong, "at least 74");
	stream_end(&s);
	spec = spec_of(STREAM_UDP, 4, 64);
	spec_field(&spec, "src-ip", "fd00::1");
	assert_refused(stream_begin(&s, &spec, mac, 1, &wrong), wrong, "src-ip is of IPv6");
	stream_end(&s);
	stream_spec_end(&spec);
	spec = spec_of(STREAM_ETHERNET, 0, 64);
	spec_field(&spec, "dst-port", "7");
	assert_refused(stream_begin(&s, &spec, mac, 1, &wrong), wrong, "dst-port: there is none");
	stream_end(&s);
	stream_spec_end(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums_are_right_whatever_varies),
		cmocka_unit_test(test_a_udp_checksum_is_never_zero),
		cmocka_unit_test(test_a_wrong_bit_is_noticed),
		cmocka_unit_test(test_fields_stand_where_they_belong),
		cmocka_unit_test(test_given_flows_always_have_the_same_headers),
		cmocka_unit_test(test_a_mix_has_its_lengths_and_a_trial_its_own),
		cmocka_unit_test(test_what_does_not_fit_together_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
