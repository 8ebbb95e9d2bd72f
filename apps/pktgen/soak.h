/* SPDX-License-Identifier: BSD-3-Clause */
/* Soak: the same load for hours, a line for each period, and memory that stays what it was. */
#ifndef SOAK_H
#define SOAK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "total.h"

struct soak_plan {
	struct trial_load load; /* without its seconds and packets */
	double seconds;         /* in all */
	double every;           /* seconds of a period */
	uint64_t growth;        /* KiB by which the program may grow after the first two periods */
};

struct soak_total {
	uint64_t periods;
	struct trial_result all;
	struct rows rows;              /* each of so many periods */
	uint64_t worst_lost;           /* in one period */
	double worst_at;               /* seconds from the start to the end of that period */
	uint64_t worst_p99, worst_max; /* nanoseconds, of any period */
	uint64_t kib_first;            /* resident after the second period, or the only one */
	uint64_t kib_last;
	uint64_t kib_most;
	bool grown; /* by more than it may */
};

/* A device, as in rfc2544.h. */
struct soak_device {
	int (*trial)(void *arg, const struct trial_load *load, struct trial_result *result);
	void *arg;
	void (*progress)(void *arg, const char *what, double done, double total);
	void *progress_arg;
};

/*
 * 0; -EINTR when interrupted, with the totals until then; or the trial's
 * -errno. Ends early when memory grows.
 */
int soak_run(const struct soak_plan *plan, const struct soak_device *device, FILE *out,
	     struct soak_total *total);

#endif
