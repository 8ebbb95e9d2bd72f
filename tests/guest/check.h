/* SPDX-License-Identifier: BSD-3-Clause */
/* Check: a claim that is counted and printed when it is not so, and the program goes on. */
#ifndef CHECK_H
#define CHECK_H

#include <stdatomic.h>
#include <stdio.h>

/* Of the program. */
extern _Atomic int failures;

/* Any thread. */
#define CHECK(claim, ...)                                                          \
	do {                                                                       \
		if (!(claim)) {                                                    \
			printf("%s:%d: not so: %s: ", __FILE__, __LINE__, #claim); \
			printf(__VA_ARGS__);                                       \
			printf("\n");                                              \
			atomic_fetch_add(&failures, 1);                            \
		}                                                                  \
	} while (0)

#endif
