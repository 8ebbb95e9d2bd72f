/* SPDX-License-Identifier: BSD-3-Clause */
/* Csv: what came of RFC 2544's tests, one figure a line, for a spreadsheet. */
#include "rfc_output.h"

static void line(FILE *out, const struct rfc_row *row, enum rfc_test test, double load,
		 const char *figure, double value, const char *unit)
{
	fprintf(out, "%u,%s,%g,%s,%.9g,%s\n", row->frame, rfc_test_names[test], 100 * load, figure,
		value, unit);
}

static void latency_lines(FILE *out, const struct rfc_row *row)
{
	for (unsigned i = 0; i < row->latency_count; i++) {
		const struct rfc_latency *l = &row->latency[i];

		line(out, row, RFC_LATENCY, l->load, "offered", l->pps, "packets/s");
		if (!l->measured)
			continue;
		line(out, row, RFC_LATENCY, l->load, "min", l->min, "ns");
		line(out, row, RFC_LATENCY, l->load, "p50", l->p50, "ns");
		line(out, row, RFC_LATENCY, l->load, "p90", l->p90, "ns");
		line(out, row, RFC_LATENCY, l->load, "p99", l->p99, "ns");
		line(out, row, RFC_LATENCY, l->load, "p99.9", l->p999, "ns");
		line(out, row, RFC_LATENCY, l->load, "max", l->max, "ns");
	}
}

static void loss_lines(FILE *out, const struct rfc_row *row)
{
	for (unsigned i = 0; i < row->loss_count; i++) {
		const struct rfc_loss *l = &row->loss[i];

		line(out, row, RFC_LOSS, l->load, "sent", (double)l->sent, "packets");
		line(out, row, RFC_LOSS, l->load, "lost", (double)l->lost, "packets");
	}
}

static void row_lines(FILE *out, const struct rfc_row *row)
{
	if (row->done[RFC_THROUGHPUT]) {
		line(out, row, RFC_THROUGHPUT, 1, "max", row->most, "packets/s");
		line(out, row, RFC_THROUGHPUT, 1, "mrr", row->mrr, "packets/s");
		line(out, row, RFC_THROUGHPUT, row->ndr.search.load / row->most, "ndr",
		     row->ndr.search.load, "packets/s");
		line(out, row, RFC_THROUGHPUT, row->pdr.search.load / row->most, "pdr",
		     row->pdr.search.load, "packets/s");
	}
	if (row->done[RFC_LATENCY])
		latency_lines(out, row);
	if (row->done[RFC_LOSS])
		loss_lines(out, row);
	if (row->done[RFC_BACK_TO_BACK]) {
		line(out, row, RFC_BACK_TO_BACK, 1, "frames", row->burst.frames, "packets");
		line(out, row, RFC_BACK_TO_BACK, 1, "implied", row->burst.implied * 1e9, "ns");
		line(out, row, RFC_BACK_TO_BACK, 1, "corrected", row->burst.corrected * 1e9, "ns");
	}
}

void rfc_csv(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows)
{
	fputs("frame,test,load_percent,figure,value,unit\n", out);
	for (unsigned i = 0; i < plan->frame_count && rows[i].frame; i++)
		row_lines(out, &rows[i]);
}
