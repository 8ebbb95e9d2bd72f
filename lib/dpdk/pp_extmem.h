/* SPDX-License-Identifier: BSD-3-Clause */
/* Extmem: pools' address ranges in EAL's books of memory. */
#ifndef PP_EXTMEM_H
#define PP_EXTMEM_H

#include <rte_common.h>

#include "pktpool.h"

/* What a hugepage is used for, by how many. */
struct pp_extmem_page {
	uint8_t users;     /* who wants it in EAL's books */
	uint8_t container; /* devices that reach it through EAL's VFIO container */
};

/*
 * A registered range, shared by all who hold it.
 *
 * field             written by
 * next, holds       anyone, under the list's lock
 * extent            pp_extmem_hold()
 * pages             who maps and unmaps (the pool's page lock)
 */
struct pp_extmem {
	struct pp_extmem *next;
	struct pp_extent extent;
	uint32_t holds;
	struct pp_extmem_page pages[];
};

/* Registers the range, none of it in use yet, or counts one more holder; NULL: *error is -errno. */
struct pp_extmem *pp_extmem_hold(const struct pp_extent *extent, int *error);
/* The last holder's registers it off. */
void pp_extmem_drop(struct pp_extmem *extmem);
/* The held range that an address lies in; NULL: none. */
struct pp_extmem *pp_extmem_find(const void *va);

static inline struct pp_extmem_page *pp_extmem_page(struct pp_extmem *extmem, const void *va)
{
	return &extmem->pages[((uintptr_t)va - (uintptr_t)extmem->extent.base) /
			      extmem->extent.page];
}

/* The hugepage at va is there under that address, or is gone; once for each user. */
void pp_extmem_use(struct pp_extmem *extmem, const void *va, rte_iova_t iova);
void pp_extmem_release(struct pp_extmem *extmem, const void *va);

/* Address ranges registered now, over all pools of this process. */
unsigned pp_extmem_count(void);

#endif
