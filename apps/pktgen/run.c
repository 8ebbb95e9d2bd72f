/* SPDX-License-Identifier: BSD-3-Clause */
/* Run: the method that is nothing but the plan's trials, one after the other, and their limits. */
#include <errno.h>

#include "app.h"
#include "flows.h"
#include "generator.h"
#include "result.h"
#include "verdict.h"

/* Flows that are named: those that lost most. */
#define FLOWS_NAMED 16

static double trial_frame(const struct generator *g, const struct plan_trial *t)
{
	return t->frame != 0 ? t->frame : trial_frame_mean(g);
}

/* All of a file once, unless it is said how much of it. */
static struct trial_load load_make(const struct generator *g, const struct plan_trial *t)
{
	struct trial_load load = {
		.frame = t->frame,
		.pps = rate_pps(&t->rate, trial_frame(g, t)),
		.seconds = t->seconds,
		.packets = t->packets,
	};

	if (load.packets == 0 && load.seconds == 0)
		load.packets = g->replay.n * g->lanes;
	return load;
}

static double load_seconds(const struct generator *g, const struct plan_trial *t)
{
	const struct trial_load load = load_make(g, t);

	return trial_seconds(g, &load);
}

static int load_check(const struct generator *g, const struct plan_trial *t,
		      const struct trial_load *load)
{
	if (load->pps >= 0)
		return 0;
	complain(
		"%s: the rate is impossible: frames of %.0f bytes would be more than %.0f a second",
		t->name, trial_frame(g, t), RATE_PPS_MAX);
	return -EINVAL;
}

static void row_load(json_t *row, const struct plan_trial *t, const struct trial_load *load)
{
	json_object_set_new(row, "name", json_string(t->name));
	json_object_set_new(row, "frame", json_integer(load->frame));
	json_object_set_new(row, "asked_pps", json_real(load->pps));
}

static int trial_do(struct generator *g, const struct plan_trial *t, json_t *rows)
{
	const struct trial_load load = load_make(g, t);
	struct silence silence = { 0 };
	struct trial_result r;
	json_t *row = json_object(), *result, *missed;
	int err = load_check(g, t, &load), status;

	if (err == 0)
		err = trial_run(g, &load, &r);
	status = method_status(err);
	if (status == APP_USAGE) {
		json_decref(row);
		return status;
	}
	row_load(row, t, &load);
	result = result_json(&r);
	json_object_update(row, result);
	json_decref(result);
	result_print(t->name, &r);
	/* What came until then is no measure of what was to be. */
	missed = err == 0 ? verdict_limits(t->name, &t->limits, &r) : json_array();
	json_object_set_new(row, "missed", missed);
	if (json_array_size(missed) > 0)
		status = APP_FAILED;
	if (err == 0)
		silence_add(&silence, g);
	if (silence_say(&silence, g, t->name))
		status = APP_FAILED;
	json_object_set_new(row, "passed", json_boolean(status == APP_OK && err == 0));
	json_object_set_new(row, "flows", flows_json(g, FLOWS_NAMED));
	json_array_append_new(rows, row);
	return status;
}

static int run(struct generator *g, json_t *out)
{
	const struct plan *plan = &g->o->plan;
	double total = 0, done = 0;
	json_t *rows = json_array();
	int status = APP_OK;

	json_object_set_new(out, "trials", rows);
	for (unsigned i = 0; i < plan->trials; i++)
		total += load_seconds(g, &plan->trial[i]);
	for (unsigned i = 0; i < plan->trials && !app_stop; i++) {
		trial_progress(g, plan->trial[i].name, done, total);
		status = worse(status, trial_do(g, &plan->trial[i], rows));
		done += load_seconds(g, &plan->trial[i]);
		if (g->down || status == APP_USAGE)
			break;
	}
	json_object_set_new(out, "interrupted", json_boolean(app_stop));
	if (app_stop && plan->limited) {
		complain("interrupted: the limits were not all looked at");
		status = worse(status, APP_FAILED);
	}
	return status;
}

static int check(struct options *o, struct wrong *wrong)
{
	return o->plan.trials > 0 ? 0 : wrong_say(wrong, "the test file has no \"trials\"");
}

extern const struct method method_run;
const struct method method_run = {
	.name = "run",
	.check = check,
	.run = run,
};
