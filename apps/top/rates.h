/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates: what has happened between two samples, a second. */
#ifndef RATES_H
#define RATES_H

#include <jansson.h>

/* In each pool that was there `before` (NULL: none was) with the same process. */
void rates_set(json_t *now, const json_t *before);

#endif
