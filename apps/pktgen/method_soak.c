/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: soak: its options, and what came of hours. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "argument.h"
#include "generator.h"
#include "soak.h"

enum {
	KEY_EVERY = METHOD_KEY_FIRST + 0x200,
	KEY_LOST,
};

static const struct argp_option option_table[] = {
	{ "soak-every", KEY_EVERY, "SECONDS", 0,
	  "a line for each period so long of all the --seconds; default 10", 0 },
	{ "soak-loss", KEY_LOST, "PERCENT", 0, "fail if more than that is lost; default 100", 0 },
	{ 0 },
};

/* So much a program may grow without a leak: a heap's rounding, a page touched late. */
#define SOAK_GROWTH_KIB 1024

static struct soak_plan plan = { .every = 10, .growth = SOAK_GROWTH_KIB };
static double lost_most = 100;

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_EVERY:
		plan.every = argument_real(state, "soak-every", arg, 0.1, 86400);
		break;
	case KEY_LOST:
		lost_most = argument_real(state, "soak-loss", arg, 0, 100);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void total_json(json_t *out, const struct soak_total *t)
{
	json_object_set_new(
		out, "soak",
		json_pack("{s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o, s:o, s:o, s:o, "
			  "s:o, s:b}",
			  "periods", number(t->periods), "seconds", t->seconds, "sent",
			  number(t->sent), "received", number(t->received), "lost", number(t->lost),
			  "duplicated", number(t->duplicated), "reordered", number(t->reordered),
			  "corrupt", number(t->corrupt), "worst_lost", number(t->worst_lost),
			  "worst_at", t->worst_at, "worst_p99_ns", number(t->worst_p99),
			  "worst_max_ns", number(t->worst_max), "first_kib", number(t->kib_first),
			  "last_kib", number(t->kib_last), "most_kib", number(t->kib_most), "grown",
			  t->grown));
}

/* What the limits say of it. */
static int total_judge(const struct soak_total *t)
{
	double lost = t->sent ? 100 * (double)t->lost / (double)t->sent : 0;
	int status = APP_OK;

	if (t->grown) {
		complain("memory grew from %" PRIu64 " to %" PRIu64 " KiB: something leaks",
			 t->kib_first, t->kib_last);
		status = APP_FAILED;
	}
	if (lost > lost_most) {
		complain("%.4g%% of the packets were lost, more than --soak-loss %g", lost,
			 lost_most);
		status = APP_FAILED;
	}
	return status;
}

static int soak_method_run(struct generator *g, json_t *out)
{
	const struct soak_device device = {
		.trial = method_trial,
		.arg = g,
		.progress = method_progress,
		.progress_arg = g,
	};
	const struct plan_trial *t = &g->o->plan.trial[0];
	struct soak_total total;
	int error;

	plan.seconds = t->seconds;
	plan.load.frame = t->frame;
	plan.load.pps = rate_pps(&t->rate, t->frame != 0 ? t->frame : trial_frame_mean(g));
	if (g->o->plan.trials != 1 || t->packets != 0 || !(t->seconds > 0) || plan.load.pps < 0) {
		complain("--method soak wants one load that is possible, for so many --seconds");
		return APP_USAGE;
	}
	error = soak_run(&plan, &device, stdout, &total);
	total_json(out, &total);
	printf("\nSoak: %.0f s in %" PRIu64 " periods, %" PRIu64 " sent, %" PRIu64
	       " lost; memory %.1f MiB, %.1f after the second period.\n",
	       total.seconds, total.periods, total.sent, total.lost, (double)total.kib_last / 1024,
	       (double)total.kib_first / 1024);
	json_object_set_new(out, "interrupted", json_boolean(error == -EINTR));
	if (error && error != -EINTR) {
		complain("a trial failed: %s", strerror(-error));
		return method_status(error);
	}
	return total_judge(&total);
}

static const struct argp soak_argp = { option_table, option_take, NULL, NULL, NULL, NULL, NULL };

extern const struct method method_soak;
const struct method method_soak = {
	.name = "soak",
	.argp = &soak_argp,
	.title = "Of --method soak:",
	.run = soak_method_run,
};
