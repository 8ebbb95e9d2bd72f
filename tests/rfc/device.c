/* SPDX-License-Identifier: BSD-3-Clause */
/* Device: one that forwards as it was built to, in no time: what a search must find is known. */
#include "device.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

int device_trial(void *arg, const struct trial_load *load, struct trial_result *result)
{
	struct device *d = arg;
	double pps = load->pps > 0 ? fmin(load->pps, d->most) : d->most;
	double packets = load->packets ? (double)load->packets : floor(pps * load->seconds);
	double lost = fmax(packets * (1 - d->capacity / pps) - d->buffer, 0);

	assert_true(d->trials < sizeof(d->loads) / sizeof(d->loads[0]));
	d->loads[d->trials++] = *load;
	if (d->error)
		return d->error;
	if (d->loses)
		lost += packets * d->loses(d, pps);
	*result = (struct trial_result){
		.sent = (uint64_t)packets,
		.lost = (uint64_t)fmin(ceil(lost - 1e-6), packets),
		.seconds = packets / pps,
		.tx_pps = pps,
		.interrupted = d->stop == d->trials,
	};
	result->received = result->sent - result->lost;
	d->seconds += result->seconds + (result->lost ? d->settle : 0);
	/* Times that say at which load, and in which trial, they were taken. */
	result->latency = (struct trial_latency){
		.count = result->received,
		.min = 1000 + d->trials,
		.p50 = (uint64_t)(2000 + 1000 * pps / d->capacity),
		.p90 = 4000,
		.p99 = 5000 + 100 * (d->trials % 2),
		.p999 = 6000,
		.max = 7000 + d->trials,
	};
	return 0;
}

int device_rest(void *arg, double seconds)
{
	struct device *d = arg;

	d->rests++;
	d->rested_short += seconds < 5;
	d->seconds += seconds;
	return d->stop_resting == d->rests ? -EINTR : 0;
}

void device_progress(void *arg, const char *what, double done, double total)
{
	struct device *d = arg;

	assert_non_null(what);
	assert_true(done >= d->last && done <= total);
	d->last = done;
	d->total = total;
}

int device_measure(void *arg, double pps, struct search_point *point)
{
	const struct trial_load load = { .frame = 64, .pps = pps, .seconds = 1 };
	struct trial_result result = { 0 };
	int error = device_trial(arg, &load, &result);

	point->offered = result.tx_pps;
	point->sent = result.sent;
	point->lost = result.lost;
	return error;
}
