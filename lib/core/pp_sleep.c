/* SPDX-License-Identifier: BSD-3-Clause */
/* Sleep: futexes under deadlines that can be cancelled. */
#include "pp_sleep.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull

uint64_t pp_sleep_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

PP_API void pp_wait_until(struct pp_wait *wait, uint64_t deadline)
{
	wait->deadline = deadline;
	wait->cancelled = 0;
	wait->asleep = NULL;
}

PP_API void pp_wait_for(struct pp_wait *wait, uint64_t timeout_us)
{
	uint64_t now = pp_sleep_now();

	/* What cannot be told in nanoseconds is for ever, too. */
	pp_wait_until(wait, timeout_us > (UINT64_MAX - now) / 1000 ? PP_FOREVER
								   : now + timeout_us * 1000);
}

void pp_sleep_interrupt(struct pp_wait *wait, enum pp_wait_end who)
{
	uint32_t *kicks;

	/* W1: ended before where it sleeps is read; pairs with W2. */
	__atomic_fetch_or(&wait->cancelled, who, __ATOMIC_SEQ_CST);
	kicks = __atomic_load_n(&wait->asleep, __ATOMIC_SEQ_CST);
	if (kicks)
		pp_sleep_kick(kicks);
}

bool pp_sleep_resume(struct pp_wait *wait, enum pp_wait_end who)
{
	return __atomic_fetch_and(&wait->cancelled, ~(uint32_t)who, __ATOMIC_SEQ_CST) & who;
}

PP_API void pp_wait_cancel(struct pp_wait *wait)
{
	if (wait)
		pp_sleep_interrupt(wait, PP_WAIT_USER);
}

/* Not private: the word may lie in memory that several processes share. */
static void futex_wait(uint32_t *word, uint32_t seen, uint64_t until)
{
	struct timespec time = { (time_t)(until / SECOND), (long)(until % SECOND) };

	/* Woken, interrupted, too late: the caller looks again, whatever it was. */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET, seen, until == PP_FOREVER ? NULL : &time, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

int pp_sleep(struct pp_wait *wait, uint32_t *kicks, uint32_t seen, uint64_t until)
{
	int rc = 0;

	/* W2: says where it sleeps, then looks whether it is cancelled; pairs with W1. */
	__atomic_store_n(&wait->asleep, kicks, __ATOMIC_SEQ_CST);
	if (until > wait->deadline)
		until = wait->deadline;
	if (!__atomic_load_n(&wait->cancelled, __ATOMIC_SEQ_CST) &&
	    (until == PP_FOREVER || pp_sleep_now() < until))
		futex_wait(kicks, seen, until);
	__atomic_store_n(&wait->asleep, NULL, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&wait->cancelled, __ATOMIC_SEQ_CST))
		rc = -ECANCELED;
	else if (wait->deadline != PP_FOREVER && pp_sleep_now() >= wait->deadline)
		rc = -ETIMEDOUT;
	return rc;
}

void pp_sleep_kick(uint32_t *kicks)
{
	__atomic_fetch_add(kicks, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, kicks, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
