/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages: the kinds of memory that a pool can be made of. */
#ifndef PP_PAGES_H
#define PP_PAGES_H

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* There is no silent fallback from one to another. */
enum pp_pages {
	PP_PAGES_2M = 0,
	PP_PAGES_1G = 1,
	/* Ordinary pages, handled in units of 2 MiB: for tests and small machines. */
	PP_PAGES_4K = 2,
};

enum pp_pool_flag {
	/* Buffers follow each other without a gap or a colour, also across
	 * hugepages: buffer i starts at base + i * buffer_size. net_af_xdp's UMEM
	 * needs it. Such a pool shrinks from its end only. */
	PP_POOL_GAPLESS = 1 << 0,
	/* Remember which cache each buffer in flight was allocated by: one byte a
	 * buffer, written on each allocation and free. */
	PP_POOL_OWNERS = 1 << 1,
	/* Owners, and: freed buffers are poisoned and checked when allocated again;
	 * double and foreign frees are refused, counted and reported. */
	PP_POOL_DEBUG = 1 << 2,
};

/* What a device calls a hugepage. */
struct pp_mapping {
	uint64_t iova; /* of the hugepage's first byte */
	uint32_t lkey; /* RDMA keys, 0 for others */
	uint32_t rkey;
};

#ifdef __cplusplus
}
#endif
#endif
