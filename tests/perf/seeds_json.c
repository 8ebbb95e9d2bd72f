/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeds-json: the workloads' results for a program. */
#include "bench_json.h"
#include "seeds.h"

#include <math.h>

static json_t *published_pack(const struct seeds_workload *workload)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < sizeof(workload->published) / sizeof(workload->published[0]);
	     i++) {
		const struct seeds_published *theirs = &workload->published[i];

		if (theirs->what)
			json_array_append_new(all, json_pack("{s:s, s:f, s:s, s:s, s:s}", "what",
							     theirs->what, "figure", theirs->figure,
							     "unit", theirs->unit, "source",
							     theirs->source, "machine",
							     theirs->machine));
	}
	return all;
}

static json_t *row_pack(const struct seeds_results *results, const struct seeds_row *row,
			double ghz)
{
	const struct seeds_workload *workload = &seeds_workloads[row->subject];
	const struct seeds_row *floor = row_floor(results, row->subject);
	const struct seeds_row *whole = row->whole < 0 ? NULL : &results->rows[row->whole];
	double gain = row_gain(results, row, false), gain_median = row_gain(results, row, true);
	bool rate = workload->rate_unit && row->kept;

	return json_pack(
		"{s:s, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o}",
		"workload", workload->name, "who", row->who, "n", (int)row->n, "unit",
		workload->unit, "min", json_figure(row->least, row->kept), "median",
		json_figure(row->median, row->kept), "p99",
		json_figure(row->p99, workload->tail && row->kept), "floor",
		json_figure(floor ? floor->least : NAN, floor && floor->kept), "rate_unit",
		workload->rate_unit, "rate", json_figure(row->rate / row->least, rate),
		"rate_median", json_figure(row->rate / row->median, rate), "gain",
		json_figure(gain, true), "gain_median", json_figure(gain_median, true), "share",
		json_figure(whole ? row->median / whole->median : NAN, whole && row->kept),
		"samples", (int)row->kept, "discarded", (int)row->discarded, "round_trip_ns",
		json_figure(row->round_trip / ghz, row->round_trip > 0));
}

int seeds_write(FILE *out, const struct seeds_results *results, const struct bench_machine *machine)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < results->count; i++) {
		const struct seeds_row *row = &results->rows[i];
		json_t *packed = row_pack(results, row, machine->ghz);

		json_object_set_new(packed, "published",
				    published_pack(&seeds_workloads[row->subject]));
		json_object_set_new(packed, "cpu", json_string(machine->cpu));
		json_array_append_new(rows, packed);
	}
	return json_write(out, rows);
}
