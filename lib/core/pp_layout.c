/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout: what stands where in control memory. */
#include "pp_layout.h"

#include "pp_note.h"
#include "pp_queue.h"

/* Takes `bytes` at the next multiple of `align`; NULL control only counts. */
static char *lay(char *control, size_t *at, size_t bytes, size_t align)
{
	char *here;

	*at = (*at + align - 1) & ~(align - 1);
	here = control ? control + *at : NULL;
	*at += bytes;
	return here;
}

size_t pp_layout(struct pp_store *store, const struct pp_shared_facts *facts, char *control)
{
	struct pp_region *region = &store->region;
	struct pp_blocks *blocks = &store->blocks;
	size_t at = 0;

	store->shared = (void *)lay(control, &at, sizeof(struct pp_shared), PP_LINE);
	region->pages =
		(void *)lay(control, &at, region->pages_max * sizeof(*region->pages), PP_LINE);
	region->maps =
		(void *)lay(control, &at,
			    (size_t)PP_DEVICES_MAX * region->pages_max * sizeof(*region->maps),
			    PP_LINE);
	store->owners = (void *)lay(control, &at, facts->owners * sizeof(struct pp_owner), 128);
	store->depots =
		(void *)lay(control, &at, (facts->nodes + 2) * sizeof(struct pp_depot), 128);
	store->waiters =
		(void *)lay(control, &at, PP_WAITERS_MAX * sizeof(struct pp_waiter), PP_LINE);
	store->rings =
		(void *)lay(control, &at,
			    (size_t)facts->owners * facts->ring_size * sizeof(uint32_t), PP_LINE);
	blocks->size = facts->block_size;
	blocks->total = facts->blocks;
	blocks->empties = (void *)lay(control, &at, sizeof(pp_stack), 128);
	blocks->links = (void *)lay(control, &at, facts->blocks * sizeof(uint32_t), 128);
	blocks->slots =
		(void *)lay(control, &at,
			    (size_t)facts->blocks * facts->block_size * sizeof(uint32_t), 4096);
	store->marks = (void *)lay(control, &at, region->buffers_max, PP_LINE);
	store->holders = NULL;
	if (facts->flags & (PP_POOL_OWNERS | PP_POOL_DEBUG))
		store->holders = (void *)lay(control, &at, pp_place_keys(region), PP_LINE);
	store->notes = NULL;
	store->tags = NULL;
	if (facts->flags & PP_POOL_DEBUG) {
		store->notes = (void *)lay(control, &at, pp_place_keys(region) * sizeof(uint64_t),
					   PP_LINE);
		store->tags = (void *)lay(control, &at, sizeof(struct pp_tags), PP_LINE);
	}
	return at;
}
