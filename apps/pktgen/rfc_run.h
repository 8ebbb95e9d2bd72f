/* SPDX-License-Identifier: BSD-3-Clause */
/* Run: one frame size of RFC 2544 under way; what its tests share. */
#ifndef RFC_RUN_H
#define RFC_RUN_H

#include "rfc2544.h"

struct rfc_run {
	const struct rfc_plan *plan;
	const struct rfc_device *device;
	struct rfc_row *row;
	enum rfc_test test;
	const char *part; /* of a test, to be named in its place; or NULL */
	unsigned trials;  /* so far */
	double done;      /* seconds of trials, as planned, before this test */
	double spent;     /* seconds of trials in this test */
};

/* pps 0: as fast as it goes. packets not 0: a burst. 0, -EINTR or the trial's -errno. */
int rfc_trial(struct rfc_run *run, double pps, double seconds, uint64_t packets,
	      struct trial_result *result);

/* Section 26.4, after the throughput. */
int rfc_bursts(struct rfc_run *run);

#endif
