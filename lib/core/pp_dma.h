/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA: one mapping per hugepage and device, kept for the hugepage's life in the pool. */
#ifndef PP_DMA_H
#define PP_DMA_H

#include "pp_pages.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A device, or something that behaves like one. map(), unmap(), page_added()
 * and page_removed() are called with the pool's page lock held, from the thread
 * that creates, grows, shrinks, attaches, detaches or destroys; sync_*() from
 * any thread; none on the fast path. From inside the first four, devices may be
 * detached (this one and others) and buffers allocated and freed; to grow,
 * shrink, attach or destroy the same pool is -EDEADLK.
 */
struct pp_dma_ops {
	const char *name;
	/* 0 with *mapping filled, or -errno; pp_error() then is kept as the reason. */
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
 * device's number is returned, and pp_pool_device() tells what was lost. One
 * process only maps devices for a pool, and then only it can grow or shrink
 * it: -EPERM for the others. -EDEADLK from inside a device's callback,
 * -ECANCELED if the device was detached from inside one.
 */
PP_API int pp_pool_map_device(struct pp_pool *pool, const struct pp_dma_ops *ops, void *device);

/*
 * Unmaps every hugepage for it, each once, also with buffers in flight;
 * returns how many buffers were in flight then. -ENOENT: no such device.
 * When it returns, the device is not called any more. From inside any callback
 * of the library too (also a watermark's or pp_alloc_bulk_cb()'s): there it
 * takes effect at once; a map() that is under way and succeeds is undone as soon as
 * it returns.
 */
PP_API int64_t pp_pool_unmap_device(struct pp_pool *pool, unsigned device);

#define PP_REASON 160
/* A device, and what it would not have. */
struct pp_device_info {
	const char *name;       /* of its ops */
	uint32_t mapped;        /* hugepages that are mapped for it */
	uint64_t refused;       /* times that it refused one */
	uint64_t stuck;         /* times that its unmap() failed */
	int error;              /* errno of the last refusal, 0: none */
	uint32_t page;          /* the hugepage that it refused last */
	char reason[PP_REASON]; /* what pp_error() said then */
};
/* 0 or -ENOENT. Any thread, of the process that mapped the device. */
PP_API int pp_pool_device(struct pp_pool *pool, unsigned device, struct pp_device_info *info);

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
