/* SPDX-License-Identifier: BSD-3-Clause */
/* Result: what a trial came to, in words, as JSON and as CSV. */
#ifndef RESULT_H
#define RESULT_H

#include <jansson.h>

#include "trial.h"

/*
 * An object of all that there is in it, "loss" (a share of what was sent) added
 * and latencies under "latency_ns".
 */
json_t *result_json(const struct trial_result *r);
void result_print(const char *title, const struct trial_result *r);

/*
 * A line for each object of an array, a first line of names: those of the first
 * object; what is nested has its own names behind its parent's and a dot. The
 * caller frees it; NULL: no memory.
 */
char *result_csv(const json_t *rows);

/* CPU, cores, kernel, DPDK: for "machine". */
json_t *result_machine(void);

#endif
