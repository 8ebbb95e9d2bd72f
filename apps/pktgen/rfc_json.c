/* SPDX-License-Identifier: BSD-3-Clause */
/* Json: what came of RFC 2544's tests, for a program. */
#include "rfc_output.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* NULL stands for what there is not. */
static json_t *figure(double value, bool there)
{
	return there ? json_real(value) : json_null();
}

static double share(uint64_t lost, uint64_t sent)
{
	return sent ? (double)lost / (double)sent : 0;
}

static json_t *rate_json(const struct rfc_row *row, const struct rfc_rate *rate)
{
	const struct search_answer *s = &rate->search;
	double wire = 8.0 * (row->frame + TRIAL_WIRE_BYTES);

	return json_pack(
		"{s:f, s:f, s:f, s:f, s:o, s:b, s:i, s:i, s:i, s:i, s:i, s:o, s:{s:i, s:o, s:o, s:f}}",
		"pps", s->load, "percent", 100 * s->load / row->most, "bps_l1", s->load * wire,
		"allowed_loss", rate->allowed, "upper_pps", figure(s->upper, s->upper > 0),
		"at_max", s->at_most, "trials", (int)s->trials, "loads", (int)s->judged,
		"noisy_loads", (int)s->noisy, "starved_loads", (int)s->starved, "retreats",
		(int)s->retreats, "fails_below_at_pps", figure(s->failed, s->failed > 0), "confirm",
		"trials", (int)s->confirmed, "sent", number(s->confirm_sent), "lost",
		number(s->confirm_lost), "least_pps", s->confirm_offered);
}

static json_t *latency_json(const struct rfc_latency *l)
{
	bool there = l->measured != 0;

	return json_pack("{s:f, s:f, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "load_percent",
			 100 * l->load, "pps", l->pps, "sent", number(l->sent), "lost",
			 number(l->lost), "repetitions", (int)l->measured, "min_ns",
			 figure(l->min, there), "p50_ns", figure(l->p50, there), "p90_ns",
			 figure(l->p90, there), "p99_ns", figure(l->p99, there), "p99.9_ns",
			 figure(l->p999, there), "max_ns", figure(l->max, there));
}

static json_t *loss_json(const struct rfc_loss *l)
{
	return json_pack("{s:f, s:f, s:o, s:o, s:f}", "load_percent", 100 * l->load, "pps", l->pps,
			 "sent", number(l->sent), "lost", number(l->lost), "loss",
			 share(l->lost, l->sent));
}

static json_t *burst_json(const struct rfc_burst *b)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:i, s:i, s:f, s:f, s:f, s:f}", "frames", b->frames,
			 "min_frames", b->least, "max_frames", b->most, "deviation", b->deviation,
			 "repetitions", (int)b->repetitions, "unbounded", (int)b->unbounded,
			 "burst_pps", b->rate, "implied_us", 1e6 * b->implied, "corrected_us",
			 1e6 * b->corrected, "corrected_frames", b->corrected * b->rate);
}

static json_t *row_json(const struct rfc_row *row)
{
	json_t *object = json_object(), *latency = json_array(), *loss = json_array();

	json_object_set_new(object, "frame", json_integer(row->frame));
	for (unsigned i = 0; i < row->latency_count; i++)
		json_array_append_new(latency, latency_json(&row->latency[i]));
	for (unsigned i = 0; i < row->loss_count; i++)
		json_array_append_new(loss, loss_json(&row->loss[i]));
	if (row->done[RFC_THROUGHPUT]) {
		json_object_set_new(object, "max_pps", json_real(row->most));
		json_object_set_new(object, "throughput", rate_json(row, &row->ndr));
		json_object_set_new(object, "ndr", rate_json(row, &row->ndr));
		json_object_set_new(object, "pdr", rate_json(row, &row->pdr));
		json_object_set_new(object, "mrr",
				    json_pack("{s:f, s:f}", "pps", row->mrr, "loss",
					      row->mrr_lost));
	}
	if (row->done[RFC_LATENCY])
		json_object_set(object, "latency", latency);
	if (row->done[RFC_LOSS]) {
		json_object_set(object, "loss", loss);
		json_object_set_new(object, "loss_ended", json_boolean(row->loss_ended));
	}
	if (row->done[RFC_BACK_TO_BACK])
		json_object_set_new(object, "back_to_back", burst_json(&row->burst));
	json_decref(latency);
	json_decref(loss);
	return object;
}

static json_t *plan_json(const struct rfc_plan *plan)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:i, s:i, s:o}",
			 "trial_seconds", plan->seconds, "latency_seconds", plan->latency_seconds,
			 "burst_seconds", plan->burst_seconds, "settle_seconds", plan->settle,
			 "rest_seconds", plan->rest, "resolution", plan->resolution,
			 "burst_resolution", plan->burst_resolution, "partial", plan->partial,
			 "loss_step", plan->loss_step, "repetitions", (int)plan->repetitions,
			 "confirm", (int)plan->confirm, "latency_repetitions",
			 (int)plan->latency_repetitions, "burst_repetitions",
			 (int)plan->burst_repetitions, "line_bps",
			 figure(plan->line_rate, plan->line_rate > 0));
}

void rfc_json(json_t *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < plan->frame_count && rows[i].frame; i++)
		json_array_append_new(array, row_json(&rows[i]));
	json_object_set_new(out, "standard", json_string("RFC 2544, RFC 9004"));
	json_object_set_new(out, "shortened", json_boolean(!plan->full));
	json_object_set_new(out, "plan", plan_json(plan));
	json_object_set_new(out, "rows", array);
}
