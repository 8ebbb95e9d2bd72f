/* SPDX-License-Identifier: BSD-3-Clause */
/* Rates: what has happened between two samples, a second. */
#include <string.h>

#include "rates.h"
#include "sample.h"

/* The same thing in the sample before: by the text under two keys. */
static const json_t *same_find(const json_t *array, const json_t *as, const char *key)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (json_equal(json_object_get(item, key), json_object_get(as, key)))
			return item;
	}
	return NULL;
}

/* None goes backwards unless the pool is another one. */
static bool counters_follow(const json_t *now, const json_t *before)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)now, name, value)
	{
		if (json_integer_value(value) < json_integer_value(json_object_get(before, name)))
			return false;
	}
	return true;
}

static void pool_rates(json_t *pool, const json_t *before, double seconds)
{
	const json_t *now = json_object_get(pool, "counters"), *value;
	const json_t *old = json_object_get(before, "counters");
	json_t *rates;
	const char *name;
	double taken;

	if (!now || !old || !counters_follow(now, old))
		return;
	rates = json_object();
	json_object_foreach((json_t *)(uintptr_t)now, name, value)
	{
		json_int_t more =
			json_integer_value(value) - json_integer_value(json_object_get(old, name));

		json_object_set_new(rates, name, json_real((double)more / seconds));
	}
	/* Little's law: how many are out, by how many are taken a second. */
	taken = json_number_value(json_object_get(rates, "fast"));
	if (taken > 0)
		json_object_set_new(rates, "stays_ms",
				    json_real((double)sample_number(pool, "in_flight") * 1000 /
					      taken));
	json_object_set_new(pool, "rates", rates);
}

static void process_rates(json_t *process, const json_t *before, double seconds)
{
	json_t *pool;
	size_t i;

	if (strcmp(sample_text(process, "state"), "running") != 0 ||
	    !json_equal(json_object_get(process, "pid"), json_object_get(before, "pid")))
		return;
	json_array_foreach(json_object_get(process, "pools"), i, pool)
	{
		const json_t *old = same_find(json_object_get(before, "pools"), pool, "name");

		if (old)
			pool_rates(pool, old, seconds);
	}
}

void rates_set(json_t *now, const json_t *before)
{
	double seconds = json_number_value(json_object_get(now, "clock")) -
			 json_number_value(json_object_get(before, "clock"));
	json_t *process;
	size_t i;

	if (!before || seconds <= 0)
		return;
	json_array_foreach(json_object_get(now, "processes"), i, process)
	{
		const json_t *old =
			same_find(json_object_get(before, "processes"), process, "socket");

		if (old)
			process_rates(process, old, seconds);
	}
}
