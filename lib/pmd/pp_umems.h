/* SPDX-License-Identifier: BSD-3-Clause */
/* Umems: mempools of mbufs as AF_XDP UMEMs, one for all the queues that have it. */
#ifndef PP_UMEMS_H
#define PP_UMEMS_H

#include "pp_dma_xsk.h"
#include "pp_mbufs.h"

struct pp_umem {
	struct pp_umem *next;
	struct pp_mbufs mbufs;
	struct pp_xsk_umem *umem;
	struct pp_xsk_source source; /* for its queues */
	unsigned users;
};

/* 0 or -errno, with pp_error() saying why. Any thread. */
int pp_umem_get(struct rte_mempool *mp, struct pp_umem **umem);
/* NULL is fine. */
void pp_umem_put(struct pp_umem *umem);

/* Of an mbuf into which something is received. */
uint16_t pp_umem_data_off(const struct pp_umem *umem);

#endif
