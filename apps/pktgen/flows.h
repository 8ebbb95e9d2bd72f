/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows: what became of each flow in the last trial. */
#ifndef FLOWS_H
#define FLOWS_H

#include <jansson.h>

struct generator;

/*
 * How many flows there were, with loss, duplicates and reordering, and under
 * "worst" those up to `most` that lost the most, or else had the most of the
 * others. Between trials.
 */
json_t *flows_json(const struct generator *g, unsigned most);

#endif
