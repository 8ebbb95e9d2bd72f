/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: how full the pool was over a run, in constant memory however long that is. */
#ifndef LEVEL_H
#define LEVEL_H

#include <jansson.h>
#include <stdint.h>

#define LEVEL_POINTS 512

struct level_point {
	double seconds;
	uint64_t free; /* the reserve not among them */
	uint64_t reserve;
};

/* Zero is an empty one. Written by one thread, read when that has ended. */
struct level {
	struct level_point points[LEVEL_POINTS];
	unsigned n;
	unsigned stride; /* one point in two to the power of that is kept */
	unsigned skip;   /* until the next that is */
};

/* Drops every other point when there are too many. */
void level_note(struct level *l, const struct level_point *point);

/* [[seconds, free, reserve], ...] */
json_t *level_json(const struct level *l);

#endif
