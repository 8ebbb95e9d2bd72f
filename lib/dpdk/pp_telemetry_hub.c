/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-hub: the commands, answered by whichever library has the pool. */
#include "pp_telemetry_hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies of the core in a process: this one, the mempool ops, and some to spare. */
#define SOURCES_MAX 8
/* A label: a name, and an address where there are several of that name. */
#define LABEL_MAX 64
/* Of so many 16 KiB, the most that an answer can be, have room. */
#define LIST_PAGE 128

static pthread_mutex_t sources_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct pp_telemetry_source *sources[SOURCES_MAX];
static unsigned sources_n;

static int source_add(const struct pp_telemetry_source *source)
{
	int rc = -ENOSPC;

	pthread_mutex_lock(&sources_lock);
	if (sources_n < SOURCES_MAX) {
		sources[sources_n] = source;
		/* Whoever answers reads the number without the lock. */
		__atomic_store_n(&sources_n, sources_n + 1, __ATOMIC_RELEASE);
		rc = 0;
	}
	pthread_mutex_unlock(&sources_lock);
	return rc;
}

static unsigned sources_known(void)
{
	return __atomic_load_n(&sources_n, __ATOMIC_ACQUIRE);
}

PP_API int pp_telemetry_join(const struct pp_telemetry_source *source)
{
	if (!sources_known())
		return -ENOENT;
	return source->version == PP_TELEMETRY_VERSION ? source_add(source) : -EPROTO;
}

bool pp_telemetry_plain(const char *from, char *to, size_t bytes)
{
	bool plain = true;
	size_t i;

	for (i = 0; from[i] && i + 1 < bytes; i++) {
		to[i] = from[i] < ' ' || from[i] > '~' ? '?' : from[i];
		plain = plain && to[i] == from[i];
	}
	to[i] = 0;
	return plain && !from[i];
}

/* Every pool there is. */
struct names {
	struct name {
		char text[LABEL_MAX];
		uint64_t where;
		bool plain;
	} * name;
	uint32_t n;
};

static void name_add(const char *name, uint64_t where, void *arg)
{
	struct names *names = arg;
	struct name *more = realloc(names->name, (names->n + 1) * sizeof(*more));

	if (!more)
		return;
	names->name = more;
	more += names->n++;
	more->plain = pp_telemetry_plain(name, more->text, LABEL_MAX - 20);
	more->where = where;
}

/* Its name, and where that would not lead to it, its address too. */
static void name_label(const struct names *names, uint32_t i, char label[LABEL_MAX])
{
	const struct name *name = &names->name[i];
	bool alone = name->plain;

	for (uint32_t j = 0; alone && j < names->n; j++)
		alone = j == i || strcmp(names->name[j].text, name->text) != 0;
	snprintf(label, LABEL_MAX, alone ? "%s" : "%s@%llx", name->text,
		 (unsigned long long)name->where);
}

static int list_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct names names = { 0 };
	unsigned long from = params ? strtoul(params, NULL, 10) : 0;

	(void)cmd;
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	for (unsigned s = 0; s < sources_known(); s++)
		sources[s]->list(name_add, &names);
	for (unsigned long i = from; i < names.n && i - from < LIST_PAGE; i++) {
		char label[LABEL_MAX];

		name_label(&names, (uint32_t)i, label);
		rte_tel_data_add_array_string(d, label);
	}
	free(names.name);
	return 0;
}

static bool sources_answer(enum pp_telemetry_question question, const char *name, uint64_t where,
			   uint32_t from, struct rte_tel_data *d)
{
	for (unsigned s = 0; s < sources_known(); s++)
		if (!sources[s]->answer(question, name, where, from, d))
			return true;
	return false;
}

/* Cuts text off at its last `mark` if nothing but a number of that base follows; else false. */
static bool number_cut(char *text, char mark, int base, unsigned long long *number)
{
	char *at = strrchr(text, mark), *end;

	if (!at || !strchr("0123456789abcdef", at[1]) || !at[1])
		return false;
	*number = strtoull(at + 1, &end, base);
	if (*end)
		return false;
	*at = 0;
	return true;
}

/* NAME, NAME@ADDRESS, and either with ,FROM: a name that has a comma or @ itself goes first. */
static bool label_answer(enum pp_telemetry_question question, char *label, struct rte_tel_data *d)
{
	unsigned long long from = 0, where = 0;

	for (unsigned look = 0; look < 2; look++) {
		char *at;

		if (sources_answer(question, label, 0, (uint32_t)from, d))
			return true;
		at = strrchr(label, '@');
		if (at && number_cut(label, '@', 16, &where)) {
			if (sources_answer(question, label, where, (uint32_t)from, d))
				return true;
			*at = '@';
		}
		if (look || !number_cut(label, ',', 10, &from))
			break;
	}
	return false;
}

static int pool_answer(enum pp_telemetry_question question, const char *params,
		       struct rte_tel_data *d)
{
	char *label = strdup(params ? params : "");
	char plain[LABEL_MAX], error[RTE_TEL_MAX_STRING_LEN];

	rte_tel_data_start_dict(d);
	if (label && *label && label_answer(question, label, d)) {
		free(label);
		return 0;
	}
	pp_telemetry_plain(params ? params : "", plain, sizeof(plain));
	snprintf(error, sizeof(error),
		 *plain ? "no pool '%s' here: /pktpool/list has them"
			: "a pool's name is missing, see /pktpool/list%s",
		 plain);
	rte_tel_data_add_dict_string(d, "error", error);
	free(label);
	return 0;
}

static int stats_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return pool_answer(PP_TELEMETRY_STATS, params, d);
}

static int owners_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return pool_answer(PP_TELEMETRY_OWNERS, params, d);
}

static int holders_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return pool_answer(PP_TELEMETRY_HOLDERS, params, d);
}

static int histogram_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	return pool_answer(PP_TELEMETRY_HISTOGRAM, params, d);
}

void pp_telemetry_register(const struct pp_telemetry_source *own)
{
	source_add(own);
	rte_telemetry_register_cmd("/pktpool/list", list_answer,
				   "Names of pools. Parameters: int from (128 at a time)");
	rte_telemetry_register_cmd(
		"/pktpool/stats", stats_answer,
		"Where a pool's buffers are, and its counters. Parameters: pool");
	rte_telemetry_register_cmd("/pktpool/owners", owners_answer,
				   "A pool's caches. Parameters: pool[,int from]");
	rte_telemetry_register_cmd(
		"/pktpool/holders", holders_answer,
		"What is in flight, by owner, tag and age. Parameters: pool[,int from]");
	rte_telemetry_register_cmd("/pktpool/histogram", histogram_answer,
				   "Ages of what is in flight, levels of caches. Parameters: pool");
}
