/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical test: real frames of every kind against what is always critical and what a user names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_mbuf.h>

#include "critical.h"
#include "frames.h"
#include "host.h"

#define FRAME_MAX 512
#define ETHER 14
#define IP4_TO 30
#define IP4_FRAGMENT 20
#define IP6_TO 38

/* A request for 10.7.0.2, as tcpdump has it. */
static const uint8_t arp[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbe, 0x27, 0x96, 0x4a, 0xc7, 0xce, 0x08, 0x06,
	0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0xbe, 0x27, 0x96, 0x4a, 0xc7, 0xce,
	0x0a, 0x07, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x07, 0x00, 0x02,
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint16_t used;
};

static struct frame frame_of(const uint8_t *bytes, size_t n)
{
	struct frame f = { .used = (uint16_t)n };

	memcpy(f.bytes, bytes, n);
	return f;
}
#define FRAME(array) frame_of(array, sizeof(array))

static bool judge(struct frame *f, struct critical *c)
{
	struct rte_mbuf m = { .buf_addr = f->bytes, .data_len = f->used, .pkt_len = f->used };

	return critical_judge(&m, c);
}

/* With these words named, and with none. */
static bool judge_by(struct frame f, const char *words)
{
	struct critical c = { 0 };

	if (words != NULL)
		assert_null(critical_parse(&c, words));
	return judge(&f, &c);
}

static struct frame tagged(struct frame f, uint16_t type)
{
	const uint8_t tag[] = { (uint8_t)(type >> 8), (uint8_t)type, 0, 7 };

	memmove(f.bytes + ETHER + 2, f.bytes + ETHER - 2, f.used - (ETHER - 2));
	memcpy(f.bytes + ETHER - 2, tag, sizeof(tag));
	f.used += sizeof(tag);
	return f;
}

static void test_neighbours_are_always_critical(void **state)
{
	struct frame nd = FRAME(whole_icmp6);

	(void)state;
	assert_true(judge_by(FRAME(arp), NULL));
	assert_true(judge_by(tagged(FRAME(arp), 0x8100), NULL));
	assert_true(judge_by(tagged(tagged(FRAME(arp), 0x8100), 0x88a8), NULL));
	/* An echo request is not; what lies between 133 and 137 is. */
	assert_false(judge_by(nd, NULL));
	for (unsigned type = 0; type < 256; type++) {
		nd.bytes[ETHER + 40] = (uint8_t)type;
		assert_int_equal(judge_by(nd, NULL), type >= 133 && type <= 137);
	}
}

static void test_what_is_for_the_host_is_critical(void **state)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	struct frame tcp4 = FRAME(whole_tcp4), tcp6 = FRAME(whole_tcp6);

	(void)state;
	/* Before it is asked, the host has no address. */
	memcpy(tcp4.bytes + IP4_TO, "\x7f\0\0\1", 4);
	assert_false(judge_by(tcp4, NULL));
	host_refresh();
	assert_true(judge_by(tcp4, NULL));
	assert_true(judge_by(tagged(tcp4, 0x8100), NULL));
	/* A fragment, too: it has no ports, but it has an address. */
	tcp4.bytes[IP4_FRAGMENT + 1] = 1;
	assert_true(judge_by(tcp4, NULL));
	memcpy(tcp4.bytes + IP4_TO, "\x7f\0\0\2", 4);
	assert_false(judge_by(tcp4, NULL));
	if (host_has6(loopback6)) {
		memcpy(tcp6.bytes + IP6_TO, loopback6, 16);
		assert_true(judge_by(tcp6, NULL));
		tcp6.bytes[IP6_TO] = 1;
		assert_false(judge_by(tcp6, NULL));
	}
}

static void test_what_is_named_is_critical(void **state)
{
	struct frame tcp4 = FRAME(whole_tcp4), udp6 = FRAME(left_udp6), lldp = FRAME(arp);

	(void)state;
	assert_false(judge_by(tcp4, NULL));
	assert_true(judge_by(tcp4, "tcp:99"));
	/* Its other end: 0x9348. */
	assert_true(judge_by(tcp4, "tcp:37704"));
	assert_false(judge_by(tcp4, "tcp:98"));
	assert_false(judge_by(tcp4, "udp:99"));
	assert_true(judge_by(tcp4, "udp:99,proto:6"));
	assert_true(judge_by(tcp4, "ether:0x0800"));
	assert_false(judge_by(tcp4, "ether:0x86dd"));
	assert_true(judge_by(udp6, "icmp,udp:98"));
	assert_true(judge_by(FRAME(whole_icmp4), "icmp"));
	assert_false(judge_by(FRAME(whole_icmp4), "icmp6"));
	assert_true(judge_by(FRAME(whole_icmp6), "icmp6"));
	assert_true(judge_by(tagged(tcp4, 0x8100), "tcp:99"));
	/* Behind the first fragment there is no port, whatever stands there. */
	tcp4.bytes[IP4_FRAGMENT + 1] = 1;
	assert_false(judge_by(tcp4, "tcp:99"));
	lldp.bytes[ETHER - 2] = 0x88;
	lldp.bytes[ETHER - 1] = 0xcc;
	assert_false(judge_by(lldp, NULL));
	assert_true(judge_by(lldp, "ether:0x88cc"));
}

static void test_wrong_words_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",          "tcp",     "tcp:",   "tcp:0",  "tcp:65536",
		"tcp:-1",    "tcp:1x",  "tcp:1,", ",tcp:1", "icmp:1",
		"proto:256", "proto",   "Tcp:1",  "tc:1",   "tcp:1 ",
		"ether:",    "ether:0", "arp:1",  "tcpp:1", "tcp:000000000000000000000000000000001",
	};
	char many[33 * 5] = "";

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(wrong); i++) {
		struct critical c = { 0 };

		if (critical_parse(&c, wrong[i]) == NULL)
			fail_msg("'%s' is taken for right", wrong[i]);
	}
	for (unsigned i = 0; i < CRITICAL_MAX + 1; i++) {
		struct critical c = { 0 };

		strcat(many, i == 0 ? "icmp" : ",icmp");
		assert_int_equal(critical_parse(&c, many) == NULL, i < CRITICAL_MAX);
	}
}

/* Whatever lies behind a frame's end, it makes no difference. */
static void test_nothing_is_read_behind_the_end(void **state)
{
	struct frame frames[] = { FRAME(arp), FRAME(whole_tcp4), FRAME(whole_tcp6),
				  FRAME(whole_icmp6), tagged(FRAME(whole_tcp4), 0x88a8) };
	struct critical c = { 0 };

	(void)state;
	assert_null(critical_parse(&c, "tcp:99,icmp6,ether:0xffff,proto:255"));
	for (unsigned i = 0; i < RTE_DIM(frames); i++) {
		for (uint16_t n = 0; n <= frames[i].used; n++) {
			struct frame whole = frames[i], ones = frames[i], zeroes = frames[i];

			whole.used = ones.used = zeroes.used = n;
			memset(ones.bytes + n, 0xff, FRAME_MAX - n);
			memset(zeroes.bytes + n, 0, FRAME_MAX - n);
			assert_int_equal(judge(&ones, &c), judge(&zeroes, &c));
			assert_int_equal(judge(&ones, &c), judge(&whole, &c));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbours_are_always_critical),
		cmocka_unit_test(test_what_is_for_the_host_is_critical),
		cmocka_unit_test(test_what_is_named_is_critical),
		cmocka_unit_test(test_wrong_words_are_refused),
		cmocka_unit_test(test_nothing_is_read_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
