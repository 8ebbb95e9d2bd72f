/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: one mapping per hugepage and device, kept for the hugepage's life in the pool. */
#ifndef PP_DMA_H
#define PP_DMA_H

#include "pp_pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A device, or something that behaves like one. map() and unmap() are called
 * with the pool's page lock held, from the thread that creates, grows,
 * shrinks or destroys; sync_*() from any thread; none on the fast path.
 */
struct pp_dma_ops {
	const char *name;
	/* 0 with *mapping filled, or -errno. */
	int (*map)(void *device, void *va, size_t bytes, struct pp_mapping *mapping);
	int (*unmap)(void *device, void *va, size_t bytes, const struct pp_mapping *mapping);
	/* May be NULL where the device is coherent. */
	void (*sync_for_device)(void *device, void *va, size_t bytes);
	void (*sync_for_cpu)(void *device, void *va, size_t bytes);
	/* Told of a hugepage before any buffer of it can be allocated, and when it
	 * leaves by shrinking, all its buffers being back; both after map() and
	 * before unmap(). Not told when the device or the pool goes. NULL: not told. */
	int (*page_added)(void *device, uint32_t page);
	void (*page_removed)(void *device, uint32_t page);
};

/*
 * Maps every hugepage of the pool for one more device, and from now on every
 * one that grows. Returns the device's number (0..7), -ENOSPC beyond that, or
 * what map() returned: then the pool is as before, unless the refused
 * hugepage was idle: that one leaves the pool, the rest stays, and the
 * device's number is returned. One process only maps devices for a pool, and
 * then only it can grow or shrink it: -EPERM for the others.
 */
PP_API int pp_pool_map_device(struct pp_pool *pool, const struct pp_dma_ops *ops, void *device);

/*
 * Unmaps every hugepage for it, each once, also with buffers in flight;
 * returns how many buffers were in flight then. -ENOENT: no such device.
 */
PP_API int64_t pp_pool_unmap_device(struct pp_pool *pool, unsigned device);

/* Before a device reads, and before the CPU reads what it wrote. */
PP_API void pp_pool_sync_for_device(struct pp_pool *pool, unsigned device, void *va, size_t bytes);
PP_API void pp_pool_sync_for_cpu(struct pp_pool *pool, unsigned device, void *va, size_t bytes);

/* The identity backend: IOVA = VA. Zeroed, it never fails; it can be told to. */
struct pp_dma_none {
	uint64_t fail_map; /* fail this map() call, counted from 1; 0: none */
	int fail_errno;    /* with this errno; 0: EIO */
	uint32_t unmap_delay_us;
	uint64_t maps, unmaps, failures; /* what happened so far */
};
PP_API extern const struct pp_dma_ops pp_dma_none_ops;

#ifdef __cplusplus
}
#endif
#endif
