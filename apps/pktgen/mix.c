/* SPDX-License-Identifier: BSD-3-Clause */
/* Mix: things that take turns by their weights, such as the lengths of frames. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"

#define WEIGHT_MAX 1000000

int mix_add(struct mix *mix, uint64_t frame, uint64_t weight, struct wrong *wrong)
{
	if (mix->n == MIX_PARTS)
		return wrong_say(wrong, "more than %d lengths", MIX_PARTS);
	if (frame < MIX_FRAME_MIN || frame > MIX_FRAME_MAX)
		return wrong_say(wrong,
				 "a frame of %" PRIu64
				 " bytes: must be from %d to %d, FCS included",
				 frame, MIX_FRAME_MIN, MIX_FRAME_MAX);
	if (weight == 0 || weight > WEIGHT_MAX)
		return wrong_say(wrong, "a weight of %" PRIu64 ": must be from 1 to %d", weight,
				 WEIGHT_MAX);
	mix->part[mix->n].frame = (uint32_t)frame;
	mix->part[mix->n++].weight = (uint32_t)weight;
	return 0;
}

static int part_parse(struct mix *mix, const char **text, struct wrong *wrong)
{
	uint64_t frame, weight = 1;
	char *end;

	if (**text < '0' || **text > '9')
		return wrong_say(wrong,
				 "not a length: must be e.g. 512, imix or 64:7,594:4,1518:1");
	frame = strtoull(*text, &end, 10);
	if (*end == ':') {
		const char *at = end + 1;

		weight = strtoull(at, &end, 10);
		if (end == at || *at == '-' || *at == '+')
			return wrong_say(wrong, "no weight after %" PRIu64 ":", frame);
	}
	if (*end != ',' && *end != '\0')
		return wrong_say(wrong, "'%.20s' is no part of a mix: must be e.g. 64:7,594:4",
				 end);
	*text = *end == ',' ? end + 1 : end;
	if (*end == ',' && **text == '\0')
		return wrong_say(wrong, "nothing after the last comma");
	return mix_add(mix, frame, weight, wrong);
}

int mix_parse(struct mix *mix, const char *text, struct wrong *wrong)
{
	uint32_t weights[MIX_PARTS];
	uint16_t turns[MIX_TURNS];

	mix->n = 0;
	if (strcmp(text, "imix") == 0)
		text = "64:7,594:4,1518:1";
	do {
		int err = part_parse(mix, &text, wrong);

		if (err != 0)
			return err;
		weights[mix->n - 1] = mix->part[mix->n - 1].weight;
	} while (*text != '\0');
	return mix_turns(weights, mix->n, turns, wrong) < 0 ? -EINVAL : 0;
}

double mix_mean(const struct mix *mix)
{
	double bytes = 0, weight = 0;

	for (unsigned i = 0; i < mix->n; i++) {
		bytes += (double)mix->part[i].frame * mix->part[i].weight;
		weight += mix->part[i].weight;
	}
	return bytes / weight;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

int mix_turns(const uint32_t *weights, unsigned n, uint16_t turns[MIX_TURNS], struct wrong *wrong)
{
	int64_t credit[MIX_PARTS] = { 0 };
	uint64_t sum = 0;
	uint32_t divisor = 0;

	for (unsigned i = 0; i < n; i++) {
		divisor = common_divisor(weights[i], divisor);
		sum += weights[i];
	}
	if (divisor == 0)
		return wrong_say(wrong, "nothing that could take turns");
	sum /= divisor;
	if (sum > MIX_TURNS)
		return wrong_say(wrong,
				 "weights that begin again after %" PRIu64
				 " turns: at most %d, so smaller ones",
				 sum, MIX_TURNS);
	/* Smooth weighted round robin: the largest credit has the turn and pays for it. */
	for (uint64_t turn = 0; turn < sum; turn++) {
		unsigned best = 0;

		for (unsigned i = 0; i < n; i++) {
			credit[i] += weights[i] / divisor;
			if (credit[i] > credit[best])
				best = i;
		}
		credit[best] -= (int64_t)sum;
		turns[turn] = (uint16_t)best;
	}
	return (int)sum;
}
