/* SPDX-License-Identifier: BSD-3-Clause */
/* Run: the method that is nothing but the plan's trials, one after the other, and their limits. */
#include <errno.h>
#include <inttypes.h>

#include "app.h"
#include "flows.h"
#include "generator.h"
#include "result.h"

/* Flows that are named: those that lost most. */
#define FLOWS_NAMED 16

/* How long it takes as far as is known. */
static double trial_seconds(const struct plan_trial *t, double frame)
{
	double pps = rate_pps(&t->rate, frame);

	return t->packets == 0 ? t->seconds : pps > 0 ? (double)t->packets / pps : 0;
}

/* All of a file once, unless it is said how much of it. */
static int load_make(const struct generator *g, const struct plan_trial *t, struct trial_load *load)
{
	double frame = t->frame != 0 ? t->frame : trial_frame_mean(g);

	*load = (struct trial_load){
		.frame = t->frame,
		.pps = rate_pps(&t->rate, frame),
		.seconds = t->seconds,
		.packets = t->packets,
	};
	if (load->packets == 0 && load->seconds == 0)
		load->packets = g->replay.n * g->lanes;
	if (load->pps >= 0)
		return 0;
	complain(
		"%s: the rate is impossible: frames of %.0f bytes would be more than %.0f a second",
		t->name, frame, RATE_PPS_MAX);
	return -EINVAL;
}

/* Says which limits were missed, and by what. */
static json_t *limits_say(const struct plan_trial *t, const struct trial_result *r, uint32_t missed)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < LIMITS; i++) {
		double measured = limit_measured(i, r);

		if (!(missed >> i & 1))
			continue;
		complain("%s: %s is %.9g, the limit is %.9g%s", t->name, limit_name(i), measured,
			 t->limits.value[i],
			 i >= LIMIT_P50 && r->latency.count == 0 ? ": no packet came" : "");
		json_array_append_new(array,
				      json_pack("{s:s, s:f, s:f}", "limit", limit_name(i), "value",
						t->limits.value[i], "measured", measured));
	}
	return array;
}

/* Nothing came though something should have: whatever the limits, that is no measurement. */
static bool silent(const struct generator *g, const struct plan_trial *t,
		   const struct trial_result *r)
{
	const struct port *rx = &g->ports.at[g->lane[0].rx_at];

	if (g->o->tx_only || r->sent == 0 || r->received + r->corrupt > 0)
		return false;
	complain("%s: of %" PRIu64 " packets sent none was received on port %u (%s)%s: is anything "
		 "forwarding? --tx-only expects nothing",
		 t->name, r->sent, rx->id, rx->name, r->foreign > 0 ? ", only others" : "");
	return true;
}

static void row_load(json_t *row, const struct plan_trial *t, const struct trial_load *load)
{
	json_object_set_new(row, "name", json_string(t->name));
	json_object_set_new(row, "frame", json_integer(load->frame));
	json_object_set_new(row, "asked_pps", json_real(load->pps));
}

static int trial_do(struct generator *g, const struct plan_trial *t, json_t *rows)
{
	struct trial_load load;
	struct trial_result r;
	json_t *row = json_object(), *result;
	uint32_t missed;
	int err = load_make(g, t, &load), status;

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
	missed = err == 0 ? limits_missed(&t->limits, &r) : 0;
	json_object_set_new(row, "missed", limits_say(t, &r, missed));
	if (err == 0 && silent(g, t, &r))
		status = APP_FAILED;
	if (missed != 0)
		status = APP_FAILED;
	json_object_set_new(row, "passed", json_boolean(status == APP_OK && err == 0));
	json_object_set_new(row, "flows", flows_json(g, FLOWS_NAMED));
	json_array_append_new(rows, row);
	return status;
}

static int run(struct generator *g, json_t *out)
{
	const struct plan *plan = &g->o->plan;
	double frame = trial_frame_mean(g), total = 0, done = 0;
	json_t *rows = json_array();
	int status = APP_OK;

	json_object_set_new(out, "trials", rows);
	for (unsigned i = 0; i < plan->trials; i++)
		total += trial_seconds(&plan->trial[i], frame);
	for (unsigned i = 0; i < plan->trials && !app_stop; i++) {
		trial_progress(g, plan->trial[i].name, done, total);
		status = worse(status, trial_do(g, &plan->trial[i], rows));
		done += trial_seconds(&plan->trial[i], frame);
		if (g->down || status == APP_USAGE)
			break;
	}
	json_object_set_new(out, "interrupted", json_boolean(app_stop));
	if (app_stop && plan->limited) {
		complain("interrupted: the limits were not all looked at");
		status = worse(status, APP_FAILED);
	}
	json_object_set_new(out, "passed", json_boolean(status == APP_OK));
	return status;
}

extern const struct method method_run;
const struct method method_run = {
	.name = "run",
	.run = run,
};
