/* SPDX-License-Identifier: BSD-3-Clause */
/* Total: results of trials put together, and a bounded number of rows that stand for all of them. */
#ifndef TOTAL_H
#define TOTAL_H

#include "trial.h"

/*
 * Counts add up, rates are means over the seconds, percentiles the worst of
 * either. total is all zeros at first.
 */
void total_add(struct trial_result *total, const struct trial_result *r);

#define ROWS_MAX 1024

/* A day's results in as much memory as an hour's: when it is full, neighbours become one. */
struct rows {
	unsigned n;
	uint64_t each; /* results of which a row is made: 0 and 1 are one, then 2, 4, ... */
	struct row {
		double at;        /* seconds, to the end of the last */
		uint64_t results; /* that it is made of; the last row may have fewer */
		struct trial_result sum;
	} at[ROWS_MAX];
};

void rows_add(struct rows *rows, const struct trial_result *r, double at);

#endif
