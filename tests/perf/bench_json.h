/* SPDX-License-Identifier: BSD-3-Clause */
/* Json: what every file of results is written with. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include "bench.h"

#include <jansson.h>

/* What was not measured, all its samples having been discarded, is null. */
json_t *json_figure(double value, bool there);
/* Writes, closes and releases; -EIO. */
int json_write(FILE *out, json_t *json);

#endif
