/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-fill: a pool's books in the shape of telemetry's answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pp_about.h"
#include "pp_holders.h"
#include "pp_stats.h"
#include "pp_telemetry_rows.h"

#define COUNTER(name)                                     \
	{                                                 \
#name, offsetof(struct pp_counters, name) \
	}
static const struct {
	const char *name;
	size_t at;
} counters[] = {
	COUNTER(fast),   COUNTER(slow),     COUNTER(slow_free), COUNTER(refill),   COUNTER(steal),
	COUNTER(depot),  COUNTER(carve),    COUNTER(spill),     COUNTER(overflow), COUNTER(empty),
	COUNTER(remote), COUNTER(borrowed), COUNTER(long_way),  COUNTER(reserve),  COUNTER(refused),
	COUNTER(taken),  COUNTER(grown),    COUNTER(wait),      COUNTER(timeout),  COUNTER(fault),
};
_Static_assert(sizeof(counters) / sizeof(counters[0]) == PP_COUNTERS, "every counter has a name");

void pp_telemetry_string(struct rte_tel_data *d, const char *name, const char *text)
{
	char plain[RTE_TEL_MAX_STRING_LEN];

	pp_telemetry_plain(text, plain, sizeof(plain));
	rte_tel_data_add_dict_string(d, name, plain);
}

struct rte_tel_data *pp_telemetry_dict(void)
{
	struct rte_tel_data *dict = rte_tel_data_alloc();

	if (dict)
		rte_tel_data_start_dict(dict);
	return dict;
}

void pp_telemetry_give(struct rte_tel_data *d, const char *name, struct rte_tel_data *part)
{
	if (part && rte_tel_data_add_dict_container(d, name, part, 0))
		rte_tel_data_free(part);
}

static const char *pages_name(const struct pp_pool_about *about)
{
	static const char *const names[] = { "2M", "1G", "4K" };

	return about->foreign ? "mempool" : names[about->pages];
}

static void about_fill(const struct pp_telemetry_pool *p, const struct pp_pool_about *about,
		       struct rte_tel_data *d)
{
	pp_telemetry_string(d, "pool", about->name);
	pp_telemetry_string(d, "kind", p->kind);
	pp_telemetry_string(d, "memory", pages_name(about));
	rte_tel_data_add_dict_u64(d, "buffer_size", about->buffer_size);
	rte_tel_data_add_dict_u64(d, "buffers_max", about->buffers_max);
	rte_tel_data_add_dict_u64(d, "owners_max", about->owners_max);
	rte_tel_data_add_dict_u64(d, "low_mark", about->low);
	rte_tel_data_add_dict_u64(d, "high_mark", about->high);
	pp_telemetry_string(d, "owners_are", pp_telemetry_exact(about) ? "exact" : "estimate");
	pp_telemetry_string(d, "ages_are", about->flags & PP_POOL_DEBUG ? "exact" : "unknown");
	if (p->aside != PP_ASIDE_UNKNOWN)
		rte_tel_data_add_dict_u64(d, "mempool_caches", p->aside);
}

static void books_fill(const struct pp_stats *s, struct rte_tel_data *d)
{
	const struct {
		const char *name;
		uint64_t value;
	} books[] = {
		{ "total", s->total },
		{ "in_flight", s->in_flight },
		{ "fresh", s->fresh },
		{ "cached", s->cached },
		{ "deques", s->deques },
		{ "depot", s->depot },
		{ "reserve", s->reserve },
		{ "floor", s->floor },
		{ "marked", s->marked },
		{ "leased", s->leased },
		{ "collected", s->collected },
		{ "high_water", s->high_water },
		{ "owners", s->owners },
		{ "pages", s->pages },
		{ "pages_lost", s->pages_lost },
		{ "own_bytes", s->own_bytes },
		{ "waiters", s->waiters },
		{ "pressed", s->pressed },
		{ "low", s->low },
		{ "skipped", s->skipped },
	};

	for (size_t i = 0; i < sizeof(books) / sizeof(books[0]); i++)
		rte_tel_data_add_dict_u64(d, books[i].name, books[i].value);
}

static struct rte_tel_data *counters_dict(const struct pp_counters *sum)
{
	struct rte_tel_data *dict = pp_telemetry_dict();

	for (size_t i = 0; dict && i < PP_COUNTERS; i++)
		rte_tel_data_add_dict_u64(dict, counters[i].name,
					  *(const uint64_t *)((const char *)sum + counters[i].at));
	return dict;
}

static struct rte_tel_data *nodes_dict(const struct pp_pool_about *about, bool fresh)
{
	struct rte_tel_data *dict = pp_telemetry_dict();
	char name[32];

	for (uint32_t i = 0; dict && i < about->nodes; i++) {
		snprintf(name, sizeof(name), "node%d", about->node[i].node);
		rte_tel_data_add_dict_u64(dict, name,
					  fresh ? about->node[i].fresh : about->node[i].depot);
	}
	return dict;
}

static void stats_fill(const struct pp_telemetry_pool *p, struct rte_tel_data *d)
{
	struct pp_pool_about about;
	struct pp_stats stats;

	pp_pool_about(p->pool, &about);
	pp_pool_stats(p->pool, &stats);
	about_fill(p, &about, d);
	books_fill(&stats, d);
	pp_telemetry_give(d, "depot_by_node", nodes_dict(&about, false));
	pp_telemetry_give(d, "fresh_by_node", nodes_dict(&about, true));
	pp_telemetry_give(d, "counters", counters_dict(&stats.sum));
}

/* Bounds of the ages counted together, milliseconds; above the last one is the rest. */
#define AGES 12
/* Private blocks hold two blocks at most: a cache's level, in eighths of that. */
#define LEVELS 8

struct histogram {
	uint64_t ages[AGES], levels[LEVELS];
	uint32_t full;
};

static void age_count(const struct pp_out *out, void *arg)
{
	struct histogram *histogram = arg;
	unsigned i = 0;

	while (i + 1 < AGES && out->age_ms > 1ull << 2 * i)
		i++;
	histogram->ages[i]++;
}

static void level_count(const struct pp_cache_info *info, void *arg)
{
	struct histogram *histogram = arg;
	uint64_t level = info->cached * LEVELS / histogram->full;

	histogram->levels[level < LEVELS ? level : LEVELS - 1]++;
}

static struct rte_tel_data *numbers_array(const uint64_t *numbers, unsigned n)
{
	struct rte_tel_data *array = rte_tel_data_alloc();

	if (array)
		rte_tel_data_start_array(array, RTE_TEL_U64_VAL);
	for (unsigned i = 0; array && i < n; i++)
		rte_tel_data_add_array_u64(array, numbers[i]);
	return array;
}

static void histogram_fill(const struct pp_telemetry_pool *p, struct rte_tel_data *d)
{
	struct histogram histogram = { 0 };
	struct pp_pool_about about;
	uint64_t bounds[AGES - 1], eighths[LEVELS];

	pp_pool_about(p->pool, &about);
	histogram.full = 2 * about.block_size;
	for (unsigned i = 0; i < AGES - 1; i++)
		bounds[i] = 1ull << 2 * i;
	for (unsigned i = 0; i < LEVELS; i++)
		eighths[i] = histogram.full * (i + 1ull) / LEVELS;
	pp_telemetry_string(d, "pool", about.name);
	pp_telemetry_string(d, "ages_are", about.flags & PP_POOL_DEBUG ? "exact" : "unknown");
	if (about.flags & PP_POOL_DEBUG) {
		pp_pool_each_out(p->pool, NULL, age_count, &histogram);
		pp_telemetry_give(d, "age_ms_up_to", numbers_array(bounds, AGES - 1));
		pp_telemetry_give(d, "in_flight", numbers_array(histogram.ages, AGES));
	}
	pp_pool_each_cache(p->pool, level_count, &histogram);
	pp_telemetry_give(d, "cached_up_to", numbers_array(eighths, LEVELS));
	pp_telemetry_give(d, "caches", numbers_array(histogram.levels, LEVELS));
}

void pp_telemetry_fill(const struct pp_telemetry_pool *p, enum pp_telemetry_question question,
		       uint32_t from, struct rte_tel_data *d)
{
	switch (question) {
	case PP_TELEMETRY_STATS:
		stats_fill(p, d);
		break;
	case PP_TELEMETRY_OWNERS:
		pp_telemetry_owners(p, from, d);
		break;
	case PP_TELEMETRY_HOLDERS:
		pp_telemetry_holders(p, from, d);
		break;
	case PP_TELEMETRY_HISTOGRAM:
		histogram_fill(p, d);
		break;
	}
}
