/* SPDX-License-Identifier: BSD-3-Clause */
/* Rfc2544: a device measured as RFC 2544 says, frame size by frame size. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "rfc_run.h"

/* Shares of the throughput; FD.io CSIT's, too. */
static const double rfc_latency_loads[RFC_LATENCY_LOADS] = { 0.1, 0.5, 0.9 };

/* What is sent is never more than planned; what is left shrinks, even where a search takes longer. */
static void run_announce(const struct rfc_run *run, double seconds)
{
	double planned = rfc_plan_test_seconds(run->plan, run->test), spent = run->spent;
	char what[64];

	if (!run->device->progress)
		return;
	if (spent + seconds > planned)
		spent = fmax(planned - seconds, 0);
	snprintf(what, sizeof(what), "%u B, %s", run->row->frame,
		 run->part ? run->part : rfc_test_names[run->test]);
	run->device->progress(run->device->progress_arg, what, run->done + spent,
			      rfc_plan_seconds(run->plan));
}

int rfc_trial(struct rfc_run *run, double pps, double seconds, uint64_t packets,
	      struct trial_result *result)
{
	const struct trial_load load = {
		.frame = run->row->frame,
		.pps = pps,
		.seconds = seconds,
		.packets = packets,
	};
	int error = 0;

	*result = (struct trial_result){ 0 };
	run_announce(run, seconds + rfc_plan_pause(run->plan));
	if (run->trials++ > 0 && run->plan->rest > 0 && run->device->rest)
		error = run->device->rest(run->device->arg, run->plan->rest);
	if (!error)
		error = run->device->trial(run->device->arg, &load, result);
	run->spent += seconds + rfc_plan_pause(run->plan);
	if (!error && result->interrupted)
		return -EINTR;
	return error;
}

/* A device from which nothing came may have been busy elsewhere: trials until it is silent. */
#define RFC_PATIENCE 5

/* The highest rate, and what comes back at it. */
static int run_maximum(struct rfc_run *run)
{
	const struct rfc_plan *plan = run->plan;
	struct rfc_row *row = run->row;
	uint64_t sent = 0, received = 0, lost = 0;
	double seconds = 0, reached = 0;
	unsigned trials = 0;

	run->part = "MRR";
	if (plan->line_rate > 0)
		row->most = plan->line_rate / 8 / (row->frame + TRIAL_WIRE_BYTES);
	while (trials < plan->repetitions ||
	       (!received && trials < plan->repetitions + RFC_PATIENCE)) {
		struct trial_result result;
		int error = rfc_trial(run, row->most, plan->seconds, 0, &result);

		if (error)
			return error;
		trials++;
		sent += result.sent;
		received += result.received;
		lost += result.lost;
		seconds += result.seconds;
		reached += result.tx_pps;
	}
	if (!received || !(seconds > 0))
		return -ENODATA;
	if (plan->line_rate <= 0)
		row->most = reached / trials;
	row->mrr = (double)received / seconds;
	row->mrr_lost = sent ? (double)lost / (double)sent : 0;
	return 0;
}

/* All that the sender can is sent without a pace: keeping one costs it some. */
static double run_pace(const struct rfc_run *run, double pps)
{
	return run->plan->line_rate <= 0 && pps >= run->row->most * 0.9999 ? 0 : pps;
}

static int run_measure(void *arg, double pps, struct search_point *point)
{
	struct rfc_run *run = arg;
	struct trial_result result;
	int error = rfc_trial(run, run_pace(run, pps), run->plan->seconds, 0, &result);

	point->offered = result.tx_pps;
	point->sent = result.sent;
	point->lost = result.lost;
	return error;
}

static int run_throughput(struct rfc_run *run)
{
	const struct rfc_plan *plan = run->plan;
	struct rfc_row *row = run->row;
	struct search search = {
		.measure = run_measure,
		.arg = run,
		.repetitions = plan->repetitions,
		.probes = RFC_PROBES,
		.confirm = plan->confirm,
	};
	int error = run_maximum(run);

	if (error)
		return error;
	search.most = row->most;
	search.resolution = plan->resolution * row->most;
	run->part = "NDR";
	error = search_run(&search, 0, &row->ndr.search);
	if (error)
		return error;
	/* Losing something begins at the same loads or above. */
	run->part = "PDR";
	row->pdr.allowed = plan->partial;
	error = search_run(&search, plan->partial, &row->pdr.search);
	/* What loses nothing loses no more than a little, whatever the sender could offer since. */
	if (!error && row->pdr.search.load < row->ndr.search.load)
		row->pdr.search = row->ndr.search;
	return error;
}

static int run_latency_at(struct rfc_run *run, struct rfc_latency *latency)
{
	unsigned repetitions = run->plan->latency_repetitions, counted = 0;

	for (unsigned i = 0; i < repetitions; i++) {
		const struct trial_latency *seen;
		struct trial_result result;
		int error = rfc_trial(run, run->row->ndr.search.load * latency->load,
				      run->plan->latency_seconds, 0, &result);

		if (error)
			return error;
		latency->pps += result.tx_pps / repetitions;
		latency->sent += result.sent;
		latency->lost += result.lost;
		seen = &result.latency;
		if (!seen->count)
			continue;
		if (!counted || (double)seen->min < latency->min)
			latency->min = (double)seen->min;
		latency->max = fmax(latency->max, (double)seen->max);
		latency->p50 += (double)seen->p50;
		latency->p90 += (double)seen->p90;
		latency->p99 += (double)seen->p99;
		latency->p999 += (double)seen->p999;
		counted++;
	}
	if (!counted)
		return 0;
	latency->p50 /= counted;
	latency->p90 /= counted;
	latency->p99 /= counted;
	latency->p999 /= counted;
	latency->measured = counted;
	return 0;
}

/* Not of a device that loses at every rate: there is no throughput to take shares of. */
static int run_latency(struct rfc_run *run)
{
	struct rfc_row *row = run->row;

	for (unsigned i = 0; i < RFC_LATENCY_LOADS && row->ndr.search.load > 0; i++) {
		struct rfc_latency *latency = &row->latency[i];
		int error;

		*latency = (struct rfc_latency){ .load = rfc_latency_loads[i] };
		error = run_latency_at(run, latency);
		if (error)
			return error;
		row->latency_count = i + 1;
	}
	return 0;
}

/* From the highest rate down, until two loads in a row lose nothing. */
static int run_loss(struct rfc_run *run)
{
	struct rfc_row *row = run->row;
	unsigned whole = 0;

	for (unsigned i = 0; i < RFC_LOADS_MAX && whole < 2; i++) {
		struct rfc_loss *loss = &row->loss[i];
		struct trial_result result;
		int error;

		*loss = (struct rfc_loss){ .load = round(1e9 - 1e9 * i * run->plan->loss_step) /
						   1e9 };
		if (loss->load < run->plan->loss_step / 2)
			break;
		error = rfc_trial(run, run_pace(run, row->most * loss->load), run->plan->seconds, 0,
				  &result);
		if (error)
			return error;
		loss->pps = result.tx_pps;
		loss->sent = result.sent;
		loss->lost = result.lost;
		whole = result.lost ? 0 : whole + 1;
		row->loss_count = i + 1;
	}
	row->loss_ended = whole == 2;
	return 0;
}

static int (*const run_tests[RFC_TESTS])(struct rfc_run *run) = {
	[RFC_THROUGHPUT] = run_throughput,
	[RFC_LATENCY] = run_latency,
	[RFC_LOSS] = run_loss,
	[RFC_BACK_TO_BACK] = rfc_bursts,
};

int rfc_run(const struct rfc_plan *plan, const struct rfc_device *device, struct rfc_row *rows)
{
	struct rfc_run run = { .plan = plan, .device = device };

	for (unsigned i = 0; i < plan->frame_count; i++) {
		run.row = &rows[i];
		*run.row = (struct rfc_row){ .frame = plan->frames[i] };
		for (run.test = 0; run.test < RFC_TESTS; run.test++) {
			int error;

			/* All the others stand on it. */
			if (!plan->tests[run.test] && run.test != RFC_THROUGHPUT)
				continue;
			run.part = NULL;
			run.spent = 0;
			error = run_tests[run.test](&run);
			if (error)
				return error;
			run.row->done[run.test] = true;
			run.done += rfc_plan_test_seconds(plan, run.test);
		}
	}
	return 0;
}
