/* SPDX-License-Identifier: BSD-3-Clause */
/* Qsbr: see pp_qsbr.h. */
#include "pp_qsbr.h"

#include <rte_lcore.h>
#include <rte_rcu_qsbr.h>

#include "pp_cache.h"

#ifdef PP_TSAN
#include <pthread.h>

/* rte_rcu_qsbr_check() reads acked_token plainly, which on x86-64 is an acquire.
 * The sanitizer cannot know. */
static pthread_mutex_t check_lock = PTHREAD_MUTEX_INITIALIZER;
#define CHECK_LOCK() pthread_mutex_lock(&check_lock)
#define CHECK_UNLOCK() pthread_mutex_unlock(&check_lock)
#else
#define CHECK_LOCK() ((void)0)
#define CHECK_UNLOCK() ((void)0)
#endif

PP_API uint32_t pp_qsbr_lcore(void)
{
	unsigned lcore = rte_lcore_id();

	return lcore < RTE_MAX_LCORE ? lcore : PP_QSBR_NONE;
}

static uint64_t qsbr_start(void *grace)
{
	return rte_rcu_qsbr_start(((struct pp_qsbr *)grace)->qsbr);
}

static bool qsbr_done(void *grace, uint64_t token)
{
	bool done;

	CHECK_LOCK();
	done = rte_rcu_qsbr_check(((struct pp_qsbr *)grace)->qsbr, token, false);
	CHECK_UNLOCK();
	return done;
}

/* A quiescent state of a thread that is offline would bring it online. */
static void reader_rest(struct rte_rcu_qsbr *qsbr, uint32_t reader)
{
	if (reader != PP_QSBR_NONE &&
	    __atomic_load_n(&qsbr->qsbr_cnt[reader].cnt, __ATOMIC_RELAXED) !=
		    __RTE_QSBR_CNT_THR_OFFLINE)
		rte_rcu_qsbr_quiescent(qsbr, reader);
}

/* Not rte_rcu_qsbr_synchronize(): that spins, reports the caller's state once only,
 * so that two who wait would hold up a third, and has no deadline. */
static int qsbr_synchronize(void *grace, struct pp_wait *wait)
{
	const struct pp_qsbr *q = grace;
	uint32_t reader = q->reader ? q->reader() : PP_QSBR_NONE;
	uint64_t token = rte_rcu_qsbr_start(q->qsbr);
	unsigned turn = 0;
	int rc = 0;

	do
		reader_rest(q->qsbr, reader);
	while (!qsbr_done(grace, token) && !(rc = pp_grace_pause(wait, &turn)));
	return rc;
}

static void qsbr_rest(void *grace)
{
	const struct pp_qsbr *q = grace;

	reader_rest(q->qsbr, q->reader ? q->reader() : PP_QSBR_NONE);
}

PP_API const struct pp_grace_ops pp_qsbr_ops = {
	.start = qsbr_start,
	.done = qsbr_done,
	.synchronize = qsbr_synchronize,
	.rest = qsbr_rest,
};
