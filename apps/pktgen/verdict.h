/* SPDX-License-Identifier: BSD-3-Clause */
/* Verdict: what is said of a result: limits that were missed, and ports that heard nothing. */
#ifndef VERDICT_H
#define VERDICT_H

#include <jansson.h>

#include "limit.h"
#include "options.h"
#include "trial.h"

struct generator;

/* Says which limits were missed and by what, and returns these: empty if all were kept. */
json_t *verdict_limits(const char *name, const struct limits *l, const struct trial_result *r);

/* What each lane sent and heard, over as many trials as are added. All zeros at first. */
struct silence {
	uint64_t sent[OPTIONS_LANES], heard[OPTIONS_LANES], foreign[OPTIONS_LANES];
};

/* The last trial's: after one that returned 0. */
void silence_add(struct silence *s, const struct generator *g);
/*
 * Nothing came though something should have: whatever the limits, that is no
 * measurement. Says on which ports; false if there is none.
 */
bool silence_say(const struct silence *s, const struct generator *g, const char *name);

#endif
