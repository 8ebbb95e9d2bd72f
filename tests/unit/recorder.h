/* SPDX-License-Identifier: BSD-3-Clause */
/* Recorder: a device that knows what is mapped for it, and refuses when told. */
#ifndef RECORDER_H
#define RECORDER_H

#include "support.h"

#define PAGES_MOST 64

/* A device that remembers what is mapped, and trips over any second time. */
struct recorder {
	bool mapped[PAGES_MOST];
	bool told[PAGES_MOST];
	uint32_t maps, unmaps, added, removed;
	uint32_t fail_map;   /* refuse this one, counted from 1 */
	uint32_t fail_added; /* refuse to be told of this one */
	int fail_with;
	char *base;
	uint64_t shift; /* iova = offset + shift */
	void *synced;
	size_t synced_bytes;
	int synced_for;
	struct pp_pool *pool;
	bool seen_early;
};

extern const struct pp_dma_ops recorder_ops;

/* Sixteen buffers a hugepage. */
struct pp_pool *pool_pages(uint32_t pages, uint32_t max_pages, uint32_t flags);
struct recorder recorder_for(struct pp_pool *pool);
/* Exactly the hugepages that are present are mapped, and it was told of them. */
void assert_all_mapped(struct pp_pool *pool, struct recorder *recorder);
void assert_none_mapped(struct recorder *recorder);

#endif
