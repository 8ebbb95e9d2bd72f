/* SPDX-License-Identifier: BSD-3-Clause */
/* Rate: how many packets or bits a second, and when the next is due. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rate.h"
#include "trial.h"

static const struct {
	const char *name;
	enum rate_unit unit;
} units[] = {
	{ "pps", RATE_PPS },
	{ "bps", RATE_BPS_L1 },
	{ "bps-l1", RATE_BPS_L1 },
	{ "bps-l2", RATE_BPS_L2 },
};

int rate_parse(struct rate *rate, const char *text, struct wrong *wrong)
{
	static const char prefixes[] = "kMG";
	const char *prefix;
	char *end;

	*rate = (struct rate){ .unit = RATE_MAX };
	if (strcmp(text, "max") == 0)
		return 0;
	/* Not inf, nan or hexadecimal, which strtod() would read. */
	if (strspn(text, "0123456789.") == 0)
		return wrong_say(wrong, "not a rate: must be e.g. 1.5Mpps, 10Gbps or max");
	rate->value = strtod(text, &end);
	prefix = *end != '\0' ? strchr(prefixes, *end) : NULL;
	if (prefix != NULL) {
		rate->value *= pow(1000, (double)(prefix - prefixes) + 1);
		end++;
	}
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0)
			rate->unit = units[i].unit;
	if (rate->unit == RATE_MAX)
		return wrong_say(wrong,
				 "no unit: must be pps, bps (with preamble and gap), bps-l1 (the "
				 "same) or bps-l2 (without), after k, M or G, e.g. 1.5Mpps");
	if (!(rate->value > 0) || !isfinite(rate->value))
		return wrong_say(wrong, "no such rate: must be above 0, e.g. 1.5Mpps, or max");
	if (rate_pps(rate, 64) < 0 && rate->unit == RATE_PPS)
		return wrong_say(wrong, "impossible: above %.0f packets a second", RATE_PPS_MAX);
	return 0;
}

double rate_pps(const struct rate *rate, double frame)
{
	double pps = 0;

	switch (rate->unit) {
	case RATE_MAX:
		return 0;
	case RATE_PPS:
		pps = rate->value;
		break;
	case RATE_BPS_L1:
		pps = rate->value / 8 / (frame + TRIAL_WIRE_BYTES);
		break;
	case RATE_BPS_L2:
		pps = rate->value / 8 / frame;
		break;
	}
	return pps > RATE_PPS_MAX ? -1 : pps;
}

void pacer_begin(struct pacer *p, double pps, double ticks_per_second, uint64_t now)
{
	*p = (struct pacer){
		.per_tick = pps / ticks_per_second,
		.start = now,
	};
}
