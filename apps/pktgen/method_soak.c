/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: soak: its options, and what came of hours. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "argument.h"
#include "generator.h"
#include "histogram.h"
#include "result.h"
#include "soak.h"
#include "verdict.h"

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
static bool lost_given;

/* Of all periods; not on the stack, so that it is there from the start. */
static struct soak_total total;
static struct silence silence;
static struct histogram latency;

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_EVERY:
		plan.every = argument_real(state, "soak-every", arg, 0.1, 86400);
		break;
	case KEY_LOST:
		lost_most = argument_real(state, "soak-loss", arg, 0, 100);
		lost_given = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int check(struct options *o, struct wrong *wrong)
{
	const struct plan_trial *t = o->plan.trial;

	if (o->plan.trials != 1)
		return wrong_say(wrong, "a test file of one trial, not %u: one load for hours",
				 o->plan.trials);
	if (t->packets != 0 || (t->seconds == 0 && o->plan.pcap != NULL))
		return wrong_say(wrong,
				 "how many --seconds? (\"seconds\" in a test file); one load "
				 "goes on for so long, however many packets that is");
	if (lost_given && o->tx_only)
		return wrong_say(wrong, "--soak-loss: nothing is received with --tx-only");
	return 0;
}

static int soak_trial(void *arg, const struct trial_load *load, struct trial_result *result)
{
	int err = trial_run(arg, load, result);

	/* What an interrupted one sent may be under way. */
	if (err == 0)
		silence_add(&silence, arg);
	if (result->sent > 0)
		trial_latency_add(arg, &latency);
	return err;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void total_json(json_t *out)
{
	const struct soak_total *t = &total;
	json_t *object = result_json(&t->all);
	json_t *more =
		json_pack("{s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:b}", "periods",
			  number(t->periods), "worst_lost", number(t->worst_lost), "worst_at",
			  t->worst_at, "worst_p99_ns", number(t->worst_p99), "worst_max_ns",
			  number(t->worst_max), "first_kib", number(t->kib_first), "last_kib",
			  number(t->kib_last), "most_kib", number(t->kib_most), "grown", t->grown);

	json_object_update(object, more);
	json_decref(more);
	json_object_set_new(out, "soak", object);
}

static void rows_json(json_t *out)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < total.rows.n; i++) {
		const struct row *row = &total.rows.at[i];
		json_t *object =
			json_pack("{s:f, s:o}", "at", row->at, "periods", number(row->results));
		json_t *result = result_json(&row->sum);

		json_object_update(object, result);
		json_decref(result);
		json_array_append_new(array, object);
	}
	json_object_set_new(out, "trials", array);
}

/* What the limits say of all of it. */
static int total_judge(const struct generator *g, json_t *out)
{
	const struct soak_total *t = &total;
	const struct plan_trial *trial = g->o->plan.trial;
	double lost = t->all.sent ? 100 * (double)t->all.lost / (double)t->all.sent : 0;
	json_t *missed = verdict_limits(trial->name, &trial->limits, &t->all);
	int status = json_array_size(missed) > 0 ? APP_FAILED : APP_OK;

	json_object_set_new(out, "missed", missed);
	if (silence_say(&silence, g, "soak"))
		status = APP_FAILED;
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
	if (t->all.interrupted && g->o->plan.limited) {
		complain("interrupted: the limits are for %g s, of which there were %g",
			 plan.seconds, t->all.seconds);
		status = APP_FAILED;
	}
	return status;
}

static int soak_method_run(struct generator *g, json_t *out)
{
	const struct soak_device device = {
		.trial = soak_trial,
		.arg = g,
		.progress = method_progress,
		.progress_arg = g,
	};
	const struct plan_trial *t = g->o->plan.trial;
	int error;

	plan.seconds = t->seconds;
	plan.load.frame = t->frame;
	plan.load.pps = rate_pps(&t->rate, t->frame != 0 ? t->frame : trial_frame_mean(g));
	if (plan.load.pps < 0) {
		complain("%s: the rate is impossible: more than %.0f packets a second", t->name,
			 RATE_PPS_MAX);
		return APP_USAGE;
	}
	error = soak_run(&plan, &device, stdout, &total);
	trial_latency_make(g, &total.all.latency, &latency);
	total_json(out);
	rows_json(out);
	printf("\nSoak: %.0f s in %" PRIu64 " periods, %" PRIu64 " sent, %" PRIu64
	       " lost; memory %.1f MiB, %.1f after the second period.\n",
	       total.all.seconds, total.periods, total.all.sent, total.all.lost,
	       (double)total.kib_last / 1024, (double)total.kib_first / 1024);
	json_object_set_new(out, "interrupted", json_boolean(error == -EINTR));
	if (error && error != -EINTR) {
		complain("a trial failed: %s", strerror(-error));
		return method_status(error);
	}
	return total_judge(g, out);
}

static const struct argp soak_argp = { option_table, option_take, NULL, NULL, NULL, NULL, NULL };

extern const struct method method_soak;
const struct method method_soak = {
	.name = "soak",
	.argp = &soak_argp,
	.title = "Of --method soak:",
	.check = check,
	.run = soak_method_run,
};
