/* SPDX-License-Identifier: BSD-3-Clause */
/* Prometheus: a sample in Prometheus' text format, version 0.0.4. */
#include <inttypes.h>
#include <string.h>

#include "prometheus.h"
#include "sample.h"

/* A backslash, a quote and a line's end are what a label's value must not have as they are. */
static void label_write(FILE *out, const char *name, const char *value)
{
	fprintf(out, ",%s=\"", name);
	for (; *value; value++)
		if (*value == '\n')
			fputs("\\n", out);
		else
			fprintf(out, *value == '\\' || *value == '"' ? "\\%c" : "%c", *value);
	fputc('"', out);
}

static void head_write(FILE *out, const char *metric, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

/* Which pool; the caller closes the brace. */
static void begin_write(FILE *out, const char *metric, const json_t *process, const json_t *pool)
{
	fprintf(out, "%s{pid=\"%" PRIu64 "\"", metric, sample_number(process, "pid"));
	label_write(out, "prefix", sample_text(process, "prefix"));
	if (pool)
		label_write(out, "pool", sample_text(pool, "name"));
}

static void end_write(FILE *out, uint64_t value)
{
	fprintf(out, "} %" PRIu64 "\n", value);
}

/* One metric of all pools that run: its lines must stand together. */
typedef void (*pool_fn)(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			const void *arg);

static void pools_write(FILE *out, const json_t *json, const char *metric, pool_fn fn,
			const void *arg)
{
	const json_t *process, *pool;
	size_t i, j;

	json_array_foreach(json_object_get(json, "processes"), i, process)
	{
		if (strcmp(sample_text(process, "state"), "running") != 0)
			continue;
		json_array_foreach(json_object_get(process, "pools"), j, pool)
		{
			fn(out, metric, process, pool, arg);
		}
	}
}

/* What a pool does not tell is unknown, not 0. */
static void number_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			 const void *arg)
{
	if (!json_object_get(pool, arg))
		return;
	begin_write(out, metric, process, pool);
	end_write(out, sample_number(pool, arg));
}

static void counter_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			  const void *arg)
{
	begin_write(out, metric, process, pool);
	end_write(out, sample_number(json_object_get(pool, "counters"), arg));
}

/* The books: together they are the pool's size. */
static void places_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			 const void *arg)
{
	static const char *const places[] = { "in_flight", "fresh",   "cached",   "deques",
					      "depot",     "reserve", "collected" };

	(void)arg;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		begin_write(out, metric, process, pool);
		label_write(out, "place", places[i]);
		end_write(out, sample_number(pool, places[i]));
	}
}

static void nodes_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			const void *arg)
{
	const char *node;
	json_t *value;

	json_object_foreach(json_object_get(pool, arg), node, value)
	{
		begin_write(out, metric, process, pool);
		label_write(out, "node", node + strspn(node, "node"));
		end_write(out, (uint64_t)json_integer_value(value));
	}
}

static void caches_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			 const void *arg)
{
	static const char *const places[] = { "cached", "published", "in_flight" };
	const json_t *cache;
	char id[24];
	size_t i;

	(void)arg;
	json_array_foreach(json_object_get(pool, "caches"), i, cache)
	{
		for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
			snprintf(id, sizeof(id), "%" PRIu64, sample_number(cache, "id"));
			begin_write(out, metric, process, pool);
			label_write(out, "cache", id);
			label_write(out, "name", sample_text(cache, "name"));
			label_write(out, "place", places[p]);
			if (p == 2)
				label_write(out, "owners", sample_text(pool, "owners_are"));
			end_write(out, sample_number(cache, places[p]));
		}
	}
}

static void holder_begin(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			 const json_t *holder)
{
	char cache[24] = "";

	if (json_object_get(holder, "cache"))
		snprintf(cache, sizeof(cache), "%" PRIu64, sample_number(holder, "cache"));
	begin_write(out, metric, process, pool);
	label_write(out, "cache", cache);
	label_write(out, "owner", sample_text(holder, "owner"));
	label_write(out, "tag", sample_text(holder, "tag"));
}

static void held_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
		       const void *arg)
{
	const json_t *holder;
	size_t i;

	(void)arg;
	json_array_foreach(json_object_get(pool, "holders"), i, holder)
	{
		holder_begin(out, metric, process, pool, holder);
		end_write(out, sample_number(holder, "buffers"));
	}
}

static void oldest_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
			 const void *arg)
{
	const json_t *holder;
	size_t i;

	(void)arg;
	json_array_foreach(json_object_get(pool, "holders"), i, holder)
	{
		if (!json_object_get(holder, "oldest_ms"))
			continue;
		holder_begin(out, metric, process, pool, holder);
		fprintf(out, "} %.3f\n", (double)sample_number(holder, "oldest_ms") / 1000);
	}
}

/* Cumulative, as a histogram's are; but what is in flight also becomes less: a gauge. */
static void ages_write(FILE *out, const char *metric, const json_t *process, const json_t *pool,
		       const void *arg)
{
	const json_t *histogram = json_object_get(pool, "histogram"), *count;
	const json_t *bounds = json_object_get(histogram, "age_ms_up_to");
	uint64_t sum = 0;
	char bound[32];
	size_t i;

	(void)arg;
	json_array_foreach(json_object_get(histogram, "in_flight"), i, count)
	{
		const json_t *up_to = json_array_get(bounds, i);

		strcpy(bound, "+Inf");
		if (up_to)
			snprintf(bound, sizeof(bound), "%.3f", json_number_value(up_to) / 1000);
		sum += (uint64_t)json_integer_value(count);
		begin_write(out, metric, process, pool);
		label_write(out, "le", bound);
		end_write(out, sum);
	}
}

static void up_write(FILE *out, const json_t *json)
{
	const json_t *process;
	size_t i;

	head_write(out, "pktpool_up", "gauge", "Whether the process answers.");
	json_array_foreach(json_object_get(json, "processes"), i, process)
	{
		begin_write(out, "pktpool_up", process, NULL);
		end_write(out, !strcmp(sample_text(process, "state"), "running"));
	}
}

static const struct {
	const char *metric, *help;
	pool_fn fn;
	const char *arg;
} gauges[] = {
	{ "pktpool_buffers", "Buffers by where they are; the sum is the pool's size.", places_write,
	  NULL },
	{ "pktpool_size_buffers", "Buffers on present hugepages.", number_write, "total" },
	{ "pktpool_free_buffers", "Free for other than critical use.", number_write, "free" },
	{ "pktpool_depot_buffers", "Buffers in a NUMA node's depot.", nodes_write,
	  "depot_by_node" },
	{ "pktpool_fresh_buffers", "Buffers never handed out, by NUMA node.", nodes_write,
	  "fresh_by_node" },
	{ "pktpool_cache_buffers", "Buffers of a cache, and those in flight that it allocated.",
	  caches_write, NULL },
	{ "pktpool_holder_buffers", "Buffers in flight by owner and tag.", held_write, NULL },
	{ "pktpool_holder_oldest_seconds", "Age of a holder's oldest buffer.", oldest_write, NULL },
	{ "pktpool_age_buffers", "Buffers in flight that are at most so many seconds old.",
	  ages_write, NULL },
	{ "pktpool_floor_buffers", "What the reserve is to hold.", number_write, "floor" },
	{ "pktpool_marked_buffers", "In flight, drawn from the reserve.", number_write, "marked" },
	{ "pktpool_leased_buffers", "In flight, lying in leases.", number_write, "leased" },
	{ "pktpool_mempool_cache_buffers", "Free ones in an rte_mempool's own caches.",
	  number_write, "mempool_caches" },
	{ "pktpool_high_water_buffers", "Most that were in use or cached at once.", number_write,
	  "high_water" },
	{ "pktpool_low_mark_buffers", "The low watermark; 0: none.", number_write, "low_mark" },
	{ "pktpool_high_mark_buffers", "The high watermark.", number_write, "high_mark" },
	{ "pktpool_caches", "Caches that exist.", number_write, "owners" },
	{ "pktpool_hugepages", "Hugepages present.", number_write, "pages" },
	{ "pktpool_hugepages_lost", "Hugepages that a device refused.", number_write,
	  "pages_lost" },
	{ "pktpool_own_bytes", "What the pool's books cost.", number_write, "own_bytes" },
	{ "pktpool_waiters", "Calls that wait for buffers.", number_write, "waiters" },
	{ "pktpool_pressed", "Whether caches are closed for somebody's need.", number_write,
	  "pressed" },
	{ "pktpool_low", "Whether the pool is below its low watermark.", number_write, "low" },
};

/* Names and what they count, as in pp_counters.h. */
static const struct {
	const char *metric, *help, *arg;
} counters[] = {
	{ "pktpool_fast_buffers_total", "Buffers handed out by hits.", "fast" },
	{ "pktpool_slow_total", "Allocations that missed the cache.", "slow" },
	{ "pktpool_slow_free_total", "Frees that missed the cache.", "slow_free" },
	{ "pktpool_refill_blocks_total", "Blocks taken from the own deque.", "refill" },
	{ "pktpool_steal_blocks_total", "Blocks taken from another's deque.", "steal" },
	{ "pktpool_depot_blocks_total", "Blocks taken from a depot.", "depot" },
	{ "pktpool_carve_buffers_total", "Fresh buffers carved.", "carve" },
	{ "pktpool_spill_blocks_total", "Blocks published.", "spill" },
	{ "pktpool_overflow_blocks_total", "Blocks given to the depot instead.", "overflow" },
	{ "pktpool_empty_total", "Calls that got less than asked for.", "empty" },
	{ "pktpool_remote_buffers_total", "Buffers sent home to another node.", "remote" },
	{ "pktpool_borrowed_total", "Refills from another node.", "borrowed" },
	{ "pktpool_long_way_buffers_total", "Buffers by way of the depot singly.", "long_way" },
	{ "pktpool_reserve_buffers_total", "Buffers drawn from the reserve.", "reserve" },
	{ "pktpool_refused_buffers_total", "Marked buffers kept from other use.", "refused" },
	{ "pktpool_taken_buffers_total", "Buffers taken back from idle caches.", "taken" },
	{ "pktpool_grown_buffers_total", "Buffers on hugepages that calls mapped.", "grown" },
	{ "pktpool_wait_total", "Calls that waited.", "wait" },
	{ "pktpool_timeout_total", "Calls that waited in vain.", "timeout" },
	{ "pktpool_fault_total", "Misuses that debug mode refused.", "fault" },
};

void prometheus_write(FILE *out, const json_t *json)
{
	up_write(out, json);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		head_write(out, gauges[i].metric, "gauge", gauges[i].help);
		pools_write(out, json, gauges[i].metric, gauges[i].fn, gauges[i].arg);
	}
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		head_write(out, counters[i].metric, "counter", counters[i].help);
		pools_write(out, json, counters[i].metric, counter_write, counters[i].arg);
	}
}
