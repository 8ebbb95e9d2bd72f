/* SPDX-License-Identifier: BSD-3-Clause */
/* Holders: what is in flight, whose it is, and bringing it home. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pp_buffer.h"
#include "pp_guard.h"
#include "pp_holders.h"
#include "pp_inside.h"

const char *pp_holder_name(struct pp_store *store, uint32_t holder, char name[PP_OWNER_NAME])
{
	if (!holder || (holder > store->shared->facts.owners && holder != PP_HOLDER_NOBODY))
		*name = 0;
	else if (holder == PP_HOLDER_NOBODY)
		strcpy(name, "(no cache)");
	else
		pp_owner_name(&store->owners[holder - 1], name);
	return name;
}

static uint32_t holder_of(const struct pp_store *store, uint32_t index)
{
	return store->holders
		       ? atomic_load(&store->holders[pp_place_index_key(&store->region, index)])
		       : 0;
}

PP_API uint32_t pp_pool_walk_in_flight(struct pp_pool *pool,
				       void (*fn)(void *buffer, const char *owner, void *arg),
				       void *arg)
{
	struct pp_store *store = &pool->store;
	uint64_t *bits = pp_walk_in_flight(store);
	char name[PP_OWNER_NAME];
	uint32_t n = 0;

	for (uint32_t i = 0; bits && i < store->region.buffers_max; i++) {
		uint32_t holder = holder_of(store, i);

		if (!(bits[i / 64] >> i % 64 & 1))
			continue;
		n++;
		if (fn)
			fn((void *)(pp_place_start(&store->region, i) + store->region.lead),
			   pp_holder_name(store, holder, name), arg);
	}
	free(bits);
	return n;
}

static void buffer_recover(void *buf, const char *owner, void *arg)
{
	struct pp_store *store = arg;
	uint32_t offset = pp_place_to_offset(&store->region, buf);
	void *kept;

	(void)owner;
	if (store->holders && !(store->shared->facts.mode & PP_MODE_DEBUG))
		pp_guard_home(store, &buf, 1);
	else if (store->holders && !pp_guard_in(store, PP_HOLDER_NOBODY, &buf, 1, &kept))
		return;
	pp_home_put(store, pp_store_home(store, offset), PP_NOBODY, &offset, 1);
}

PP_API uint32_t pp_pool_recover(struct pp_pool *pool)
{
	return pp_pool_walk_in_flight(pool, buffer_recover, &pool->store);
}

/* What is said of them: who has most, and the oldest. */
struct holders_text {
	struct pp_holding most;
	char owner[PP_OWNER_NAME];
	char oldest[256];
	int length;
	unsigned told;
};
/* Groups that are named. */
#define OLDEST_TOLD 3

static void holding_tell(const struct pp_holding *holding, void *arg)
{
	struct holders_text *text = arg;
	int room = (int)sizeof(text->oldest) - text->length, n;

	if (holding->buffers > text->most.buffers) {
		text->most = *holding;
		snprintf(text->owner, sizeof(text->owner), "%s", holding->owner);
	}
	if (holding->oldest_ms == PP_AGE_UNKNOWN || text->told == OLDEST_TOLD)
		return;
	n = snprintf(text->oldest + text->length, (size_t)room,
		     "%s \"%s\" tag \"%s\": %llu, for %llu.%01llu s",
		     text->told ? "," : "; oldest:", holding->owner, holding->tag,
		     (unsigned long long)holding->buffers,
		     (unsigned long long)holding->oldest_ms / 1000,
		     (unsigned long long)holding->oldest_ms / 100 % 10);
	/* What does not fit is left out whole. */
	if (n >= room)
		text->oldest[text->length] = 0;
	else
		text->length += n;
	text->told = n >= room ? OLDEST_TOLD : text->told + 1;
}

const char *pp_pool_holders(struct pp_pool *pool, char *text, size_t bytes)
{
	struct holders_text told = { 0 };

	*text = 0;
	if (!pool->store.holders)
		snprintf(text, bytes, "; flag PP_POOL_OWNERS would tell whose");
	else if (pp_pool_each_holding(pool, holding_tell, &told) > 0)
		snprintf(text, bytes, "; most were allocated by \"%s\" (cache %u): %llu%s",
			 told.owner, told.most.cache, (unsigned long long)told.most.buffers,
			 told.oldest);
	return text;
}
