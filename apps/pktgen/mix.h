/* SPDX-License-Identifier: BSD-3-Clause */
/* Mix: things that take turns by their weights, such as the lengths of frames. */
#ifndef MIX_H
#define MIX_H

#include <stdint.h>

#include "wrong.h"

#define MIX_PARTS 16
/* Turns after which all begins again: the sum of the weights less what divides them all. */
#define MIX_TURNS 4096
#define MIX_FRAME_MIN 64
#define MIX_FRAME_MAX 9600

struct mix {
	unsigned n;
	struct {
		uint32_t frame; /* bytes with the FCS */
		uint32_t weight;
	} part[MIX_PARTS];
};

/* "512", "imix" or "64:7,594:4,1518:1". 0 or -EINVAL. */
int mix_parse(struct mix *mix, const char *text, struct wrong *wrong);
int mix_add(struct mix *mix, uint64_t frame, uint64_t weight, struct wrong *wrong);

/* Bytes of its frames on average. */
double mix_mean(const struct mix *mix);

/*
 * Whose turn it is, turn by turn, each as evenly spread as can be: 7:4:1 is not
 * seven of the first in a row. Returns the turns, or -EINVAL: more than MIX_TURNS.
 */
int mix_turns(const uint32_t *weights, unsigned n, uint16_t turns[MIX_TURNS], struct wrong *wrong);

#endif
