/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan: what RFC 2544 asks for, what a demonstration makes of it, and how long either takes. */
#include <math.h>

#include "rfc2544.h"

const char *const rfc_test_names[RFC_TESTS] = { "throughput", "latency", "loss", "back-to-back" };

/* Down to a single frame of a burst of some thousands. */
#define RFC_BURST_HALVINGS 12

static const uint16_t rfc_frames[] = { 64, 128, 256, 512, 1024, 1280, 1518 };

static void plan_common(struct rfc_plan *plan)
{
	*plan = (struct rfc_plan){
		.tests = { true, true, true, true },
		.frame_count = sizeof(rfc_frames) / sizeof(rfc_frames[0]),
		.partial = 0.005,
		.loss_step = 0.1,
		.burst_seconds = 2,
	};
	for (unsigned i = 0; i < plan->frame_count; i++)
		plan->frames[i] = rfc_frames[i];
}

void rfc_plan_full(struct rfc_plan *plan)
{
	plan_common(plan);
	plan->full = true;
	plan->settle = 2;
	plan->rest = 5;
	plan->seconds = 60;
	plan->latency_seconds = 120;
	plan->resolution = 0.001;
	plan->repetitions = 1;
	plan->confirm = 1;
	plan->latency_repetitions = 20;
	plan->burst_repetitions = 50;
}

void rfc_plan_demo(struct rfc_plan *plan)
{
	plan_common(plan);
	plan->seconds = 0.15;
	plan->latency_seconds = 0.2;
	plan->burst_seconds = 0.5;
	plan->resolution = 0.02;
	plan->burst_resolution = 0.02;
	/* Such short trials are upset by anything, so three of them vote. */
	plan->repetitions = 3;
	plan->confirm = 3;
	plan->latency_repetitions = 2;
	plan->burst_repetitions = 3;
}

/* Loads of the frame loss test, if it goes all the way down. */
static unsigned plan_losses(const struct rfc_plan *plan)
{
	unsigned loads = (unsigned)ceil(1 / plan->loss_step - 1e-9);

	return loads < RFC_LOADS_MAX ? loads : RFC_LOADS_MAX;
}

double rfc_plan_pause(const struct rfc_plan *plan)
{
	/* Where all frames have come none is waited for. */
	return plan->rest + plan->settle / 2;
}

/* Trials of one search for a burst: from the last one's answer, doubled and halved. */
static double plan_burst_trials(const struct rfc_plan *plan)
{
	return 2 + (plan->burst_resolution > 0 ? ceil(log2(1 / plan->burst_resolution))
					       : RFC_BURST_HALVINGS);
}

double rfc_plan_test_seconds(const struct rfc_plan *plan, enum rfc_test test)
{
	const struct search search = {
		.most = 1,
		.resolution = plan->resolution,
		.repetitions = plan->repetitions,
		.probes = RFC_PROBES,
		.confirm = plan->confirm,
	};
	double pause = rfc_plan_pause(plan);

	if (!plan->tests[test] && test != RFC_THROUGHPUT)
		return 0;
	switch (test) {
	case RFC_THROUGHPUT:
		/* The second search begins where the first one ended. */
		return (plan->seconds + pause) * (plan->repetitions + 1.5 * search_expect(&search));
	case RFC_LATENCY:
		return (plan->latency_seconds + pause) * RFC_LATENCY_LOADS *
		       plan->latency_repetitions;
	case RFC_LOSS:
		return (plan->seconds + pause) * plan_losses(plan);
	case RFC_BACK_TO_BACK:
		/* Bursts double until one loses, then halve: half of the longest on average. */
		return plan->burst_repetitions *
		       (plan->burst_seconds * 2 + pause * plan_burst_trials(plan));
	default:
		return 0;
	}
}

double rfc_plan_seconds(const struct rfc_plan *plan)
{
	double seconds = 0;

	for (unsigned test = 0; test < RFC_TESTS; test++)
		seconds += rfc_plan_test_seconds(plan, test);
	return seconds * plan->frame_count;
}
