/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs: patterns of getting from and putting to a mempool, by the main lcore or by two. */
#ifndef OPS_JOBS_H
#define OPS_JOBS_H

#include <stdio.h>
#include <stdlib.h>

#include <rte_mempool.h>

/* What hold and contended hold at a time. */
#define HELD 4096

enum pattern { HOT, HOLD, PIPELINE, CONTENDED, PATTERNS };

/* Inline: it stands in what is measured. */
static inline void must(int good, const char *what)
{
	if (good)
		return;
	printf("%s\n", what);
	exit(1);
}

/* Once EAL has started. */
void jobs_begin(void);
/* Cycles an object, of n at a time for so many milliseconds. */
double job_run(struct rte_mempool *mp, enum pattern pattern, unsigned n, unsigned ms);
/* Nanoseconds that a line takes from one lcore to the other and back. */
double trip_measure(void);

#endif
