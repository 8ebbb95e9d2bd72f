/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-rows: a pool's caches, and who holds what is in flight, a page at a time. */
#include "pp_telemetry_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pp_holders.h"
#include "pp_stats.h"

/* An answer has 16 KiB at most: so many rows fit, however large their numbers are. */
#define OWNERS_PAGE 24
#define HOLDERS_PAGE 48

#define NAME_MAX_ 16

/* All caches, as they were one after the other. */
struct rows {
	uint32_t n;
	uint64_t net; /* of those who took more than they freed */
	struct row {
		struct pp_cache_info info;
		char name[NAME_MAX_];
		uint64_t oldest_ms;
	} row[PP_OWNERS_MAX];
};

static void row_add(const struct pp_cache_info *info, void *arg)
{
	struct rows *rows = arg;
	struct row *row = &rows->row[rows->n];

	if (rows->n == PP_OWNERS_MAX)
		return;
	rows->n++;
	row->info = *info;
	snprintf(row->name, sizeof(row->name), "%s", info->name);
	row->oldest_ms = PP_AGE_UNKNOWN;
	rows->net += info->net > 0 ? (uint64_t)info->net : 0;
}

static void row_age(const struct pp_holding *holding, void *arg)
{
	struct rows *rows = arg;

	for (uint32_t i = 0; i < rows->n; i++)
		if (rows->row[i].info.id == holding->cache &&
		    (rows->row[i].oldest_ms == PP_AGE_UNKNOWN ||
		     holding->oldest_ms > rows->row[i].oldest_ms))
			rows->row[i].oldest_ms = holding->oldest_ms;
}

/*
 * What a cache took less what it freed is what it has out, if who takes also
 * frees. Where others free it, they have as much less than nothing: then what is
 * in flight is shared out among who took more.
 */
static uint64_t row_estimate(const struct rows *rows, const struct row *row, uint64_t in_flight)
{
	if (row->info.net <= 0)
		return 0;
	if (rows->net <= in_flight)
		return (uint64_t)row->info.net;
	return (uint64_t)((unsigned __int128)in_flight * (uint64_t)row->info.net / rows->net);
}

static struct rte_tel_data *row_dict(const struct row *row)
{
	const struct pp_counters *c = &row->info.counters;
	struct rte_tel_data *dict = pp_telemetry_dict();
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "id", row->info.id },
		{ "pid", (uint64_t)row->info.pid },
		{ "node", row->info.node > 0 ? (uint64_t)row->info.node : 0 },
		{ "cached", row->info.cached },
		{ "published", row->info.published },
		{ "in_flight", row->info.in_flight },
		{ "fast", c->fast },
		{ "slow", c->slow },
		{ "slow_free", c->slow_free },
		{ "refill", c->refill },
		{ "steal", c->steal },
		{ "depot", c->depot },
		{ "carve", c->carve },
		{ "spill", c->spill },
		{ "empty", c->empty },
		{ "reserve", c->reserve },
		{ "wait", c->wait },
		{ "timeout", c->timeout },
	};

	if (!dict)
		return NULL;
	pp_telemetry_string(dict, "name", row->name);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		rte_tel_data_add_dict_u64(dict, numbers[i].name, numbers[i].value);
	if (row->oldest_ms != PP_AGE_UNKNOWN)
		rte_tel_data_add_dict_u64(dict, "oldest_ms", row->oldest_ms);
	return dict;
}

static void page_fill(struct rte_tel_data *d, const char *pool, uint32_t n, uint32_t from,
		      uint32_t page)
{
	pp_telemetry_string(d, "pool", pool);
	rte_tel_data_add_dict_u64(d, "rows", n);
	rte_tel_data_add_dict_u64(d, "from", from);
	if (from < n && n - from > page)
		rte_tel_data_add_dict_u64(d, "next", from + page);
}

void pp_telemetry_owners(const struct pp_telemetry_pool *p, uint32_t from, struct rte_tel_data *d)
{
	struct rows *rows = calloc(1, sizeof(*rows));
	struct pp_pool_about about;
	struct pp_stats stats;
	uint64_t known = 0;
	char name[32];
	struct rte_tel_data *caches;

	if (!rows) {
		pp_telemetry_string(d, "error", "no memory");
		return;
	}
	pp_pool_about(p->pool, &about);
	pp_pool_stats(p->pool, &stats);
	pp_pool_each_cache(p->pool, row_add, rows);
	if (about.flags & PP_POOL_DEBUG)
		pp_pool_each_holding(p->pool, row_age, rows);
	for (uint32_t i = 0; i < rows->n; i++) {
		if (!pp_telemetry_exact(&about))
			rows->row[i].info.in_flight =
				row_estimate(rows, &rows->row[i], stats.in_flight);
		known += rows->row[i].info.in_flight;
	}
	page_fill(d, about.name, rows->n, from, OWNERS_PAGE);
	pp_telemetry_string(d, "owners_are", pp_telemetry_exact(&about) ? "exact" : "estimate");
	/* Of caches that have ended, taken without a cache, or in leases. */
	rte_tel_data_add_dict_u64(d, "others",
				  stats.in_flight > known ? stats.in_flight - known : 0);
	caches = pp_telemetry_dict();
	for (uint32_t i = from; caches && i < rows->n && i - from < OWNERS_PAGE; i++) {
		snprintf(name, sizeof(name), "cache%u", rows->row[i].info.id);
		pp_telemetry_give(caches, name, row_dict(&rows->row[i]));
	}
	pp_telemetry_give(d, "caches", caches);
	free(rows);
}

/* One page of holdings. */
struct holdings {
	struct rte_tel_data *dict;
	uint32_t n, from;
};

static void holding_add(const struct pp_holding *holding, void *arg)
{
	struct holdings *holdings = arg;
	uint32_t i = holdings->n++;
	struct rte_tel_data *dict;
	char name[32];

	if (i < holdings->from || i - holdings->from >= HOLDERS_PAGE)
		return;
	dict = pp_telemetry_dict();
	if (!dict)
		return;
	pp_telemetry_string(dict, "owner", holding->owner);
	pp_telemetry_string(dict, "tag", holding->tag);
	if (holding->cache != PP_CACHE_UNKNOWN)
		rte_tel_data_add_dict_u64(dict, "cache", holding->cache);
	rte_tel_data_add_dict_u64(dict, "buffers", holding->buffers);
	if (holding->oldest_ms != PP_AGE_UNKNOWN) {
		rte_tel_data_add_dict_u64(dict, "oldest_ms", holding->oldest_ms);
		rte_tel_data_add_dict_u64(dict, "youngest_ms", holding->youngest_ms);
	}
	snprintf(name, sizeof(name), "holder%u", i);
	pp_telemetry_give(holdings->dict, name, dict);
}

void pp_telemetry_holders(const struct pp_telemetry_pool *p, uint32_t from, struct rte_tel_data *d)
{
	struct holdings holdings = { .dict = pp_telemetry_dict(), .from = from };
	struct pp_pool_about about;

	pp_pool_about(p->pool, &about);
	if (holdings.dict && pp_telemetry_exact(&about))
		pp_pool_each_holding(p->pool, holding_add, &holdings);
	page_fill(d, about.name, holdings.n, from, HOLDERS_PAGE);
	pp_telemetry_string(d, "owners_are", pp_telemetry_exact(&about) ? "exact" : "unknown");
	pp_telemetry_give(d, "holders", holdings.dict);
}
