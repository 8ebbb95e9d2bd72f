/* SPDX-License-Identifier: BSD-3-Clause */
/* Prometheus: a sample in Prometheus' text format, version 0.0.4. */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

#include <jansson.h>
#include <stdio.h>

void prometheus_write(FILE *out, const json_t *json);

#endif
