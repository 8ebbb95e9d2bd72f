/* SPDX-License-Identifier: BSD-3-Clause */
/* Plot: cycles over bursts, one panel a pattern, drawn by gnuplot. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>

static void plot_data(FILE *out, const struct bench_results *results, enum bench_pattern pattern)
{
	fprintf(out, "$%s << EOD\n", bench_pattern_names[pattern]);
	for (unsigned i = 0; i < results->cell_count; i++) {
		const struct bench_cell *cell = &results->cells[i];

		if (cell->pattern != pattern || !cell->constant ||
		    cell->buffers != results->cells[0].buffers)
			continue;
		fprintf(out, "%u", cell->burst);
		for (unsigned peer = 0; peer < PEERS; peer++) {
			if (cell->peers[peer].kept)
				fprintf(out, " %.3f", cell->peers[peer].least);
			else
				fputs(" NaN", out);
		}
		fputc('\n', out);
	}
	fputs("EOD\n", out);
}

/* Whether any sample counted; gnuplot takes no column without a number. */
static bool plot_has(const struct bench_results *results, enum bench_pattern pattern,
		     enum bench_peer peer)
{
	for (unsigned i = 0; i < results->cell_count; i++) {
		const struct bench_cell *cell = &results->cells[i];

		if (cell->pattern == pattern && cell->constant && cell->peers[peer].kept &&
		    cell->buffers == results->cells[0].buffers)
			return true;
	}
	return false;
}

static void plot_panel(FILE *out, const struct bench_results *results, enum bench_pattern pattern,
		       const char *title)
{
	static const char *const colours[PEERS] = { "#0b6e4f", "#c8553d", "#e0a458", "#9aa5b1" };
	const char *before = "plot";

	fprintf(out, "set title '%s'\n", title);
	for (unsigned peer = 0; peer < PEERS; peer++) {
		const char *name = bench_peer_names[peer];

		if (!plot_has(results, pattern, peer))
			continue;
		if (peer == PEER_FLOOR)
			name = pattern == PATTERN_PIPELINE ? "floor: ring alone"
							   : "floor: ideal LIFO";
		fprintf(out, "%s $%s using %u:xtic(1) title '%s' lc rgb '%s'", before,
			bench_pattern_names[pattern], peer + 2, name, colours[peer]);
		before = ",";
	}
	/* A panel whose samples were all discarded stays empty. */
	fputs(*before == ',' ? "\n" : "set multiplot next\n", out);
}

int plot_draw(const char *path, const struct bench_results *results,
	      const struct bench_machine *machine)
{
	/* What the bars mean stands in the picture: it travels alone. */
	static const char *const titles[] = {
		"hot: get n, put n",
		"hold: get n until all are held, then put",
		"pipeline: get, ring, put on another lcore",
		"contended: two lcores run hold",
	};
	FILE *out = popen("gnuplot", "w");
	int status;

	if (!out)
		return -errno;
	for (unsigned pattern = 0; pattern < PATTERN_ONE; pattern++)
		plot_data(out, results, pattern);
	fprintf(out,
		"set terminal svg size 1100,820 background rgb 'white' font 'sans-serif,13'\n"
		"set output '%s'\n"
		"set multiplot layout 2,2 margins 0.07,0.98,0.08,0.86 spacing 0.09,0.14 "
		"title \"pktpool beside rte_mempool (cache 512), %u buffers: "
		"TSC cycles per buffer, get + put, least of many\\n%s, %s, %s, %s\" noenhanced\n",
		path, results->cells[0].buffers, machine->cpu, machine->kernel, machine->compiler,
		machine->dpdk);
	fputs("set style data histograms\nset style histogram clustered gap 1\n"
	      "set style fill solid 0.85 border rgb 'white'\nset logscale y\n"
	      "set grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror\n"
	      "set xlabel 'buffers a call'\nset ylabel 'cycles per buffer (log scale)'\n"
	      "set key top right samplen 1 noenhanced\nset yrange [0.1:*]\n",
	      out);
	for (unsigned pattern = 0; pattern < PATTERN_ONE; pattern++)
		plot_panel(out, results, pattern, titles[pattern]);
	fputs("unset multiplot\n", out);
	status = pclose(out);
	return status ? -EIO : 0;
}
