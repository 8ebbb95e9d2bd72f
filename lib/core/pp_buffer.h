/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffer: from an address to its number, node and device addresses, and back. */
#ifndef PP_BUFFER_H
#define PP_BUFFER_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All are O(1) and safe from any thread. */

/* The number of the buffer that `addr` lies in (anywhere in it), or -EINVAL:
 * not one of this pool's (outside it, in a gap, or on an absent hugepage). */
PP_API int64_t pp_buffer_index(const struct pp_region *region, const void *addr);

/* The address handed out for buffer `index`, NULL if there is no such buffer now. */
PP_API void *pp_buffer_at(const struct pp_region *region, uint32_t index);

/* One more than the highest buffer number that can exist: buffers_max, plus
 * what the ends of hugepages add. Numbers are not dense in a pool with gaps. */
PP_API uint32_t pp_buffer_index_end(const struct pp_region *region);

/* The NUMA node that the buffer's hugepage is bound to. */
PP_API int pp_buffer_node(const struct pp_region *region, const void *addr);

/* What a device calls this address; UINT64_MAX if not mapped for it. `device`
 * is what pp_pool_map_device() returned. */
PP_API uint64_t pp_buffer_iova(const struct pp_region *region, unsigned device, const void *addr);

/* The local and the remote key of its hugepage on an RDMA device; 0 where there is none. */
PP_API uint32_t pp_buffer_lkey(const struct pp_region *region, unsigned device, const void *addr);
PP_API uint32_t pp_buffer_rkey(const struct pp_region *region, unsigned device, const void *addr);

/* The memory itself, for those who register it: all buffers lie in
 * [base, base + bytes), of which hugepage p starts at base + p * page bytes. */
struct pp_extent {
	void *base;
	size_t bytes; /* reserved: up to the pool's maximum */
	size_t page;  /* bytes of one hugepage (2 MiB in a pool of 4 KiB pages) */
	uint32_t pages;
	uint32_t stride; /* bytes from one buffer to the next in a hugepage */
};
PP_API void pp_region_extent(const struct pp_region *region, struct pp_extent *extent);

/* Hugepage p: whether present, its node, its buffers. */
struct pp_page_info {
	bool present;
	int node;
	uint32_t first; /* number of its first buffer */
	uint32_t count;
	void *start; /* of the first buffer (not its `lead`) */
};
PP_API int pp_region_page(const struct pp_region *region, uint32_t p, struct pp_page_info *info);

#ifdef __cplusplus
}
#endif
#endif
