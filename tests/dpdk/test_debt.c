/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: a debt is of one draw: when that has come home by itself, it takes nobody's mark. */
#include "dpdk_dry.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pp_critical.h"

static bool nothing_is_critical(const struct rte_mbuf *m, void *arg)
{
	(void)m;
	(void)arg;
	return false;
}

/* One mbuf drawn and owed, which the driver has freed since, as at a port's stop. */
static struct rte_mbuf *debt_make(const struct dry *dry)
{
	struct rte_mbuf *m;

	pp_critical_begin();
	assert_int_equal(dry_refill(dry, &m, 1), 0);
	assert_int_equal(pp_critical_end(NULL, 0, NULL, NULL), 0);
	assert_int_equal(pp_critical.owed, 1);
	rte_pktmbuf_free(m);
	dry_paid_assert(dry);
	return m;
}

/* An ordinary packet comes: it is not refused, and the debt is forgotten. */
static void ordinary_packet_comes(struct dry *dry)
{
	struct rte_mbuf *m = dry->held[--dry->n];

	pp_critical_begin();
	assert_int_equal(pp_critical_end(&m, 1, nothing_is_critical, NULL), 1);
	assert_false(pp_critical_marked(m));
	assert_int_equal(pp_critical.owed, 0);
	assert_int_equal(dry_books(dry).sum.refused, 0);
	dry->held[dry->n++] = m;
}

/* Another who receives, draws the whole reserve, and has it in its ring. */
struct other {
	const struct dry *dry;
	pthread_barrier_t drawn, looked;
	struct rte_mbuf *ring[RESERVE], *m;
};

static void *other_run(void *arg)
{
	struct other *other = arg;
	const char *complaint = NULL;
	uint16_t left;

	pp_critical_begin();
	if (dry_refill(other->dry, other->ring, RESERVE))
		complaint = "the reserve was not whole";
	pp_critical_end(NULL, 0, NULL, NULL);
	pthread_barrier_wait(&other->drawn);
	pthread_barrier_wait(&other->looked);
	if (complaint)
		return (void *)(uintptr_t)complaint;
	for (unsigned i = 0; i < RESERVE; i++)
		if (!pp_critical_marked(other->ring[i]))
			complaint = "another's debt has taken a mark";
	/* What comes out of its ring in these is refused, all of it. */
	pp_critical_begin();
	left = pp_critical_end(other->ring, RESERVE, nothing_is_critical, NULL);
	if (left || pp_critical.owed)
		complaint = "the ring's buffers are taken for ordinary ones";
	rte_pktmbuf_free_bulk(other->ring, left);
	return (void *)(uintptr_t)complaint;
}

static void test_what_another_has_drawn_since_keeps_its_mark(void **state)
{
	struct dry dry = dry_pool();
	struct other *other = calloc(1, sizeof(*other));
	pthread_t thread;
	void *complaint;

	(void)state;
	assert_non_null(other);
	other->dry = &dry;
	pthread_barrier_init(&other->drawn, NULL, 2);
	pthread_barrier_init(&other->looked, NULL, 2);
	debt_make(&dry);
	assert_int_equal(pthread_create(&thread, NULL, other_run, other), 0);
	pthread_barrier_wait(&other->drawn);
	ordinary_packet_comes(&dry);
	assert_int_equal(dry_books(&dry).marked, RESERVE);
	pthread_barrier_wait(&other->looked);
	pthread_join(thread, &complaint);
	if (complaint)
		fail_msg("%s", (char *)complaint);
	free(other);
	dry_paid_assert(&dry);
	dry_close(&dry);
}

static void test_what_was_allocated_since_keeps_its_mark(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *m[RESERVE];

	(void)state;
	debt_make(&dry);
	for (unsigned i = 0; i < RESERVE; i++) {
		m[i] = pp_critical_alloc(dry.mp);
		assert_non_null(m[i]);
	}
	ordinary_packet_comes(&dry);
	for (unsigned i = 0; i < RESERVE; i++)
		assert_true(pp_critical_marked(m[i]));
	rte_pktmbuf_free_bulk(m, RESERVE);
	dry_paid_assert(&dry);
	dry_close(&dry);
}

/* The second debt of the same mbuf is the one that counts. */
static void test_what_is_drawn_again_is_owed_once(void **state)
{
	struct dry dry = dry_pool();
	struct rte_mbuf *drawn[RESERVE], *m[RESERVE + 1];

	(void)state;
	debt_make(&dry);
	pp_critical_begin();
	assert_int_equal(dry_refill(&dry, drawn, RESERVE), 0);
	memcpy(m, dry.held, sizeof(m));
	assert_int_equal(pp_critical_end(m, RESERVE + 1, nothing_is_critical, NULL), 1);
	assert_int_equal(pp_critical.owed, 0);
	assert_int_equal(dry_books(&dry).sum.refused, RESERVE);
	dry_paid_assert(&dry);
	/* Those in the ring are ordinary buffers now. */
	memcpy(dry.held, drawn, sizeof(drawn));
	dry.held[RESERVE] = m[0];
	dry_close(&dry);
}

/* A forked child draws what its parent owes. */
static int child_draw(const struct dry *dry, int up, int down)
{
	struct rte_mbuf *m[RESERVE];
	int wrong = 0;
	char c = 0;

	pp_critical_begin();
	wrong |= dry_refill(dry, m, RESERVE);
	if (wrong || write(up, &c, 1) != 1 || read(down, &c, 1) != 1)
		return 1;
	for (unsigned i = 0; i < RESERVE; i++)
		wrong |= !pp_critical_marked(m[i]);
	rte_pktmbuf_free_bulk(m, RESERVE);
	return wrong;
}

static void test_what_a_child_has_drawn_keeps_its_mark(void **state)
{
	struct dry dry = dry_pool();
	int up[2], down[2], status;
	char c;
	pid_t pid;

	(void)state;
	debt_make(&dry);
	assert_int_equal(pipe(up) | pipe(down), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* So that it ends with its parent. */
		close(down[1]);
		_exit(child_draw(&dry, up[1], down[0]));
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	ordinary_packet_comes(&dry);
	assert_int_equal(write(down[1], &c, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	dry_paid_assert(&dry);
	dry_close(&dry);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_another_has_drawn_since_keeps_its_mark),
		cmocka_unit_test(test_what_was_allocated_since_keeps_its_mark),
		cmocka_unit_test(test_what_is_drawn_again_is_owed_once),
		cmocka_unit_test(test_what_a_child_has_drawn_keeps_its_mark),
	};

	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
