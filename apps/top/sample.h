/* SPDX-License-Identifier: BSD-3-Clause */
/* Sample: all pools of all processes at one moment, as one JSON object. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct options;

/*
 * {"time": s, "clock": s, "processes": [
 *	{"prefix", "socket", "pid", "version", "state", "error", "pools": [
 *		{what /pktpool/stats says, "name",
 *		 "free", "short", "caches": [], "others", "holders": [], "histogram": {},
 *		 "rates": {counter: per second, "stays_ms"}}]}]}
 *
 * state: "running"; "silent", it does not answer; "gone", it was there before.
 * Pools come with what is short first, processes by that, too.
 */
struct sample {
	json_t *json;
	size_t processes, pools; /* that run */
	size_t troubles;         /* processes that went away or did not answer */
};

/* 0, or -errno: the runtime directory cannot be read. `before`: NULL, or the last one. */
int sample_take(struct sample *sample, const struct options *options, const json_t *before);

/* 0 where it is not there. */
uint64_t sample_number(const json_t *object, const char *key);
/* "" where it is not there. */
const char *sample_text(const json_t *object, const char *key);
/* Below 0 where it is not known. */
double sample_rate(const json_t *pool, const char *counter);

#endif
