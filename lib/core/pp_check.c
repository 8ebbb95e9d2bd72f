/* SPDX-License-Identifier: BSD-3-Clause */
/* Check: every buffer in one place, every block somewhere, every sum right. */
#include "pp_check.h"

#include <errno.h>
#include <stdlib.h>

#include "pp_fail.h"
#include "pp_inside.h"

struct check {
	struct pp_store *store;
	uint8_t *seen;       /* per buffer */
	uint8_t *block_seen; /* per block */
	uint64_t free_buffers;
	int rc;
};

static bool check_offset(struct check *check, const char *place, uint32_t id, uint32_t offset)
{
	struct pp_store *store = check->store;
	const struct pp_region *region = &store->region;
	void *buf = (void *)pp_place_of_offset(region, offset);
	uint32_t index = pp_place_index(region, offset);
	const struct pp_page *page;

	if (index >= region->buffers_max ||
	    (!region->tracts && pp_place_offset(region, index) != offset)) {
		check->rc = pp_fail(-EUCLEAN, "%s %u has %p, which is no buffer's address", place,
				    id, buf);
		return false;
	}
	page = &region->pages[region->tracts ? 0 : pp_place_page(region, index)];
	if (atomic_load(&page->state) == PP_PAGE_ABSENT ||
	    (!region->tracts && index - page->first >= atomic_load(&page->carved)))
		check->rc = pp_fail(-EUCLEAN, "%s %u has buffer %u, which was never carved", place,
				    id, index);
	else if (check->seen[index])
		check->rc = pp_fail(-EUCLEAN, "%s %u has buffer %u, which is in another place too",
				    place, id, index);
	else if (atomic_load(&store->marks[index]) & PP_MARK_COLLECTED)
		check->rc = pp_fail(-EUCLEAN, "%s %u has buffer %u, which is held back", place, id,
				    index);
	else if (atomic_load(&store->marks[index]) & (PP_MARK_RESERVE | PP_MARK_LATE))
		check->rc = pp_fail(-EUCLEAN,
				    "%s %u has buffer %u, which is marked as the reserve's or late",
				    place, id, index);
	else if (store->holders && atomic_load(&store->holders[pp_place_index_key(region, index)]))
		check->rc =
			pp_fail(-EUCLEAN, "%s %u has buffer %u, which cache %u still holds", place,
				id, index,
				atomic_load(&store->holders[pp_place_index_key(region, index)]) -
					1u);
	check->seen[index] = 1;
	check->free_buffers++;
	return !check->rc;
}

static bool check_block(struct check *check, const char *place, uint32_t block)
{
	if (block >= check->store->blocks.total)
		check->rc = pp_fail(-EUCLEAN, "%s has block %u of %u", place, block,
				    check->store->blocks.total);
	else if (check->block_seen[block]++)
		check->rc = pp_fail(-EUCLEAN, "%s has block %u, which is in another place too",
				    place, block);
	return !check->rc;
}

static bool check_piece(const char *place, uint32_t id, const uint32_t *offsets, uint32_t n,
			void *arg)
{
	struct check *check = arg;
	const struct pp_blocks *blocks = &check->store->blocks;

	if (!check_block(check, place, (uint32_t)(offsets - blocks->slots) / blocks->size))
		return false;
	if (n > blocks->size) {
		check->rc = pp_fail(-EUCLEAN, "%s %u has a block of %u slots with %u buffers",
				    place, id, blocks->size, n);
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		if (!check_offset(check, place, id, offsets[i]))
			return false;
	return true;
}

static bool check_empties(struct check *check)
{
	struct pp_store *store = check->store;
	struct pp_blocks *blocks = &store->blocks;
	uint32_t ticket = (uint32_t)atomic_load(blocks->empties);

	while (ticket != PP_TICKET_NONE) {
		if (!check_block(check, "the stack of empty blocks", pp_ticket_block(ticket)))
			return false;
		ticket = atomic_load(&blocks->links[pp_ticket_block(ticket)]);
	}
	for (uint32_t i = 0; i < store->shared->facts.owners; i++) {
		const struct pp_owner *owner = &store->owners[i];

		for (uint32_t e = 0; e < owner->empty; e++)
			if (!check_block(check, "a cache's empties", owner->empties[e]))
				return false;
		/* The walk has been to all that were ever in use, not to the others. */
		if (i >= atomic_load(&store->shared->owners_end) &&
		    !check_block(check, "an unused cache", owner->block))
			return false;
	}
	for (uint32_t b = 0; b < blocks->total; b++)
		if (!check->block_seen[b]) {
			check->rc = pp_fail(-EUCLEAN, "block %u is nowhere", b);
			return false;
		}
	return true;
}

/* Hugepages: counts, and what is fresh, held back or free must not exceed them. */
static bool check_pages(struct check *check)
{
	struct pp_store *store = check->store;
	uint64_t total = 0, present = 0, carved = 0, held = 0;

	/* Nothing is carved there, and their numbers have gaps. */
	if (store->region.tracts)
		return true;
	for (uint32_t p = 0; p < store->region.pages_max; p++) {
		const struct pp_page *page = &store->region.pages[p];

		if (atomic_load(&page->state) == PP_PAGE_ABSENT)
			continue;
		present++;
		total += page->count;
		carved += atomic_load(&page->carved);
		held += atomic_load(&page->collected);
		if (atomic_load(&page->carved) > page->count) {
			check->rc = pp_fail(-EUCLEAN, "hugepage %u: %u of %u buffers carved", p,
					    atomic_load(&page->carved), page->count);
			return false;
		}
	}
	if (total != atomic_load(&store->shared->total) ||
	    present != atomic_load(&store->shared->pages_present) ||
	    carved != atomic_load(&store->shared->carved))
		check->rc = pp_fail(-EUCLEAN,
				    "%llu buffers, %llu carved, on %llu hugepages, "
				    "but the books say %llu, %llu and %u",
				    (unsigned long long)total, (unsigned long long)carved,
				    (unsigned long long)present,
				    (unsigned long long)atomic_load(&store->shared->total),
				    (unsigned long long)atomic_load(&store->shared->carved),
				    atomic_load(&store->shared->pages_present));
	else if (check->free_buffers + held > carved)
		check->rc = pp_fail(-EUCLEAN, "%llu buffers are free or held back, of %llu carved",
				    (unsigned long long)(check->free_buffers + held),
				    (unsigned long long)carved);
	return !check->rc;
}

static bool check_sums(struct check *check)
{
	struct pp_sums sums;
	uint64_t sum;

	pp_walk_sums(check->store, &sums);
	sum = sums.cached + sums.deques + sums.depot + sums.reserve;
	if (sum != check->free_buffers)
		check->rc =
			pp_fail(-EUCLEAN, "%llu buffers are free, but the sums say %llu",
				(unsigned long long)check->free_buffers, (unsigned long long)sum);
	return !check->rc;
}

/* Every mark of the reserve is on a buffer in flight, and they are counted. */
static bool check_marks(struct check *check)
{
	struct pp_store *store = check->store;
	uint32_t marked = 0;

	for (uint32_t i = 0; i < store->region.buffers_max; i++)
		marked += (atomic_load(&store->marks[i]) & PP_MARK_RESERVE) != 0;
	if (marked != atomic_load(&store->shared->marked))
		check->rc = pp_fail(-EUCLEAN, "%u buffers are marked, but the books say %u", marked,
				    atomic_load(&store->shared->marked));
	return !check->rc;
}

/* With holders known, whoever is not free is held by somebody. */
static bool check_holders(struct check *check)
{
	struct pp_store *store = check->store;

	if (store->region.tracts)
		return true;
	for (uint32_t p = 0; store->holders && p < store->region.pages_max; p++) {
		const struct pp_page *page = &store->region.pages[p];

		if (atomic_load(&page->state) == PP_PAGE_ABSENT)
			continue;
		for (uint32_t i = page->first; i < page->first + atomic_load(&page->carved); i++)
			if (!check->seen[i] &&
			    !atomic_load(&store->holders[pp_place_index_key(&store->region, i)]) &&
			    !(atomic_load(&store->marks[i]) & PP_MARK_COLLECTED)) {
				check->rc = pp_fail(-EUCLEAN, "buffer %u is nowhere", i);
				return false;
			}
	}
	return true;
}

PP_API int pp_pool_check(struct pp_pool *pool)
{
	struct check check = {
		.store = &pool->store,
		.seen = calloc(pool->store.region.buffers_max, 1),
		.block_seen = calloc(pool->store.blocks.total, 1),
	};

	/* So that each is in a place. */
	pp_late_place(&pool->store, PP_NOBODY);
	if (!check.seen || !check.block_seen)
		check.rc = pp_fail(-ENOMEM, "no memory to check %u buffers",
				   pool->store.region.buffers_max);
	else if (pp_walk_blocks(check.store, check_piece, &check) && check_empties(&check) &&
		 check_pages(&check) && check_sums(&check) && check_marks(&check))
		check_holders(&check);
	free(check.seen);
	free(check.block_seen);
	return check.rc;
}
