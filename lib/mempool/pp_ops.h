/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops: an rte_mempool's objects, kept by a pktpool over the mempool's own memory. */
#ifndef PP_OPS_H
#define PP_OPS_H

#include "pp_foreign.h"
#include "pp_local.h"
#include "pp_weak.h"

#define PP_OPS_NAME "pktpool"
#define PP_OPS_ENV "PKTPOOL_MEMPOOL"
#define PP_OPS_ENV_REPLACE "PKTPOOL_MEMPOOL_REPLACE"

/* Wherever the application sends its log, and why: an error is never silent. */
void ops_log_begin(void);
#define ops_error(...) ops_log(RTE_LOG_ERR, __VA_ARGS__)
void ops_log(uint32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum ops_layout {
	OPS_LAYOUT_GAPLESS, /* objects abut, also across pages */
	OPS_LAYOUT_ONE,     /* and all of them lie in one piece, or there is no pool */
	OPS_LAYOUT_PAGES,   /* none lies across two pages, as DPDK's own ops have it */
};

struct ops_options {
	uint32_t reserve;
	uint32_t debug;
	uint32_t poison;      /* debug: keep so many bytes at an object's start, poison the rest */
	uint32_t caches;      /* threads that have one; 0: lcores and some more */
	uint32_t lcore_cache; /* what rte_mempool's own caches are made to hold */
	enum ops_layout layout;
	bool poison_set;
	bool lcore_cache_set;
};

/* PKTPOOL_MEMPOOL, and then the mempool's pool_config: 0, or -EINVAL with the reason logged. */
int ops_options_read(const struct rte_mempool *mp, struct ops_options *options);

/*
 * mp->pool_id says where control memory is, and which pool of all that ever lay
 * there; it means the same in all processes. What a process knows of the pool
 * is found by it, and made when it is first asked for.
 *
 * mp->pool_config is reserve, layout and a note once the pool is there: what was
 * given is the caller's, and may be gone by then.
 */
int ops_control_create(struct rte_mempool *mp, const struct ops_options *options);
void ops_control_free(struct rte_mempool *mp);
/* NULL if it cannot be attached to. */
struct pp_pool *ops_control_pool(uint64_t id);

static inline uint32_t ops_stride(const struct rte_mempool *mp)
{
	return mp->header_size + mp->elt_size + mp->trailer_size;
}

static inline void ops_config_keep(struct rte_mempool *mp, const struct ops_options *options)
{
	mp->pool_config = (void *)((uintptr_t)options->reserve << 8 | options->layout);
}

static inline enum ops_layout ops_layout_of(const struct rte_mempool *mp)
{
	return (enum ops_layout)((uintptr_t)mp->pool_config & 0x7f);
}

/* True once: its objects are in several pieces, and that was to be said. */
static inline bool ops_pieces_note(struct rte_mempool *mp)
{
	bool noted = (uintptr_t)mp->pool_config & 0x80;

	mp->pool_config = (void *)((uintptr_t)mp->pool_config | 0x80);
	return !noted;
}

static inline uint32_t ops_reserve_of(const struct rte_mempool *mp)
{
	return (uint32_t)((uintptr_t)mp->pool_config >> 8);
}

/* From now on a mempool in debug mode that is freed says who still has objects of it. */
void ops_leak_watch(void);

ssize_t ops_calc_mem_size(const struct rte_mempool *mp, uint32_t objects, uint32_t page_shift,
			  size_t *min_chunk_size, size_t *align);
int ops_populate(struct rte_mempool *mp, unsigned max, void *vaddr, rte_iova_t iova, size_t len,
		 rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg);

extern const struct rte_mempool_ops ops_table_entry;

/* Whether a mempool, of any ops, has these. */
static inline bool ops_is_ours(const struct rte_mempool *mp)
{
	return mp->ops_index >= 0 && mp->ops_index < RTE_MEMPOOL_MAX_OPS_IDX &&
	       rte_mempool_ops_table.ops[mp->ops_index].dequeue == ops_table_entry.dequeue;
}

/* The mempool's index becomes the one that means these ops in every process that has them. */
void ops_register_settle(struct rte_mempool *mp);

#endif
