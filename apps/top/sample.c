/* SPDX-License-Identifier: BSD-3-Clause */
/* Sample: all pools of all processes at one moment, as one JSON object. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "options.h"
#include "rates.h"
#include "sample.h"
#include "sockets.h"

/* Names that /pktpool/list has in one answer. */
#define LIST_PAGE 128
/* Pages that are asked for at most: a process that never ends its answer is cut off. */
#define PAGES_MAX 64
/* For so many samples one that has gone is still shown. */
#define GONE_SAMPLES 10

uint64_t sample_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

const char *sample_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

double sample_rate(const json_t *pool, const char *counter)
{
	const json_t *rate = json_object_get(json_object_get(pool, "rates"), counter);

	return rate ? json_number_value(rate) : -1;
}

/* What is asked of a pool; NULL, and no trouble, if the pool has gone meanwhile. */
static json_t *pool_ask(struct client *client, const char *command, const char *name, uint64_t from)
{
	char parameter[256];
	json_t *answer;

	if (from)
		snprintf(parameter, sizeof(parameter), "%s,%llu", name, (unsigned long long)from);
	else
		snprintf(parameter, sizeof(parameter), "%s", name);
	answer = client_ask(client, command, parameter);
	if (json_is_object(answer) && !json_object_get(answer, "error"))
		return answer;
	json_decref(answer);
	return NULL;
}

/* All rows of an answer that comes in pages; `first` gets the first page. */
static json_t *rows_ask(struct client *client, const char *command, const char *name,
			const char *rows, json_t **first)
{
	json_t *all = json_array(), *page, *row;
	uint64_t from = 0;
	const char *key;

	*first = NULL;
	for (unsigned i = 0; i < PAGES_MAX; i++) {
		page = pool_ask(client, command, name, from);
		if (!page)
			break;
		json_object_foreach(json_object_get(page, rows), key, row)
		{
			json_array_append(all, row);
		}
		from = sample_number(page, "next");
		if (*first)
			json_decref(page);
		else
			*first = page;
		if (!from)
			break;
	}
	return all;
}

/* What is free for ordinary use: neither in flight, nor the reserve's, nor about to leave. */
static void free_set(json_t *pool)
{
	uint64_t total = sample_number(pool, "total");
	uint64_t left = sample_number(pool, "fresh") + sample_number(pool, "cached") +
			sample_number(pool, "deques") + sample_number(pool, "depot") +
			sample_number(pool, "mempool_caches");

	left = left < total ? left : total;
	json_object_set_new(pool, "free", json_integer((json_int_t)left));
	json_object_set_new(pool, "short", json_real(total ? 1 - (double)left / (double)total : 0));
}

static json_t *pool_take(struct client *client, const char *name)
{
	json_t *pool = pool_ask(client, "/pktpool/stats", name, 0), *first, *rows;

	if (!pool)
		return NULL;
	json_object_set_new(pool, "name", json_string(name));
	free_set(pool);
	rows = rows_ask(client, "/pktpool/owners", name, "caches", &first);
	json_object_set_new(pool, "caches", rows);
	json_object_set_new(pool, "others",
			    json_integer((json_int_t)sample_number(first, "others")));
	json_decref(first);
	rows = rows_ask(client, "/pktpool/holders", name, "holders", &first);
	json_object_set_new(pool, "holders", rows);
	json_decref(first);
	rows = pool_ask(client, "/pktpool/histogram", name, 0);
	if (rows) {
		json_object_del(rows, "pool");
		json_object_set_new(pool, "histogram", rows);
	}
	return pool;
}

/* What comes before the rest: waited for, pressed, low, little free. */
static double pool_need(const json_t *pool)
{
	return (sample_number(pool, "waiters") ? 8 : 0) + (sample_number(pool, "pressed") ? 4 : 0) +
	       (sample_number(pool, "low") ? 2 : 0) +
	       json_number_value(json_object_get(pool, "short"));
}

static double process_need(const json_t *process)
{
	const json_t *first = json_array_get(json_object_get(process, "pools"), 0);

	return first ? pool_need(first) : -1;
}

static int pool_compare(const void *a, const void *b)
{
	double x = pool_need(*(json_t *const *)a), y = pool_need(*(json_t *const *)b);

	return x > y ? -1 : x < y;
}

static int process_compare(const void *a, const void *b)
{
	double x = process_need(*(json_t *const *)a), y = process_need(*(json_t *const *)b);

	return x > y ? -1 : x < y;
}

static void array_sort(json_t *array, int (*compare)(const void *, const void *))
{
	size_t n = json_array_size(array);
	json_t **items = malloc(n * sizeof(json_t *) + 1);

	if (!items)
		return;
	for (size_t i = 0; i < n; i++)
		items[i] = json_incref(json_array_get(array, i));
	qsort(items, n, sizeof(json_t *), compare);
	for (size_t i = 0; i < n; i++)
		json_array_set_new(array, i, items[i]);
	free(items);
}

/* All of a process's pools. False: it went away, or is silent. */
static bool pools_take(struct client *client, const struct options *options, json_t *pools)
{
	char from[32];

	for (unsigned page = 0; page < PAGES_MAX; page++) {
		json_t *list, *name;
		size_t i, n;

		snprintf(from, sizeof(from), "%u", page * LIST_PAGE);
		list = client_ask(client, "/pktpool/list", page ? from : NULL);
		if (!list)
			return false;
		n = json_array_size(list);
		client->error[0] = 0;
		json_array_foreach(list, i, name)
		{
			const char *text = json_string_value(name);
			json_t *pool;

			if (!text || (options->pool && strcmp(options->pool, text) != 0))
				continue;
			pool = pool_take(client, text);
			if (pool)
				json_array_append_new(pools, pool);
			else if (client->error[0])
				break;
		}
		json_decref(list);
		if (client->error[0])
			return false;
		if (n < LIST_PAGE)
			break;
	}
	array_sort(pools, pool_compare);
	return true;
}

static json_t *process_make(const struct socket_place *place, const struct client *client,
			    const char *state)
{
	json_t *process = json_object();

	json_object_set_new(process, "prefix", json_string(place->prefix));
	json_object_set_new(process, "socket", json_string(place->path));
	json_object_set_new(process, "pid", json_integer(client->pid));
	json_object_set_new(process, "version", json_string(client->version));
	json_object_set_new(process, "state", json_string(state));
	json_object_set_new(process, "error", json_string(client->error));
	json_object_set_new(process, "pools", json_array());
	return process;
}

/* The process that was behind that socket last time, or NULL. */
static const json_t *process_before(const json_t *before, const char *path)
{
	const json_t *process;
	size_t i;

	json_array_foreach(json_object_get(before, "processes"), i, process)
	{
		if (!strcmp(sample_text(process, "socket"), path))
			return process;
	}
	return NULL;
}

/* As it was when it last answered. */
static json_t *process_keep(const json_t *before, const char *state, const char *error)
{
	json_t *process = json_deep_copy(before), *pool;
	size_t i;

	json_object_set_new(process, "state", json_string(state));
	json_object_set_new(process, "error", json_string(error));
	json_array_foreach(json_object_get(process, "pools"), i, pool)
	{
		json_object_del(pool, "rates");
	}
	return process;
}

/* One that was there and is not any more; NULL once that has been shown for long enough. */
static json_t *process_gone(const json_t *before)
{
	json_int_t samples = json_integer_value(json_object_get(before, "samples_gone")) + 1;
	json_t *process;

	if (samples > GONE_SAMPLES)
		return NULL;
	process = process_keep(before, "gone", "it is not there any more");
	json_object_set_new(process, "samples_gone", json_integer(samples));
	return process;
}

static json_t *process_take(const struct socket_place *place, const struct options *options,
			    const json_t *before)
{
	const json_t *old = process_before(before, place->path);
	struct client client;
	json_t *process;
	int rc = client_open(&client, place->path);

	/* Left over by one that did not end in good order, or not ours to look at. */
	if (rc == -ECONNREFUSED || rc == -ENOENT)
		return old ? process_gone(old) : NULL;
	if (rc && old)
		return process_keep(old, "silent", client.error);
	process = process_make(place, &client, rc ? "silent" : "running");
	if (!rc && !pools_take(&client, options, json_object_get(process, "pools"))) {
		json_object_set_new(process, "state", json_string("silent"));
		json_object_set_new(process, "error", json_string(client.error));
	}
	client_close(&client);
	return process;
}

static double clock_now(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sample_count(struct sample *sample, json_t *process)
{
	if (strcmp(sample_text(process, "state"), "running") != 0)
		sample->troubles++;
	else {
		sample->processes++;
		sample->pools += json_array_size(json_object_get(process, "pools"));
	}
}

/* Those whose socket went with them. */
static void gone_keep(json_t *processes, const json_t *before, const struct sockets *sockets)
{
	const json_t *old;
	json_t *gone;
	size_t i, s;

	json_array_foreach(json_object_get(before, "processes"), i, old)
	{
		for (s = 0; s < sockets->n; s++)
			if (!strcmp(sockets->at[s].path, sample_text(old, "socket")))
				break;
		gone = s == sockets->n ? process_gone(old) : NULL;
		if (gone)
			json_array_append_new(processes, gone);
	}
}

int sample_take(struct sample *sample, const struct options *options, const json_t *before)
{
	json_t *processes = json_array(), *process;
	struct sockets sockets;
	size_t i;
	int rc = sockets_find(&sockets, options);

	*sample = (struct sample){ .json = json_object() };
	json_object_set_new(sample->json, "time", json_real(clock_now(CLOCK_REALTIME)));
	json_object_set_new(sample->json, "clock", json_real(clock_now(CLOCK_MONOTONIC)));
	json_object_set_new(sample->json, "processes", processes);
	for (i = 0; i < sockets.n; i++) {
		process = process_take(&sockets.at[i], options, before);
		if (process)
			json_array_append_new(processes, process);
	}
	gone_keep(processes, before, &sockets);
	sockets_free(&sockets);
	array_sort(processes, process_compare);
	rates_set(sample->json, before);
	json_array_foreach(processes, i, process)
	{
		sample_count(sample, process);
	}
	return rc;
}
