/* SPDX-License-Identifier: BSD-3-Clause */
/* Page: the lines that a sample comes to. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "page.h"
#include "sample.h"

/* Rows of holders that are shown of a pool. */
#define HOLDERS_SHOWN 12
#define TEXT 64

/* What comes from another process may not steer the terminal. */
static const char *plain(const char *text, char to[TEXT])
{
	size_t i;

	for (i = 0; text[i] && i + 1 < TEXT; i++)
		to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	to[i] = 0;
	return to;
}

/* At most seven characters. */
static const char *number(double value, char to[TEXT])
{
	static const char units[] = " KMGTPE";
	unsigned unit = 0;

	if (value < 0)
		return strcpy(to, "-");
	while (value >= 999999.5 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	snprintf(to, TEXT, unit ? "%.0f%c" : "%.0f", value, units[unit]);
	return to;
}

static const char *of(const json_t *object, const char *key, char to[TEXT])
{
	return number((double)sample_number(object, key), to);
}

static const char *age(const json_t *object, const char *key, char to[TEXT])
{
	double seconds = (double)sample_number(object, key) / 1000;

	if (!json_object_get(object, key))
		return strcpy(to, "-");
	if (seconds < 100)
		snprintf(to, TEXT, "%.1fs", seconds);
	else if (seconds < 6000)
		snprintf(to, TEXT, "%.0fm", seconds / 60);
	else
		snprintf(to, TEXT, "%.0fh", seconds / 3600);
	return to;
}

/* What is wrong with it, in words. */
static void state_write(FILE *out, const json_t *process, const json_t *pool)
{
	const char *state = sample_text(process, "state");

	if (strcmp(state, "running") != 0)
		fprintf(out, " %s", state);
	if (sample_number(pool, "waiters"))
		fputs(" waited-for", out);
	if (sample_number(pool, "pressed"))
		fputs(" pressed", out);
	if (sample_number(pool, "low"))
		fputs(" low", out);
	if (sample_number(pool, "pages_lost"))
		fputs(" hugepages-lost", out);
}

static void pool_write(FILE *out, const json_t *process, const json_t *pool)
{
	char name[TEXT], prefix[TEXT], place[2 * TEXT], n[11][TEXT];

	snprintf(place, sizeof(place), "%s/%" PRIu64, plain(sample_text(process, "prefix"), prefix),
		 sample_number(process, "pid"));
	fprintf(out, "%-16s %-16s %7s %7s %6s %6s %6s %7s %6s %5.1f%% %7s %7s %6s %4s",
		plain(sample_text(pool, "name"), name), place, of(pool, "total", n[0]),
		of(pool, "in_flight", n[1]), of(pool, "cached", n[2]), of(pool, "deques", n[3]),
		of(pool, "depot", n[4]), of(pool, "fresh", n[5]), of(pool, "reserve", n[6]),
		100 * (1 - json_number_value(json_object_get(pool, "short"))),
		number(sample_rate(pool, "fast"), n[7]), number(sample_rate(pool, "slow"), n[8]),
		number(sample_rate(pool, "empty"), n[9]), of(pool, "waiters", n[10]));
	state_write(out, process, pool);
	fputc('\n', out);
}

static int cache_compare(const void *a, const void *b)
{
	uint64_t x = sample_number(*(json_t *const *)a, "in_flight");
	uint64_t y = sample_number(*(json_t *const *)b, "in_flight");

	return x > y ? -1 : x < y;
}

static void cache_write(FILE *out, const json_t *cache, bool exact)
{
	char name[TEXT], n[8][TEXT];

	fprintf(out,
		"    %3" PRIu64 " %-16s %8" PRIu64 " %4" PRIu64 " %s%7s %7s %7s %9s %9s %7s %6s\n",
		sample_number(cache, "id"), plain(sample_text(cache, "name"), name),
		sample_number(cache, "pid"), sample_number(cache, "node"), exact ? " " : "~",
		of(cache, "in_flight", n[0]), age(cache, "oldest_ms", n[1]),
		of(cache, "cached", n[2]), of(cache, "published", n[3]), of(cache, "fast", n[4]),
		of(cache, "slow", n[5]), of(cache, "empty", n[6]));
}

static void caches_write(FILE *out, const json_t *pool)
{
	const json_t *caches = json_object_get(pool, "caches");
	bool exact = !strcmp(sample_text(pool, "owners_are"), "exact");
	size_t n = json_array_size(caches);
	json_t **sorted = malloc(n * sizeof(json_t *) + 1);
	char others[TEXT];

	if (!n || !sorted) {
		free(sorted);
		return;
	}
	fprintf(out, "    %3s %-16s %8s %4s %8s %7s %7s %9s %9s %7s %6s\n", "", "CACHE", "PID",
		"NODE", "FLIGHT", "OLDEST", "CACHED", "PUBLISHED", "TAKEN", "MISSES", "EMPTY");
	for (size_t i = 0; i < n; i++)
		sorted[i] = json_array_get(caches, i);
	qsort(sorted, n, sizeof(json_t *), cache_compare);
	for (size_t i = 0; i < n; i++)
		cache_write(out, sorted[i], exact);
	free(sorted);
	if (sample_number(pool, "others"))
		fprintf(out, "        %-16s %8s %4s %s%7s\n", "(others)", "", "", exact ? " " : "~",
			of(pool, "others", others));
	if (!exact)
		fputs("        ~ estimated by what each took less what it freed; exact with "
		      "PP_POOL_OWNERS\n",
		      out);
}

static void holders_write(FILE *out, const json_t *pool)
{
	const json_t *holders = json_object_get(pool, "holders"), *holder;
	char owner[TEXT], tag[TEXT], n[3][TEXT];
	size_t i;

	if (!json_array_size(holders) || strcmp(sample_text(pool, "ages_are"), "exact") != 0)
		return;
	fprintf(out, "        %-16s %-24s %8s %8s %8s\n", "HOLDER", "TAG", "BUFFERS", "OLDEST",
		"YOUNGEST");
	json_array_foreach(holders, i, holder)
	{
		if (i == HOLDERS_SHOWN) {
			fprintf(out, "        and %zu more\n", json_array_size(holders) - i);
			break;
		}
		fprintf(out, "        %-16s %-24s %8s %8s %8s\n",
			plain(sample_text(holder, "owner"), owner),
			plain(sample_text(holder, "tag"), tag), of(holder, "buffers", n[0]),
			age(holder, "oldest_ms", n[1]), age(holder, "youngest_ms", n[2]));
	}
}

static void pool_details(FILE *out, const json_t *process, const json_t *pool)
{
	char prefix[TEXT], name[TEXT], n[4][TEXT];
	const json_t *rates = json_object_get(pool, "rates");

	fprintf(out,
		"\n  %s of %s/%" PRIu64 ": %" PRIu64 " buffers of %" PRIu64 " bytes (%s), "
		"at most %s used at once",
		plain(sample_text(pool, "name"), name),
		plain(sample_text(process, "prefix"), prefix), sample_number(process, "pid"),
		sample_number(pool, "total"), sample_number(pool, "buffer_size"),
		sample_text(pool, "memory"), of(pool, "high_water", n[0]));
	if (sample_number(pool, "floor"))
		fprintf(out, "; reserve %s of %s, %s marked", of(pool, "reserve", n[1]),
			of(pool, "floor", n[2]), of(pool, "marked", n[3]));
	if (sample_number(pool, "low_mark"))
		fprintf(out, "; watermarks %s and %s", of(pool, "low_mark", n[1]),
			of(pool, "high_mark", n[2]));
	if (json_object_get(rates, "stays_ms"))
		fprintf(out, "; one stays out for about %.3g ms",
			json_number_value(json_object_get(rates, "stays_ms")));
	fputc('\n', out);
	caches_write(out, pool);
	holders_write(out, pool);
}

static void head_write(FILE *out, const json_t *json, const struct sample *sample)
{
	time_t when = (time_t)json_number_value(json_object_get(json, "time"));
	struct tm local;
	char clock[32] = "";

	if (localtime_r(&when, &local))
		strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	fprintf(out, "pktpool-top %s  processes %zu, pools %zu", clock, sample->processes,
		sample->pools);
	if (sample->troubles)
		fprintf(out, "; gone or silent %zu", sample->troubles);
	fprintf(out, "\n%-16s %-16s %7s %7s %6s %6s %6s %7s %6s %6s %7s %7s %6s %4s STATE\n",
		"POOL", "PROCESS", "TOTAL", "FLIGHT", "CACHED", "DEQUES", "DEPOT", "FRESH",
		"RESERV", "FREE", "TAKEN/s", "MISS/s", "EMPT/s", "WAIT");
}

static void process_trouble(FILE *out, const json_t *process)
{
	char prefix[TEXT], error[TEXT];

	if (strcmp(sample_text(process, "state"), "running") != 0)
		fprintf(out, "%s/%" PRIu64 ": %s: %s\n",
			plain(sample_text(process, "prefix"), prefix),
			sample_number(process, "pid"), sample_text(process, "state"),
			plain(sample_text(process, "error"), error));
}

void page_write(FILE *out, const json_t *json, const struct sample *sample, bool first_only)
{
	const json_t *processes = json_object_get(json, "processes"), *process, *pool;
	bool shown = false;
	size_t i, j;

	head_write(out, json, sample);
	json_array_foreach(processes, i, process)
	{
		json_array_foreach(json_object_get(process, "pools"), j, pool)
		{
			pool_write(out, process, pool);
		}
	}
	json_array_foreach(processes, i, process)
	{
		process_trouble(out, process);
	}
	json_array_foreach(processes, i, process)
	{
		json_array_foreach(json_object_get(process, "pools"), j, pool)
		{
			if (!shown || !first_only)
				pool_details(out, process, pool);
			shown = true;
		}
	}
}
