/* SPDX-License-Identifier: BSD-3-Clause */
/* Table: what came of RFC 2544's tests, for a reader. */
#include "rfc_output.h"

static void plan_print(FILE *out, const struct rfc_plan *plan)
{
	struct rfc_plan full;

	rfc_plan_full(&full);
	if (plan->full) {
		fputs("As RFC 2544 has it: ", out);
	} else {
		fprintf(out, "Shortened for a demonstration (--full is the RFC's): ");
	}
	fprintf(out,
		"trials of %g s%s, to %g%% of the highest rate, %u vote on a load; latency %u x %g "
		"s; %u bursts; %g s for late frames, %g s of rest before the next trial.\n",
		plan->seconds, plan->full ? "" : " instead of 60", 100 * plan->resolution,
		plan->repetitions, plan->latency_repetitions, plan->latency_seconds,
		plan->burst_repetitions, plan->settle, plan->rest);
	if (plan->line_rate > 0)
		fprintf(out, "100%% is a line of %g Gbit/s.\n", plan->line_rate / 1e9);
	else
		fputs("100% is what the sender reaches: such ports have no line rate (--line names "
		      "one).\n",
		      out);
}

/* What makes a rate less than it seems. */
static void remarks_print(FILE *out, const struct rfc_row *row, const char *name,
			  const struct rfc_rate *rate)
{
	const struct search_answer *s = &rate->search;

	if (s->failed > 0)
		fprintf(out,
			"      %u B, %s: not monotonic: it also lost more than that at %.1f kpps\n",
			row->frame, name, s->failed / 1e3);
	if (s->noisy)
		fprintf(out, "      %u B, %s: noisy: trials disagreed at %u of %u loads\n",
			row->frame, name, s->noisy, s->judged);
	if (s->retreats)
		fprintf(out,
			"      %u B, %s: did not hold when confirmed: %u steps down from the first "
			"answer\n",
			row->frame, name, s->retreats);
	if (s->starved)
		fprintf(out, "      %u B, %s: the sender could not offer %u of %u loads\n",
			row->frame, name, s->starved, s->judged);
}

static void throughput_print(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	fprintf(out,
		"\nThroughput, thousands of packets a second (26.1; NDR: no loss, PDR: up to "
		"%g%%,\nMRR: what comes back at 100%%)\n"
		"%6s %9s %9s %7s %9s %9s %9s\n",
		100 * plan->partial, "frame", "100%", "NDR", "of 100%", "PDR", "MRR", "lost");
	for (unsigned i = 0; i < plan->frame_count && rows[i].done[RFC_THROUGHPUT]; i++) {
		const struct rfc_row *row = &rows[i];

		fprintf(out, "%6u %9.1f %9.1f %6.1f%% %9.1f %9.1f %8.2f%%\n", row->frame,
			row->most / 1e3, row->ndr.search.load / 1e3,
			100 * row->ndr.search.load / row->most, row->pdr.search.load / 1e3,
			row->mrr / 1e3, 100 * row->mrr_lost);
	}
	for (unsigned i = 0; i < plan->frame_count && rows[i].done[RFC_THROUGHPUT]; i++) {
		remarks_print(out, &rows[i], "NDR", &rows[i].ndr);
		remarks_print(out, &rows[i], "PDR", &rows[i].pdr);
	}
}

static void latency_print(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	fprintf(out,
		"\nLatency, microseconds (26.2), at shares of the throughput\n"
		"%6s %5s %9s %9s %9s %9s %9s %9s\n",
		"frame", "load", "min", "p50", "p90", "p99", "p99.9", "max");
	for (unsigned i = 0; i < plan->frame_count && rows[i].done[RFC_LATENCY]; i++) {
		if (!rows[i].latency_count)
			fprintf(out, "%6u   no rate without loss to take shares of\n",
				rows[i].frame);
		for (unsigned k = 0; k < rows[i].latency_count; k++) {
			const struct rfc_latency *l = &rows[i].latency[k];

			fprintf(out, "%6u %4.0f%% %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f\n",
				rows[i].frame, 100 * l->load, l->min / 1e3, l->p50 / 1e3,
				l->p90 / 1e3, l->p99 / 1e3, l->p999 / 1e3, l->max / 1e3);
		}
	}
}

static void loss_print(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	bool starved = false;

	fputs("\nFrame loss (26.3), percent of what was sent, at loads from 100% down until two "
	      "lose none\n",
	      out);
	for (unsigned i = 0; i < plan->frame_count && rows[i].done[RFC_LOSS]; i++) {
		fprintf(out, "%6u ", rows[i].frame);
		for (unsigned k = 0; k < rows[i].loss_count; k++) {
			const struct rfc_loss *l = &rows[i].loss[k];

			fprintf(out, " %.0f%%%s: %.3g", 100 * l->load,
				l->pps < l->load * rows[i].most * SEARCH_KEPT_UP ? "*" : "",
				l->sent ? 100 * (double)l->lost / (double)l->sent : 0.0);
			starved |= l->pps < l->load * rows[i].most * SEARCH_KEPT_UP;
		}
		fputs(rows[i].loss_ended ? "\n" : "  (and no two without)\n", out);
	}
	if (starved)
		fputs("      * the sender could not offer that much: --json says what it did\n",
		      out);
}

static void bursts_print(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	fprintf(out,
		"\nBack-to-back (26.4), and the device's buffer by RFC 9004\n"
		"%6s %11s %11s %11s %11s %13s %13s\n",
		"frame", "frames", "least", "most", "burst kpps", "implied us", "corrected us");
	for (unsigned i = 0; i < plan->frame_count && rows[i].done[RFC_BACK_TO_BACK]; i++) {
		const struct rfc_burst *b = &rows[i].burst;

		fprintf(out, "%6u %11.0f %11.0f %11.0f %11.1f %13.1f %13.1f%s\n", rows[i].frame,
			b->frames, b->least, b->most, b->rate / 1e3, 1e6 * b->implied,
			1e6 * b->corrected,
			b->unbounded ? "  (some had no end: says nothing of a buffer)" : "");
	}
}

void rfc_table(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	plan_print(out, plan);
	throughput_print(out, plan, rows);
	if (plan->tests[RFC_LATENCY])
		latency_print(out, plan, rows);
	if (plan->tests[RFC_LOSS])
		loss_print(out, plan, rows);
	if (plan->tests[RFC_BACK_TO_BACK])
		bursts_print(out, plan, rows);
}
