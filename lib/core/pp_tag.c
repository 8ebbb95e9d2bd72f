/* SPDX-License-Identifier: BSD-3-Clause */
/* Tag: a pool's table of names, and which of them a cache goes by. */
#include "pp_tag.h"

#include <errno.h>
#include <string.h>

#include "pp_fail.h"
#include "pp_inside.h"
#include "pp_note.h"
#include "pp_thread.h"

static uint32_t tag_find(const struct pp_tags *tags, uint32_t n, const char *name)
{
	uint32_t i = 0;

	while (i < n && strcmp(tags->names[i], name) != 0)
		i++;
	return i;
}

PP_API int pp_pool_tag(struct pp_pool *pool, const char *name)
{
	struct pp_tags *tags = pool ? pool->store.tags : NULL;
	uint32_t n, i;

	if (!pool || !name || !*name || strlen(name) >= PP_TAG_NAME)
		return pp_fail(-EINVAL,
			       "tag \"%.40s\" is not of 1 to %d characters, or no pool is given",
			       name ? name : "", PP_TAG_NAME - 1);
	if (!tags)
		return 0;
	pp_lock_take(&tags->lock, PP_NOBODY);
	n = atomic_load_explicit(&tags->n, memory_order_relaxed);
	i = tag_find(tags, n, name);
	if (i == n && n < PP_TAGS_MAX) {
		strcpy(tags->names[n], name);
		atomic_store_explicit(&tags->n, n + 1, memory_order_release);
	}
	pp_lock_release(&tags->lock);
	return i < PP_TAGS_MAX ? (int)i + 1
			       : pp_fail(-ENOSPC, "pool %s has %d tags, and \"%s\" is none of them",
					 pp_pool_name(pool), PP_TAGS_MAX, name);
}

PP_API unsigned pp_cache_set_tag(struct pp_cache *cache, unsigned tag)
{
	struct pp_store *store;

	if (!cache || !(cache->mode & PP_MODE_DEBUG))
		return 0;
	store = pp_store_of_cache(cache);
	if (tag > atomic_load_explicit(&store->tags->n, memory_order_relaxed))
		tag = 0;
	return atomic_exchange_explicit(&store->tags->now[cache->id + 1], (uint8_t)tag,
					memory_order_relaxed);
}

PP_API unsigned pp_pool_set_tag(struct pp_pool *pool, unsigned tag)
{
	return pool && pool->store.tags ? pp_cache_set_tag(pp_pool_cache(pool), tag) : 0;
}
