/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: with an empty pool, a receiver goes on with what is critical and pays back the rest. */
#include "dpdk_dry.h"

#include <pthread.h>

#include "pp_critical.h"

#define BURST 32

/* Its first byte says what a packet is: 1 is critical. */
static struct rte_mbuf *packet_make(struct rte_mbuf *m, uint8_t critical)
{
	*rte_pktmbuf_append(m, 1) = (char)critical;
	return m;
}

static bool first_byte(const struct rte_mbuf *m, void *arg)
{
	++*(unsigned *)arg;
	return *rte_pktmbuf_mtod(m, const char *) == 1;
}

static void test_only_who_receives_draws_on_the_reserve(void **state)
{
	uint64_t before = pp_critical_drawn();
	struct dry dry = dry_pool();
	struct rte_mbuf *m[BURST];

	(void)state;
	assert_int_not_equal(dry_refill(&dry, m, 1), 0);
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, m, BURST), 0);
	assert_int_equal(pp_critical_end(m, BURST, NULL, NULL), BURST);
	assert_int_equal(pp_critical_drawn() - before, BURST);
	for (unsigned i = 0; i < BURST; i++) {
		test_mbuf_assert(dry.mp, m[i]);
		assert_true(pp_critical_marked(m[i]));
	}
	assert_false(pp_critical_marked(dry.held[0]));
	assert_int_equal(dry_books(&dry).reserve, RESERVE - BURST);
	/* Again nobody's. */
	assert_int_not_equal(dry_refill(&dry, m, 1), 0);
	rte_pktmbuf_free_bulk(m, BURST);
	dry_paid_assert(&dry);
	dry_close(&dry);
}

static void test_a_refill_gets_all_or_nothing(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *m[RESERVE + 1];
	unsigned asked = 0;

	(void)state;
	pp_critical_begin();
	assert_int_not_equal(dry_refill(&dry, m, RESERVE + 1), 0);
	assert_int_equal(dry_books(&dry).reserve, RESERVE);
	/* What is free counts, too. */
	rte_pktmbuf_free(dry.held[--dry.n]);
	assert_int_equal(dry_refill(&dry, m, RESERVE + 1), 0);
	for (unsigned i = 0; i <= RESERVE; i++)
		packet_make(m[i], 0);
	/* One of them is not out of the reserve, and may be used for anything. */
	assert_int_equal(pp_critical_end(m, RESERVE + 1, first_byte, &asked), 1);
	assert_int_equal(asked, RESERVE + 1);
	assert_false(pp_critical_marked(m[0]));
	dry.held[dry.n++] = m[0];
	dry_paid_assert(&dry);
	dry_close(&dry);
}

static void test_what_is_not_critical_is_refused_and_counted(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *m[BURST], *want[BURST];
	unsigned asked = 0, n = 0;

	(void)state;
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, m, BURST), 0);
	for (unsigned i = 0; i < BURST; i++) {
		packet_make(m[i], i % 4 == 0);
		if (i % 4 == 0)
			want[n++] = m[i];
	}
	assert_int_equal(pp_critical_end(m, BURST, first_byte, &asked), n);
	assert_memory_equal(m, want, n * sizeof(*m));
	assert_int_equal(dry_books(&dry).sum.refused, BURST - n);
	assert_int_equal(dry_books(&dry).marked, n);
	rte_pktmbuf_free_bulk(m, n);
	dry_paid_assert(&dry);
	dry_close(&dry);
}

/* As net_af_xdp, net_tap and most hardware: a ring of older buffers, which are delivered. */
static void test_a_mark_passes_to_what_is_delivered_instead(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *drawn[BURST], *m[BURST];
	unsigned asked = 0;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		/* Half of the refill is still to be had. */
		rte_pktmbuf_free_bulk(dry.held + dry.n - BURST / 2, BURST / 2);
		dry.n -= BURST / 2;
		pp_critical_begin();
		assert_int_equal(dry_refill(&dry, drawn, BURST), 0);
		for (unsigned i = 0; i < BURST; i++)
			m[i] = packet_make(dry.held[i], i % 4 == 0);
		memcpy(dry.held, drawn, sizeof(drawn));
		/* Eight critical, and the marks are on those that are not: so all
		 * eight are in buffers for any use, and eight others, too. */
		assert_int_equal(pp_critical_end(m, BURST, first_byte, &asked), BURST / 2);
		for (unsigned i = 0; i < BURST / 2; i++)
			assert_false(pp_critical_marked(m[i]));
		for (unsigned i = 0; i < BURST; i++)
			assert_false(pp_critical_marked(drawn[i]));
		dry_paid_assert(&dry);
		for (unsigned i = 0; i < BURST / 2; i++) {
			rte_pktmbuf_reset(m[i]);
			dry.held[dry.n++] = m[i];
		}
	}
	dry_close(&dry);
}

static void test_where_all_is_critical_it_bears_the_marks(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *drawn[BURST], *m[BURST];

	(void)state;
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, drawn, BURST), 0);
	memcpy(m, dry.held, sizeof(m));
	memcpy(dry.held, drawn, sizeof(m));
	assert_int_equal(pp_critical_end(m, BURST, NULL, NULL), BURST);
	for (unsigned i = 0; i < BURST; i++) {
		assert_true(pp_critical_marked(m[i]));
		assert_false(pp_critical_marked(drawn[i]));
	}
	rte_pktmbuf_free_bulk(m, BURST);
	dry_paid_assert(&dry);
	dry_close(&dry);
}

static void test_what_is_not_delivered_stays_owed(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *drawn[BURST], *m[BURST];
	unsigned asked = 0;

	(void)state;
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, drawn, BURST), 0);
	m[0] = packet_make(dry.held[0], 0);
	dry.held[0] = drawn[0];
	assert_int_equal(pp_critical_end(m, 1, first_byte, &asked), 0);
	assert_int_equal(dry_books(&dry).marked, BURST - 1);
	/* Nothing is drawn, but what comes is looked at: an older one, and one
	 * that was drawn itself. */
	pp_critical_begin();
	m[0] = packet_make(dry.held[1], 0);
	m[1] = packet_make(drawn[2], 0);
	assert_int_equal(pp_critical_end(m, 2, first_byte, &asked), 0);
	assert_int_equal(asked, 3);
	assert_int_equal(dry_books(&dry).marked, BURST - 3);
	/* The driver frees one: it is at home by itself, and nobody's debt. */
	for (unsigned i = 1; i < BURST; i++)
		if (i != 2 && pp_critical_marked(drawn[i])) {
			rte_pktmbuf_free(drawn[i]);
			drawn[i] = NULL;
			break;
		}
	for (unsigned i = 2; i < BURST; i++) {
		pp_critical_begin();
		m[0] = packet_make(dry.held[i], 0);
		if (pp_critical_end(m, 1, first_byte, &asked)) {
			/* All is paid: this one may be held. */
			rte_pktmbuf_reset(m[0]);
			dry.held[dry.n++] = m[0];
		}
		dry.held[i] = NULL;
	}
	assert_int_equal(pp_critical.owed, 0);
	dry_paid_assert(&dry);
	/* Those in the ring are ordinary buffers now. */
	dry.held[1] = NULL;
	for (unsigned i = 1; i < BURST; i++)
		if (i != 2 && drawn[i]) {
			assert_false(pp_critical_marked(drawn[i]));
			rte_pktmbuf_free(drawn[i]);
		}
	dry_close(&dry);
}

/* One segment of the reserve makes a packet of it. */
static void test_a_chain_is_refused_as_a_whole(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *tail, *m[1];
	unsigned asked = 0;

	(void)state;
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, &tail, 1), 0);
	m[0] = packet_make(dry.held[--dry.n], 0);
	m[0]->next = tail;
	m[0]->nb_segs = 2;
	assert_true(pp_critical_marked(m[0]));
	assert_int_equal(pp_critical_end(m, 1, first_byte, &asked), 0);
	dry_paid_assert(&dry);
	/* The other segment is to be had by anybody. */
	assert_int_equal(dry_refill(&dry, m, 1), 0);
	test_mbuf_assert(dry.mp, m[0]);
	dry.held[dry.n++] = m[0];
	dry_close(&dry);
}

static void test_a_freed_mempool_is_owed_nothing(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *drawn[BURST], *m[1];
	unsigned asked = 0;

	(void)state;
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, drawn, BURST), 0);
	assert_int_equal(pp_critical_end(drawn, 0, NULL, NULL), 0);
	assert_int_equal(pp_critical.owed, BURST);
	rte_pktmbuf_free_bulk(drawn, BURST);
	dry_close(&dry);
	dry = dry_pool();
	pp_critical_begin();
	m[0] = packet_make(dry.held[--dry.n], 0);
	assert_int_equal(pp_critical_end(m, 1, first_byte, &asked), 1);
	assert_int_equal(pp_critical.owed, 0);
	rte_pktmbuf_free(m[0]);
	dry_close(&dry);
}

static void test_a_mark_stays_in_its_pool(void **state)
{
	struct dry one = dry_pool(), other = dry_pool();
	struct rte_mbuf *drawn, *m[1];
	unsigned asked = 0;

	(void)state;
	pp_critical_begin();
	assert_int_equal(dry_refill(&one, &drawn, 1), 0);
	m[0] = packet_make(other.held[0], 0);
	assert_int_equal(pp_critical_end(m, 1, first_byte, &asked), 1);
	assert_int_equal(pp_critical.owed, 1);
	assert_true(pp_critical_marked(drawn));
	m[0] = packet_make(one.held[0], 0);
	one.held[0] = drawn;
	pp_critical_begin();
	assert_int_equal(pp_critical_end(m, 1, first_byte, &asked), 0);
	assert_int_equal(pp_critical.owed, 0);
	dry_paid_assert(&one);
	dry_paid_assert(&other);
	dry_close(&one);
	dry_close(&other);
}

static void test_an_answer_can_be_allocated(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mempool *other = rte_pktmbuf_pool_create("other", 63, 0, 0, 256, SOCKET_ID_ANY);
	struct rte_mbuf *m[RESERVE];

	(void)state;
	assert_non_null(other);
	assert_null(pp_critical_alloc(other));
	assert_null(pp_critical_alloc(NULL));
	for (unsigned i = 0; i < RESERVE; i++) {
		m[i] = pp_critical_alloc(dry.mp);
		assert_non_null(m[i]);
		test_mbuf_assert(dry.mp, m[i]);
		assert_int_equal(rte_pktmbuf_headroom(m[i]), RTE_PKTMBUF_HEADROOM);
		assert_true(pp_critical_marked(m[i]));
	}
	assert_null(pp_critical_alloc(dry.mp));
	rte_pktmbuf_free_bulk(m, RESERVE);
	dry_paid_assert(&dry);
	rte_mempool_free(other);
	dry_close(&dry);
}

static void *other_thread(void *arg)
{
	const struct dry *dry = arg;
	struct rte_mbuf *m;

	return (void *)(intptr_t)(dry_refill(dry, &m, 1) == 0 || pp_critical_drawn() != 0);
}

static void test_that_one_receives_is_no_matter_of_the_others(void **state)
{
	struct dry dry = dry_pool();
	pthread_t thread;
	void *got;

	(void)state;
	pp_critical_begin();
	assert_int_equal(pthread_create(&thread, NULL, other_thread, &dry), 0);
	pthread_join(thread, &got);
	assert_null(got);
	assert_int_equal(pp_critical_end(NULL, 0, NULL, NULL), 0);
	dry_close(&dry);
}

/* Two receivers, each with a ring of its own, under a flood. */
struct receiver {
	const struct dry *dry;
	struct rte_mbuf *ring[BURST];
	unsigned seed, kept;
};

static void *receiver_run(void *arg)
{
	struct receiver *r = arg;
	struct rte_mbuf *fresh[BURST], *m[BURST];
	unsigned asked = 0;

	for (unsigned round = 0; round < 20000; round++) {
		unsigned n = 1 + (unsigned)rand_r(&r->seed) % (RESERVE / 2);
		uint16_t kept;

		pp_critical_begin();
		if (rte_pktmbuf_alloc_bulk(r->dry->mp, fresh, n)) {
			pp_critical_end(m, 0, NULL, NULL);
			continue;
		}
		for (unsigned i = 0; i < n; i++) {
			m[i] = packet_make(r->ring[i], rand_r(&r->seed) % 8 == 0);
			r->ring[i] = fresh[i];
		}
		kept = pp_critical_end(m, (uint16_t)n, first_byte, &asked);
		r->kept += kept;
		rte_pktmbuf_free_bulk(m, kept);
	}
	return NULL;
}

static void test_two_receivers_leave_the_books_right(void **state)
{
	struct dry dry = dry_pool();
	struct receiver receivers[2] = { { .dry = &dry, .seed = 1 }, { .dry = &dry, .seed = 2 } };
	pthread_t threads[2];
	struct pp_stats s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		dry.n -= BURST;
		memcpy(receivers[i].ring, dry.held + dry.n, sizeof(receivers[i].ring));
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, receiver_run, &receivers[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	dry_paid_assert(&dry);
	s = dry_books(&dry);
	assert_true(s.sum.refused > 0);
	assert_true(receivers[0].kept > 0 && receivers[1].kept > 0);
	for (unsigned i = 0; i < 2; i++)
		rte_pktmbuf_free_bulk(receivers[i].ring, BURST);
	dry_close(&dry);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_who_receives_draws_on_the_reserve),
		cmocka_unit_test(test_a_refill_gets_all_or_nothing),
		cmocka_unit_test(test_what_is_not_critical_is_refused_and_counted),
		cmocka_unit_test(test_a_mark_passes_to_what_is_delivered_instead),
		cmocka_unit_test(test_where_all_is_critical_it_bears_the_marks),
		cmocka_unit_test(test_what_is_not_delivered_stays_owed),
		cmocka_unit_test(test_a_chain_is_refused_as_a_whole),
		cmocka_unit_test(test_a_freed_mempool_is_owed_nothing),
		cmocka_unit_test(test_a_mark_stays_in_its_pool),
		cmocka_unit_test(test_an_answer_can_be_allocated),
		cmocka_unit_test(test_that_one_receives_is_no_matter_of_the_others),
		cmocka_unit_test(test_two_receivers_leave_the_books_right),
	};

	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
