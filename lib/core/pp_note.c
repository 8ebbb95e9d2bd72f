/* SPDX-License-Identifier: BSD-3-Clause */
/* Note: tag and time in one word, so that both are one call's. */
#include "pp_note.h"

#include "pp_sleep.h"

uint64_t pp_note_clock(void)
{
	return pp_sleep_now() / 1000000;
}

uint64_t pp_note_make(const struct pp_store *store, uint32_t holder)
{
	return pp_note_clock() << 8 |
	       atomic_load_explicit(&store->tags->now[holder], memory_order_relaxed);
}

const char *pp_note_tag_name(const struct pp_store *store, uint32_t tag)
{
	const struct pp_tags *tags = store->tags;

	/* A name is there before the number that includes it. */
	if (!tags || !tag || tag > atomic_load_explicit(&tags->n, memory_order_acquire))
		return "";
	return tags->names[tag - 1];
}
