/* SPDX-License-Identifier: BSD-3-Clause */
/* Wait: until when a call may wait, and how another thread ends it early. */
#ifndef PP_WAIT_H
#define PP_WAIT_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A deadline that never comes. */
#define PP_FOREVER UINT64_MAX

/*
 * Made by pp_wait_for() or pp_wait_until(), good for any number of calls of
 * one thread until its deadline has passed or it has been cancelled. The
 * fields are the library's.
 */
struct pp_wait {
	uint64_t deadline; /* nanoseconds of CLOCK_MONOTONIC */
	uint32_t cancelled;
	uint32_t *asleep; /* what its waiter sleeps on, NULL while it does not */
};

/* A wait of `timeout_us` microseconds from now (0: try once), or PP_FOREVER. */
PP_API void pp_wait_for(struct pp_wait *wait, uint64_t timeout_us);
/* A wait until `deadline`, nanoseconds of CLOCK_MONOTONIC; one in the past is
 * a wait of none. */
PP_API void pp_wait_until(struct pp_wait *wait, uint64_t deadline);

/*
 * Ends the call that waits with it, and every later one, with errno
 * ECANCELED, unless what it waits for is there. Any thread of the process; a
 * signal handler may, too. The wait and the pool must outlive this call. NULL is
 * fine.
 */
PP_API void pp_wait_cancel(struct pp_wait *wait);

#ifdef __cplusplus
}
#endif
#endif
