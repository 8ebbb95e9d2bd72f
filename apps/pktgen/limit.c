/* SPDX-License-Identifier: BSD-3-Clause */
/* Limit: what a trial's result must keep to, for a run to have passed. */
#include <math.h>
#include <string.h>

#include "limit.h"
#include "trial.h"

static const struct {
	const char *name;
	bool least;
	double high;
} table[LIMITS] = {
	[LIMIT_LOSS] = { "max_loss", false, 1 },
	[LIMIT_DUPLICATED] = { "max_duplicated", false, 1e18 },
	[LIMIT_REORDERED] = { "max_reordered", false, 1e18 },
	[LIMIT_CORRUPT] = { "max_corrupt", false, 1e18 },
	[LIMIT_RX_PPS] = { "min_rx_pps", true, 1e9 },
	[LIMIT_TX_PPS] = { "min_tx_pps", true, 1e9 },
	[LIMIT_RATE_ERROR] = { "max_rate_error", false, 1 },
	[LIMIT_P50] = { "max_p50_us", false, 1e9 },
	[LIMIT_P99] = { "max_p99_us", false, 1e9 },
	[LIMIT_P999] = { "max_p999_us", false, 1e9 },
	[LIMIT_MAX] = { "max_latency_us", false, 1e9 },
};

const char *limit_name(enum limit limit)
{
	return table[limit].name;
}

enum limit limit_find(const char *name)
{
	unsigned limit = 0;

	while (limit < LIMITS && strcmp(name, table[limit].name) != 0)
		limit++;
	return limit;
}

void limit_range(enum limit limit, double *low, double *high)
{
	*low = 0;
	*high = table[limit].high;
}

double limit_measured(enum limit limit, const struct trial_result *r)
{
	switch (limit) {
	case LIMIT_LOSS:
		return r->sent == 0 ? 0 : (double)r->lost / (double)r->sent;
	case LIMIT_DUPLICATED:
		return (double)r->duplicated;
	case LIMIT_REORDERED:
		return (double)r->reordered;
	case LIMIT_CORRUPT:
		return (double)r->corrupt;
	case LIMIT_RX_PPS:
		return r->rx_pps;
	case LIMIT_TX_PPS:
		return r->tx_pps;
	case LIMIT_RATE_ERROR:
		return fabs(r->rate_error);
	case LIMIT_P50:
		return (double)r->latency.p50 / 1e3;
	case LIMIT_P99:
		return (double)r->latency.p99 / 1e3;
	case LIMIT_P999:
		return (double)r->latency.p999 / 1e3;
	case LIMIT_MAX:
		return (double)r->latency.max / 1e3;
	case LIMITS:
		break;
	}
	return NAN;
}

bool limit_measurable(enum limit limit, const struct trial_result *r)
{
	/* One packet has no rate. */
	if (limit == LIMIT_RATE_ERROR)
		return r->sent > 1;
	return r->sent > 0 && (limit < LIMIT_P50 || r->latency.count > 0);
}

bool limit_kept(enum limit limit, double value, const struct trial_result *r)
{
	double measured = limit_measured(limit, r);

	/* What could not be measured is no pass. */
	if (!limit_measurable(limit, r))
		return false;
	return table[limit].least ? measured >= value : measured <= value;
}

uint32_t limits_missed(const struct limits *l, const struct trial_result *r)
{
	uint32_t missed = 0;

	for (unsigned i = 0; i < LIMITS; i++)
		if (l->given >> i & 1 && !limit_kept(i, l->value[i], r))
			missed |= 1U << i;
	return missed;
}
