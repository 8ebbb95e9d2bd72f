/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what may be asked of a mempool, by its pool_config or for all of them. */
#include "pp_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const layouts[] = { "gapless", "one", "pages" };

static bool number_read(const char *text, uint32_t max, uint32_t *number)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > max)
		return false;
	*number = (uint32_t)n;
	return true;
}

static bool layout_read(const char *text, enum ops_layout *layout)
{
	for (unsigned i = 0; i < RTE_DIM(layouts); i++)
		if (!strcmp(text, layouts[i])) {
			*layout = (enum ops_layout)i;
			return true;
		}
	return false;
}

/* What the value should have been; NULL if it is good. */
static const char *option_set(struct ops_options *options, const char *name, const char *value)
{
	if (!strcmp(name, "reserve"))
		return number_read(value, 1u << 28, &options->reserve) ? NULL : "0 .. 268435456";
	if (!strcmp(name, "debug"))
		return number_read(value, 1, &options->debug) ? NULL : "0 or 1";
	if (!strcmp(name, "poison")) {
		options->poison_set = true;
		return number_read(value, 1u << 20, &options->poison) ? NULL : "0 .. 1048576";
	}
	if (!strcmp(name, "caches"))
		return number_read(value, PP_OWNERS_MAX, &options->caches) && options->caches
			       ? NULL
			       : "1 .. 250";
	if (!strcmp(name, "lcore_cache")) {
		options->lcore_cache_set = true;
		return number_read(value, RTE_MEMPOOL_CACHE_MAX_SIZE, &options->lcore_cache)
			       ? NULL
			       : "0 .. 512";
	}
	if (!strcmp(name, "layout"))
		return layout_read(value, &options->layout) ? NULL : "gapless, one or pages";
	return "";
}

static int text_read(const struct rte_mempool *mp, const char *whence, const char *text,
		     struct ops_options *options)
{
	char *copy = strdup(text), *rest = copy, *item;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (item = strsep(&rest, ","))) {
		char *value = strchr(item, '=');
		const char *wants;

		if (!*item)
			continue;
		if (value)
			*value++ = 0;
		wants = option_set(options, item, value ? value : "");
		if (!wants)
			continue;
		if (*wants)
			ops_error("%s: %s=%s in %s: should be %s", mp->name, item,
				  value ? value : "", whence, wants);
		else
			ops_error("%s: no option \"%s\" in %s: there are reserve, debug, poison, "
				  "caches, lcore_cache, layout",
				  mp->name, item, whence);
		rc = -EINVAL;
	}
	free(copy);
	return rc;
}

int ops_options_read(const struct rte_mempool *mp, struct ops_options *options)
{
	const char *env = getenv(PP_OPS_ENV);
	int rc = 0;

	*options = (struct ops_options){ 0 };
	if (env)
		rc = text_read(mp, PP_OPS_ENV, env, options);
	if (!rc && mp->pool_config)
		rc = text_read(mp, "pool_config", mp->pool_config, options);
	if (rc)
		return rc;
	if (options->poison_set)
		options->debug = 1;
	if (options->reserve > UINT32_MAX / 4 - mp->size) {
		ops_error("%s: reserve=%u on top of %u objects is too much", mp->name,
			  options->reserve, mp->size);
		return -EINVAL;
	}
	return 0;
}
