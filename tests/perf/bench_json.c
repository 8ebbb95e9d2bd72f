/* SPDX-License-Identifier: BSD-3-Clause */
/* Json: the results for a program. */
#include "bench_json.h"

#include <errno.h>
#include <math.h>

json_t *json_figure(double value, bool there)
{
	return there && isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_row(const struct bench_cell *cell, enum bench_peer peer, double ghz)
{
	const struct bench_summary *ours = &cell->peers[PEER_PKTPOOL];
	const struct bench_summary *theirs = &cell->peers[peer];
	const struct bench_summary *floor = &cell->peers[PEER_FLOOR];

	return json_pack(
		"{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:i, s:i, s:i, s:o, s:i}",
		"pattern", bench_pattern_names[cell->pattern], "burst", (int)cell->burst, "peer",
		bench_peer_names[peer], "pktpool", json_figure(ours->least, ours->kept),
		"rte_mempool", json_figure(theirs->least, theirs->kept), "ratio",
		json_figure(cell_ratio(cell, peer), ours->kept && theirs->kept), "floor",
		json_figure(floor->least, floor->kept), "pktpool_median",
		json_figure(ours->median, ours->kept), "rte_mempool_median",
		json_figure(theirs->median, theirs->kept), "floor_median",
		json_figure(floor->median, floor->kept), "constant", (int)cell->constant, "buffers",
		(int)cell->buffers, "held", (int)cell->held, "rounds",
		(int)(ours->kept < theirs->kept ? ours->kept : theirs->kept), "round_trip_ns",
		json_figure(cell->round_trip / ghz, cell->round_trip > 0), "discarded",
		(int)cell->discarded);
}

/* Rows of cells of `buffers`, or of all if that is 0. */
static json_t *json_rows(const struct bench_results *results, unsigned buffers, double ghz)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < results->cell_count; i++) {
		const struct bench_cell *cell = &results->cells[i];

		if (buffers && cell->buffers != buffers)
			continue;
		for (unsigned peer = PEER_RING; peer <= PEER_STACK; peer++)
			if (cell->rounds[peer])
				json_array_append_new(rows, json_row(cell, peer, ghz));
	}
	return rows;
}

static json_t *json_tails(const struct bench_results *results)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < TAILS; i++)
		for (unsigned op = 0; op < TAIL_OPS; op++) {
			const struct bench_tail *tail = &results->tails[i][op];

			json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:i, s:i, s:i}",
							      "peer", bench_tail_names[i], "op",
							      bench_tail_ops[op], "bursts",
							      (json_int_t)tail->bursts, "p50",
							      (int)tail->p50, "p99", (int)tail->p99,
							      "p99.9", (int)tail->p999));
		}
	return rows;
}

int json_write(FILE *out, json_t *json)
{
	int failed = !json || json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) ||
		     fputc('\n', out) == EOF;

	json_decref(json);
	return fclose(out) || failed ? -EIO : 0;
}

int json_write_rows(FILE *out, const struct bench_results *results,
		    const struct bench_machine *machine)
{
	return json_write(out, json_rows(results, results->cells[0].buffers, machine->ghz));
}

int json_write_extra(FILE *out, const struct bench_results *results,
		     const struct bench_options *options, const struct bench_machine *machine)
{
	json_t *json = json_pack(
		"{s:{s:s, s:i, s:s, s:s, s:s, s:f}, s:b, s:i, s:f, s:f, s:{s:f, s:f}, s:o, s:o}",
		"machine", "cpu", machine->cpu, "cpus", (int)machine->cpus, "kernel",
		machine->kernel, "compiler", machine->compiler, "dpdk", machine->dpdk, "tsc_ghz",
		machine->ghz, "owners", (int)options->owners, "rounds", (int)options->rounds,
		"memcpy_pointer", results->memcpy_pointer, "tail_timing", results->tail_empty,
		"create_s_per_gib", "pktpool", results->create_pktpool, "rte_mempool",
		results->create_mempool, "tails", json_tails(results), "rows",
		json_rows(results, 0, machine->ghz));

	return json_write(out, json);
}
