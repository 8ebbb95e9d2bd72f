/* SPDX-License-Identifier: BSD-3-Clause */
/* Region: one reserved address range of hugepages, and the control memory behind it. */
#ifndef PP_REGION_H
#define PP_REGION_H

#include <stdatomic.h>

#include "pp_pages.h"

enum pp_page_state {
	PP_PAGE_ABSENT = 0,
	PP_PAGE_PRESENT,
	PP_PAGE_LEAVING, /* present; its free buffers are held back */
};

/*
 * One a hugepage, in control memory.
 *
 * field      written by                          read by
 * state      who grows or shrinks (page lock)    anyone
 * carved     any carver, by CAS                  anyone
 * collected  any spiller, by atomic add          who shrinks
 * late       any context, by atomic add          who looks for late ones
 * node       who grows, while it is absent       anyone
 * refused    who grows (page lock)               same
 * others     at creation                         anyone
 */
struct pp_page {
	_Atomic uint32_t state;
	_Atomic uint32_t carved;
	_Atomic uint32_t collected;
	_Atomic uint32_t late;
	uint32_t first;
	uint32_t count;
	_Atomic int32_t node;
	uint32_t refused;
};

/*
 * A process's view of it; all but the descriptors is equal everywhere.
 *
 *   base (4 GiB aligned)                          control
 *   | hugepage 0 | hugepage 1 | ... up to max     | header, pages, owners, blocks ...
 *
 * The base's alignment makes the low half of an address the buffer's offset
 * and lets one table lookup tell which region any address belongs to.
 */
struct pp_region {
	uintptr_t base;
	size_t buffer_bytes; /* hugepages up to the maximum */
	size_t control_bytes;
	size_t page;
	unsigned page_shift;
	uint32_t pages_max;
	uint32_t buffer_size;
	uint32_t stride;
	uint64_t inverse; /* 2^64 / (stride / 64), rounded up; 0 for a stride of 64 */
	uint32_t lead;
	unsigned key_shift; /* see pp_place_key() */
	uint32_t per_page;  /* unused if gapless */
	uint32_t buffers_max;
	uint32_t flags; /* enum pp_pool_flag */
	bool wide;      /* offsets are units of 64 bytes */
	enum pp_pages backing;
	int memory_fd;
	int control_fd;
	char *control;
	struct pp_page *pages;   /* in control memory */
	struct pp_mapping *maps; /* [device][page], in control memory */
	/* Not hugepages of its own, but memory that is somebody else's: pp_foreign.h.
	 * Then there is one page in name, buffers_max bounds the numbers that buffers
	 * may have, and control memory may lie in any window. */
	struct pp_tracts *tracts; /* in control memory; else NULL */
};

/* Fills in strides, page counts and sizes from what the caller has set:
 * buffer_size, lead, buffers_max, flags, backing. 0 or -errno. */
int pp_region_plan(struct pp_region *region);

/* Reserves the range, opens both memories, maps them; control memory is
 * populated and zero, no hugepage is. 0 or -errno, nothing left behind. */
int pp_region_open(struct pp_region *region);

/* The same at the same address in another process: base, sizes and descriptors are set. */
int pp_region_join(struct pp_region *region);

void pp_region_close(struct pp_region *region);

/* Binds hugepage p to a node and populates it: 0, or -ENOMEM if there is none left there. */
int pp_region_populate(struct pp_region *region, uint32_t p, int32_t node);
/* -ENOMEM, with what the node has and what is to be done so that `pages` more can be had. */
int pp_region_shortage(const struct pp_region *region, int32_t node, uint32_t pages);
/* Gives hugepage p back to the system. */
void pp_region_punch(struct pp_region *region, uint32_t p);

/* The region that an address lies in (buffers or control), or NULL. */
struct pp_region *pp_region_find(const void *addr);

/* The region of foreign memory whose control memory begins there, or NULL. */
struct pp_region *pp_region_foreign(uintptr_t control);
/* Makes it known in this process: 0 or -ENOSPC. And unknown again. */
int pp_region_foreign_add(struct pp_region *region);
void pp_region_foreign_remove(struct pp_region *region);

/* First buffer of hugepage p, and the number of them. */
uint32_t pp_region_first(const struct pp_region *region, uint32_t p);
uint32_t pp_region_count(const struct pp_region *region, uint32_t p);

static inline char *pp_region_page_start(const struct pp_region *region, uint32_t p)
{
	return (char *)region->base + ((size_t)p << region->page_shift);
}

#endif
