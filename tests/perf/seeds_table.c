/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeds-table: the workloads' results for a person, in Markdown. */
#include "seeds.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARK_BEGIN "<!-- seeds: begin -->\n"
#define MARK_END "<!-- seeds: end -->\n"

/* Three digits, as many of them behind the point as that takes. */
static void figure_print(FILE *out, double value)
{
	double size = fabs(value);

	fprintf(out, "%.*f", size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2, value);
}

static bool subject_gains(const struct seeds_results *results, enum seeds_subject subject)
{
	for (unsigned i = 0; i < results->count; i++)
		if (results->rows[i].subject == subject && results->rows[i].against >= 0)
			return true;
	return false;
}

static void gain_print(FILE *out, const struct seeds_results *results, const struct seeds_row *row)
{
	double least = row_gain(results, row, false), median = row_gain(results, row, true);

	if (isnan(least))
		fputs(" |", out);
	else
		fprintf(out, " %+.1f%% (%+.1f%%) |", least, median);
}

static void row_print(FILE *out, const struct seeds_results *results, const struct seeds_row *row)
{
	const struct seeds_workload *workload = &seeds_workloads[row->subject];

	fprintf(out, "| %s | ", row->who);
	if (!row->kept) {
		fputs("every sample discarded |\n", out);
		return;
	}
	figure_print(out, row->least);
	fputs(" (", out);
	figure_print(out, row->median);
	fputs(") |", out);
	if (workload->tail && row->kept >= 100) {
		fputc(' ', out);
		figure_print(out, row->p99);
		fputs(" |", out);
	} else if (workload->tail) {
		fprintf(out, " %u calls |", row->kept);
	}
	if (workload->rate_unit) {
		fputc(' ', out);
		figure_print(out, row->rate / row->least);
		fputs(" (", out);
		figure_print(out, row->rate / row->median);
		fputs(") |", out);
	}
	if (row->whole >= 0)
		fprintf(out, " %.2f%% |", 100 * row->median / results->rows[row->whole].median);
	if (subject_gains(results, row->subject))
		gain_print(out, results, row);
	fputc('\n', out);
}

static void workload_print(FILE *out, const struct seeds_results *results,
			   enum seeds_subject subject, double ghz)
{
	const struct seeds_workload *workload = &seeds_workloads[subject];
	const struct seeds_row *floor = row_floor(results, subject);
	unsigned columns = 2;

	fprintf(out, "\n### %s\n\n", workload->title);
	if (workload->note)
		fprintf(out, "%s\n\n", workload->note);
	fprintf(out, "| | %s: least (median) |", workload->unit);
	if (workload->tail)
		columns++, fputs(" p99 |", out);
	if (workload->rate_unit)
		columns++, fprintf(out, " %s |", workload->rate_unit);
	if (workload->share_of)
		columns++, fprintf(out, " of %s |", workload->share_of);
	if (subject_gains(results, subject))
		columns++, fputs(" gain |", out);
	fputs("\n|", out);
	while (columns--)
		fputs("---|", out);
	fputc('\n', out);
	for (unsigned i = 0; i < results->count; i++)
		if (results->rows[i].subject == subject)
			row_print(out, results, &results->rows[i]);
	if (floor && floor->round_trip > 0) {
		unsigned discarded = 0, taken = 0;

		for (unsigned i = 0; i < results->count; i++) {
			const struct seeds_row *row = &results->rows[i];

			discarded += row->subject == subject ? row->discarded : 0;
			taken += row->subject == subject ? row->count : 0;
		}
		fprintf(out, "\nRound trip %.0f ns; %u of %u samples discarded.\n",
			floor->round_trip / ghz, discarded, taken);
	}
	for (unsigned i = 0; i < sizeof(workload->published) / sizeof(workload->published[0]);
	     i++) {
		const struct seeds_published *theirs = &workload->published[i];

		if (theirs->what)
			fprintf(out, "%sTheirs, %s: %.7g %s (%s; %s)%s\n", i ? "" : "\n",
				theirs->what, theirs->figure, theirs->unit, theirs->source,
				theirs->machine,
				i + 1 < 4 && workload->published[i + 1].what ? "<br>" : "");
	}
}

void seeds_print(FILE *out, const struct seeds_results *results,
		 const struct bench_machine *machine)
{
	fprintf(out,
		"%s, %ld CPUs, TSC %.2f GHz; %s; %s; %s. Up to %u rounds, peers interleaved.\n",
		machine->cpu, machine->cpus, machine->ghz, machine->kernel, machine->compiler,
		machine->dpdk, results->rounds);
	for (unsigned subject = 0; subject < SEEDS_SUBJECTS; subject++)
		workload_print(out, results, subject, machine->ghz);
}

static char *file_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t length = 0;
	ssize_t got;

	if (!file)
		return NULL;
	/* No file of text has a NUL in it. */
	got = getdelim(&text, &length, '\0', file);
	fclose(file);
	if (got >= 0)
		return text;
	free(text);
	return NULL;
}

int seeds_document(const char *path, const struct seeds_results *results,
		   const struct bench_machine *machine)
{
	char *text = file_read(path), *begin, *end;
	int error = -ENOENT;
	FILE *file;

	if (!text)
		return -errno;
	begin = strstr(text, MARK_BEGIN);
	end = begin ? strstr(begin, MARK_END) : NULL;
	file = end ? fopen(path, "w") : NULL;
	if (file) {
		fprintf(file, "%.*s\n", (int)(begin + strlen(MARK_BEGIN) - text), text);
		seeds_print(file, results, machine);
		fprintf(file, "\n%s", end);
		error = fclose(file) ? -errno : 0;
	}
	free(text);
	return error;
}
