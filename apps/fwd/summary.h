/* SPDX-License-Identifier: BSD-3-Clause */
/* Summary: what a run came to, in words and as JSON. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdint.h>

#include "level.h"
#include "loop.h"

struct summary {
	const struct options *o;
	const struct ports *ports;
	const struct loop *loop;
	double seconds;
	uint64_t kept_by_driver; /* still out when the ports were closed */
	uint64_t in_flight_at_exit;
	/* With options_judge(). */
	uint64_t min_free;
	const struct level *level;
	uint64_t reserve_used;   /* buffers drawn from the reserve */
	uint64_t marked_refused; /* of those, not for critical use */
	unsigned lcores;
};

void summary_print(const struct summary *s);

/*
 * Whether all that came in went out or was freed, and no more buffers are out
 * than drivers can have kept: else an application's own leak could hide behind
 * those. An enum app_exit.
 */
int summary_balance(const struct summary *s);

/* Writes and closes what output_open() returned. An enum app_exit. */
int summary_write(const struct summary *s, int fd);

#endif
