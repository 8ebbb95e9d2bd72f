/* SPDX-License-Identifier: BSD-3-Clause */
/* Populate: how a mempool's objects are laid out in the memory that it is given. */
#include "pp_ops.h"

#include "pp_reserve.h"

/* Objects given at a time. */
#define SOME 64

/*
 * net_af_xdp takes a mempool's memory to be its first address and the number of
 * objects times their size: with DPDK's own layout, where an object that does
 * not fit before a page's end moves to the next page, the last ones lie beyond
 * that, and what is sent from them is lost. A chunk's device addresses are
 * contiguous, so nothing is won by the gaps.
 */
ssize_t ops_calc_mem_size(const struct rte_mempool *mp, uint32_t objects, uint32_t page_shift,
			  size_t *min_chunk_size, size_t *align)
{
	enum ops_layout layout = ops_layout_of(mp);
	size_t bytes = (size_t)objects * ops_stride(mp);

	/* With physical addresses a piece ends wherever they jump. */
	if (layout == OPS_LAYOUT_PAGES || rte_eal_iova_mode() != RTE_IOVA_VA)
		return rte_mempool_op_calc_mem_size_default(mp, objects, page_shift, min_chunk_size,
							    align);
	*min_chunk_size = layout == OPS_LAYOUT_ONE ? bytes : ops_stride(mp);
	*align = RTE_MEMPOOL_ALIGN;
	return (ssize_t)bytes;
}

/* Where the object that would begin at `at` does begin. */
static size_t place_object(const struct rte_mempool *mp, const char *start, size_t at, size_t page)
{
	uintptr_t first = (uintptr_t)start + at;

	if (!page || ops_stride(mp) > page || first / page == (first + ops_stride(mp) - 1) / page)
		return at;
	return at + (page - first % page);
}

/* How many of `max` objects have room, and where the last one ends. */
static unsigned place_all(const struct rte_mempool *mp, const char *start, size_t len, size_t page,
			  unsigned max, size_t *end)
{
	unsigned n = 0;
	size_t at = 0;

	for (*end = 0; n < max; n++) {
		at = place_object(mp, start, at, page);
		if (at + ops_stride(mp) > len)
			break;
		at += ops_stride(mp);
		*end = at;
	}
	return n;
}

static bool piece_accept(struct rte_mempool *mp, struct pp_pool *pool, char *start, size_t end,
			 bool gapless)
{
	const struct pp_tracts *tracts = pool->store.region.tracts;
	uintptr_t first = (uintptr_t)start + mp->header_size;
	bool apart = tracts->n && tracts->tract[tracts->n - 1].end != first;

	if (ops_layout_of(mp) == OPS_LAYOUT_ONE && apart) {
		ops_error("%s: layout=one, but EAL's memory is in several pieces (more of it at "
			  "start: -m or --socket-mem; or --iova-mode=va)",
			  mp->name);
		return false;
	}
	if (pp_foreign_extend(pool, first, first + end, gapless)) {
		ops_error("%s", pp_error());
		return false;
	}
	/* Nothing else would say so: what net_af_xdp loses it counts as sent. */
	if (ops_layout_of(mp) == OPS_LAYOUT_GAPLESS && apart && ops_pieces_note(mp))
		ops_log(RTE_LOG_WARNING,
			"%s: EAL's memory is in several pieces, and on a mempool like this "
			"net_af_xdp LOSES what is sent from all but the first (more memory at "
			"start: -m or --socket-mem; or --iova-mode=va; or layout=one, which "
			"refuses such a mempool)",
			mp->name);
	return true;
}

/* 0 is a refusal: the caller takes a negative number for success. */
int ops_populate(struct rte_mempool *mp, unsigned max, void *vaddr, rte_iova_t iova, size_t len,
		 rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg)
{
	struct pp_pool *pool = ops_control_pool(mp->pool_id);
	size_t page = 0, end, at = 0;
	unsigned n, some = 0;
	char *start = vaddr;
	void *objs[SOME];

	if (!pool)
		return 0;
	if (ops_layout_of(mp) == OPS_LAYOUT_PAGES && rte_mempool_get_page_size(mp, &page))
		return 0;
	n = place_all(mp, start, len, page, max, &end);
	if (!n || !piece_accept(mp, pool, start, end, !page))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		at = place_object(mp, start, at, page);
		objs[some++] = start + at + mp->header_size;
		obj_cb(mp, obj_cb_arg, start + at + mp->header_size,
		       iova == RTE_BAD_IOVA ? iova : iova + at + mp->header_size);
		at += ops_stride(mp);
		if (some == SOME || i + 1 == n) {
			pp_foreign_give(pool, objs, some);
			some = 0;
		}
	}
	/* With the last piece. */
	if (n == max && pp_pool_set_reserve(pool, ops_reserve_of(mp)))
		ops_error("%s: %s", mp->name, pp_error());
	return (int)n;
}
