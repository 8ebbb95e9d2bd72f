/* SPDX-License-Identifier: BSD-3-Clause */
/* Late: a mark a buffer, counted by hugepage. */
#include "pp_late.h"

#include "pp_guard.h"

bool pp_late_note(struct pp_store *store, uint32_t index)
{
	struct pp_page *page = &store->region.pages[pp_place_page(&store->region, index)];

	/* H5: the page's count, the mark, the pool's count; pairs with H6. */
	atomic_fetch_add_explicit(&page->late, 1, memory_order_seq_cst);
	if (atomic_fetch_or_explicit(&store->marks[index], PP_MARK_LATE, memory_order_seq_cst) &
	    PP_MARK_LATE) {
		atomic_fetch_sub_explicit(&page->late, 1, memory_order_seq_cst);
		return false;
	}
	atomic_fetch_add_explicit(&store->shared->late, 1, memory_order_seq_cst);
	return true;
}

/* Not for who is in a hurry: what debug mode and owners want to know of a free. */
static uint32_t late_guard(struct pp_store *store, uint32_t *offsets, uint32_t n)
{
	void *bufs[PP_CARVE], *kept[PP_CARVE];

	if (!store->holders)
		return n;
	pp_store_out(store, offsets, bufs, n);
	if (!(store->shared->facts.mode & PP_MODE_DEBUG)) {
		pp_guard_home(store, bufs, n);
		return n;
	}
	n = pp_guard_in(store, 0, bufs, n, kept);
	pp_store_in(store, offsets, kept, n);
	return n;
}

static void late_flush(struct pp_store *store, uint32_t id, uint32_t *offsets, uint32_t n)
{
	n = late_guard(store, offsets, n);
	if (n)
		pp_home_put(store, 0, id, offsets, n);
}

static void late_page(struct pp_store *store, struct pp_page *page, uint32_t id)
{
	uint32_t offsets[PP_CARVE], n = 0;

	for (uint32_t i = page->first; i < page->first + page->count; i++) {
		if (!(atomic_load_explicit(&store->marks[i], memory_order_relaxed) & PP_MARK_LATE))
			continue;
		/* Two may look at a time: who takes the mark off has the buffer. */
		if (!(atomic_fetch_and_explicit(&store->marks[i], (uint8_t)~PP_MARK_LATE,
						memory_order_acq_rel) &
		      PP_MARK_LATE))
			continue;
		atomic_fetch_sub_explicit(&page->late, 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&store->shared->late, 1, memory_order_relaxed);
		offsets[n++] = pp_place_offset(&store->region, i);
		if (n == PP_CARVE) {
			late_flush(store, id, offsets, n);
			n = 0;
		}
	}
	late_flush(store, id, offsets, n);
}

void pp_late_place(struct pp_store *store, uint32_t id)
{
	for (uint32_t p = 0; pp_late_any(store) && p < store->region.pages_max; p++)
		if (atomic_load_explicit(&store->region.pages[p].late, memory_order_acquire))
			late_page(store, &store->region.pages[p], id);
}
