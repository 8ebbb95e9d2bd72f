/* SPDX-License-Identifier: BSD-3-Clause */
/* Sleep: a thread asleep until it is kicked, cancelled, or its time has come. */
#ifndef PP_SLEEP_H
#define PP_SLEEP_H

#include "pp_wait.h"

/*
 * A word that counts kicks, in memory of one process or of several. Who waits
 * reads it, looks whether there is still reason to wait, and sleeps while it
 * is what was read: a kick in between is not lost.
 */
static inline uint32_t pp_sleep_kicks(const uint32_t *kicks)
{
	return __atomic_load_n(kicks, __ATOMIC_SEQ_CST);
}

/*
 * Returns 0 when kicked (or for no reason: look again), -ETIMEDOUT at the
 * wait's deadline, -ECANCELED when it is cancelled; 0 at `until` if that is
 * earlier (nanoseconds of CLOCK_MONOTONIC, or PP_FOREVER).
 */
int pp_sleep(struct pp_wait *wait, uint32_t *kicks, uint32_t seen, uint64_t until);

/*
 * Who ends a wait, in bits of `cancelled`. A layer that waits in the one beneath
 * it with its caller's wait can call that back with a bit of its own, and take
 * the bit away once the call has returned; any other bit is the user's will. Bits
 * from 8 upward are for mempools upon mempools.
 */
enum pp_wait_end { PP_WAIT_USER = 1, PP_WAIT_MEMPOOL = 2, PP_WAIT_OBJCACHE = 4 };
void pp_sleep_interrupt(struct pp_wait *wait, enum pp_wait_end who);
/* Whether it had been called back. */
bool pp_sleep_resume(struct pp_wait *wait, enum pp_wait_end who);

/* Wakes all who sleep on it, in any process. A signal handler may. */
void pp_sleep_kick(uint32_t *kicks);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t pp_sleep_now(void);

#endif
