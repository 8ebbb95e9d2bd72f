/* SPDX-License-Identifier: BSD-3-Clause */
/* Total: results of trials put together, and a bounded number of rows that stand for all of them. */
#include "total.h"

#define MORE(a, b) ((a) > (b) ? (a) : (b))

static double mean(double a, double weight, double b, double other)
{
	return weight + other > 0 ? (a * weight + b * other) / (weight + other) : 0;
}

static void latency_add(struct trial_latency *l, const struct trial_latency *r)
{
	if (r->count == 0)
		return;
	if (l->count == 0 || r->min < l->min)
		l->min = r->min;
	l->mean = mean(l->mean, (double)l->count, r->mean, (double)r->count);
	l->count += r->count;
	l->p50 = MORE(l->p50, r->p50);
	l->p90 = MORE(l->p90, r->p90);
	l->p99 = MORE(l->p99, r->p99);
	l->p999 = MORE(l->p999, r->p999);
	l->max = MORE(l->max, r->max);
}

void total_add(struct trial_result *total, const struct trial_result *r)
{
	double before = total->seconds;

	total->sent += r->sent;
	total->received += r->received;
	total->lost += r->lost;
	total->duplicated += r->duplicated;
	total->reordered += r->reordered;
	total->extent = MORE(total->extent, r->extent);
	total->corrupt += r->corrupt;
	total->foreign += r->foreign;
	total->refused += r->refused;
	total->seconds += r->seconds;
	total->tx_pps = mean(total->tx_pps, before, r->tx_pps, r->seconds);
	total->rx_pps = mean(total->rx_pps, before, r->rx_pps, r->seconds);
	total->tx_bps_l1 = mean(total->tx_bps_l1, before, r->tx_bps_l1, r->seconds);
	total->tx_bps_l2 = mean(total->tx_bps_l2, before, r->tx_bps_l2, r->seconds);
	total->rate_error = mean(total->rate_error, before, r->rate_error, r->seconds);
	total->interrupted |= r->interrupted;
	latency_add(&total->latency, &r->latency);
}

static void row_merge(struct row *row, const struct row *next)
{
	total_add(&row->sum, &next->sum);
	row->results += next->results;
	row->at = next->at;
}

static void rows_halve(struct rows *rows)
{
	for (unsigned i = 0; i < ROWS_MAX / 2; i++) {
		rows->at[i] = rows->at[2 * i];
		row_merge(&rows->at[i], &rows->at[2 * i + 1]);
	}
	rows->n = ROWS_MAX / 2;
	rows->each *= 2;
}

void rows_add(struct rows *rows, const struct trial_result *r, double at)
{
	const struct row row = { .at = at, .results = 1, .sum = *r };

	if (rows->each == 0)
		rows->each = 1;
	if (rows->n > 0 && rows->at[rows->n - 1].results < rows->each) {
		row_merge(&rows->at[rows->n - 1], &row);
		return;
	}
	if (rows->n == ROWS_MAX)
		rows_halve(rows);
	rows->at[rows->n++] = row;
}
