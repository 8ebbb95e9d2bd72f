/* SPDX-License-Identifier: BSD-3-Clause */
/* Result: what a trial came to, in words, as JSON and as CSV. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include "pp_types.h"
#include "result.h"

#define LINE_BYTES 256

static json_t *latency_json(const struct trial_latency *l)
{
	return json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)l->count,
			 "min", (json_int_t)l->min, "mean", l->mean, "p50", (json_int_t)l->p50,
			 "p90", (json_int_t)l->p90, "p99", (json_int_t)l->p99, "p999",
			 (json_int_t)l->p999, "max", (json_int_t)l->max);
}

json_t *result_json(const struct trial_result *r)
{
	json_t *object = json_object();
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {
		{ "sent", r->sent },           { "received", r->received },
		{ "lost", r->lost },           { "duplicated", r->duplicated },
		{ "reordered", r->reordered }, { "reorder_extent", r->extent },
		{ "corrupt", r->corrupt },     { "foreign", r->foreign },
		{ "tx_refused", r->refused },
	};
	const struct {
		const char *name;
		double value;
	} reals[] = {
		{ "loss", r->sent == 0 ? 0 : (double)r->lost / (double)r->sent },
		{ "seconds", r->seconds },
		{ "tx_pps", r->tx_pps },
		{ "rx_pps", r->rx_pps },
		{ "tx_bps_l1", r->tx_bps_l1 },
		{ "tx_bps_l2", r->tx_bps_l2 },
		{ "rate_error", r->rate_error },
	};

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(object, counts[i].name, json_integer((json_int_t)counts[i].n));
	for (unsigned i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
		json_object_set_new(object, reals[i].name, json_real(reals[i].value));
	json_object_set_new(object, "interrupted", json_boolean(r->interrupted));
	json_object_set_new(object, "latency_ns", latency_json(&r->latency));
	return object;
}

void result_print(const char *title, const struct trial_result *r)
{
	const struct trial_latency *l = &r->latency;
	double percent = r->sent == 0 ? 0 : 100.0 * (double)r->lost / (double)r->sent;

	printf("\n%s: %.3f s%s\n", title, r->seconds, r->interrupted ? ", interrupted" : "");
	printf("  sent        %14" PRIu64
	       "   %.6g Mpps, %.6g Gbit/s on the wire (L1), %.6g of frames "
	       "(L2)",
	       r->sent, r->tx_pps / 1e6, r->tx_bps_l1 / 1e9, r->tx_bps_l2 / 1e9);
	if (r->rate_error != 0)
		printf(", %+.4f%% off", 100 * r->rate_error);
	printf("\n  received    %14" PRIu64 "   %.6g Mpps\n", r->received, r->rx_pps / 1e6);
	printf("  lost        %14" PRIu64 "   %.6g%%\n", r->lost, percent);
	printf("  duplicated  %14" PRIu64 "\n", r->duplicated);
	printf("  reordered   %14" PRIu64 "   by up to %" PRIu64 "\n", r->reordered, r->extent);
	printf("  corrupt     %14" PRIu64 "\n", r->corrupt);
	printf("  foreign     %14" PRIu64 "\n", r->foreign);
	if (l->count > 0)
		printf("  latency     %14.2f us at the least, p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, "
		       "max %.2f, mean %.2f\n",
		       (double)l->min / 1e3, (double)l->p50 / 1e3, (double)l->p90 / 1e3,
		       (double)l->p99 / 1e3, (double)l->p999 / 1e3, (double)l->max / 1e3,
		       l->mean / 1e3);
	fflush(stdout);
}

/* What is nested, if it belongs into a line at all. */
static void names_write(FILE *out, const json_t *object, const char *prefix, bool *first)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		char nested[LINE_BYTES];

		snprintf(nested, sizeof(nested), "%s%s.", prefix, name);
		if (json_is_object(value)) {
			names_write(out, value, nested, first);
		} else if (!json_is_array(value)) {
			fprintf(out, "%s%s%s", *first ? "" : ",", prefix, name);
			*first = false;
		}
	}
}

static void value_write(FILE *out, const json_t *value)
{
	if (json_is_string(value)) {
		fputc('"', out);
		for (const char *c = json_string_value(value); *c != '\0'; c++)
			fprintf(out, *c == '"' ? "\"%c" : "%c", *c);
		fputc('"', out);
	} else if (json_is_integer(value)) {
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else if (json_is_real(value)) {
		fprintf(out, "%.9g", json_real_value(value));
	} else if (json_is_boolean(value)) {
		fprintf(out, "%d", (int)json_is_true(value));
	}
}

/* By the first row's names; what a row has not is left empty. */
static void values_write(FILE *out, const json_t *names, const json_t *row, bool *first)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)names, name, value)
	{
		const json_t *own = json_object_get(row, name);

		if (json_is_object(value)) {
			values_write(out, value, own, first);
		} else if (!json_is_array(value)) {
			if (!*first)
				fputc(',', out);
			*first = false;
			value_write(out, own);
		}
	}
}

char *result_csv(const json_t *rows)
{
	const json_t *names = json_array_get(rows, 0);
	bool first = true;
	char *text = NULL;
	size_t bytes, i;
	json_t *row;
	FILE *out = open_memstream(&text, &bytes);

	if (out == NULL)
		return NULL;
	if (names != NULL) {
		names_write(out, names, "", &first);
		fputc('\n', out);
	}
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		first = true;
		values_write(out, names, row, &first);
		fputc('\n', out);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void cpu_model(char *text, size_t bytes)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[LINE_BYTES];

	snprintf(text, bytes, "unknown");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, bytes, "%s", colon + 2);
		break;
	}
	if (file != NULL)
		fclose(file);
}

json_t *result_machine(void)
{
	char cpu[LINE_BYTES];
	struct utsname name = { 0 };

	cpu_model(cpu, sizeof(cpu));
	uname(&name);
	return json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:f, s:s}", "cpu", cpu, "cpus",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "lcores", (int)rte_lcore_count(),
			 "kernel", name.release, "dpdk", rte_version(), "compiler", __VERSION__,
			 "tsc_ghz", (double)rte_get_tsc_hz() / 1e9, "pktpool", PP_VERSION);
}
