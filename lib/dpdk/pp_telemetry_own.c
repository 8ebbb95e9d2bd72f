/* SPDX-License-Identifier: BSD-3-Clause */
/* Telemetry-own: this library's own pools, found by name and shown. */
#include <errno.h>
#include <string.h>

#include "pp_about.h"
#include "pp_telemetry_hub.h"

struct listing {
	void (*fn)(const char *name, uint64_t where, void *arg);
	void *arg;
};

static void pool_list(const struct pp_telemetry_pool *p, void *arg)
{
	const struct listing *listing = arg;
	struct pp_pool_about about;

	pp_pool_about(p->pool, &about);
	listing->fn(about.name, (uintptr_t)about.control, listing->arg);
}

static void own_list(void (*fn)(const char *name, uint64_t where, void *arg), void *arg)
{
	struct listing listing = { fn, arg };

	pp_telemetry_each(pool_list, &listing);
}

struct asking {
	enum pp_telemetry_question question;
	const char *name;
	uint64_t where;
	uint32_t from;
	struct rte_tel_data *d;
	bool answered;
};

static void pool_ask(const struct pp_telemetry_pool *p, void *arg)
{
	struct asking *asking = arg;
	struct pp_pool_about about;

	if (asking->answered)
		return;
	pp_pool_about(p->pool, &about);
	if (asking->where ? asking->where != (uintptr_t)about.control
			  : strcmp(asking->name, about.name) != 0)
		return;
	asking->answered = true;
	pp_telemetry_fill(p, asking->question, asking->from, asking->d);
}

static int own_answer(enum pp_telemetry_question question, const char *name, uint64_t where,
		      uint32_t from, struct rte_tel_data *d)
{
	struct asking asking = { question, name, where, from, d, false };

	pp_telemetry_each(pool_ask, &asking);
	return asking.answered ? 0 : -ENOENT;
}

const struct pp_telemetry_source *pp_telemetry_own(void)
{
	static const struct pp_telemetry_source own = {
		.version = PP_TELEMETRY_VERSION,
		.list = own_list,
		.answer = own_answer,
	};

	return &own;
}
