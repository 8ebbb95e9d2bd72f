/* SPDX-License-Identifier: BSD-3-Clause */
/* Mbufs: where a driver's mbufs come from: a pktpool itself, or an rte_mempool. */
#ifndef PP_MBUFS_H
#define PP_MBUFS_H

#include <rte_mbuf.h>

#include "pktpool.h"

/*
 * Free mbufs of a mempool, raw: with one reference and no next. Of a mempool of
 * pp_pktmbuf_pool_create() they are had from the pool, by the calling thread's
 * cache, with no mempool in between.
 */
struct pp_mbufs {
	struct rte_mempool *mp;
	struct pp_pool *pool; /* NULL: some other mempool */
	struct pp_pool_key key;
};

/* Whether its objects are mbufs with as much room as it says: 0, or -EINVAL with pp_error(). */
int pp_mbufs_check(struct rte_mempool *mp);

void pp_mbufs_open(struct pp_mbufs *mbufs, struct rte_mempool *mp);

/* All n or none: n or 0. And up to n. */
unsigned pp_mbufs_bulk(const struct pp_mbufs *mbufs, void **to, unsigned n);
unsigned pp_mbufs_burst(const struct pp_mbufs *mbufs, void **to, unsigned n);

/*
 * All n or none, also of the reserve. To trade is for a thread between
 * pp_critical_begin() and pp_critical_end(), which owes what it draws
 * (pp_critical.h); any other gets nothing more than before. The last is for a
 * receive ring that is about to be empty.
 */
unsigned pp_mbufs_trade(const struct pp_mbufs *mbufs, void **to, unsigned n);
unsigned pp_mbufs_last(const struct pp_mbufs *mbufs, void **to, unsigned n);

void pp_mbufs_free(const struct pp_mbufs *mbufs, void *const *from, unsigned n);

/* The packet once more, in mbufs that take `most` bytes each; NULL: there are not enough. */
struct rte_mbuf *pp_mbufs_copy(const struct pp_mbufs *mbufs, const struct rte_mbuf *packet,
			       uint32_t most);

/* What every mbuf that a port receives has in common: data_off, refcnt, nb_segs and port. */
uint64_t pp_mbuf_rearm(uint16_t port, uint32_t data_off);

/* A free mbuf with so many bytes received into it. */
static inline void pp_mbuf_receive(struct rte_mbuf *m, uint64_t rearm, uint32_t bytes)
{
	*(uint64_t *)RTE_PTR_ADD(m, offsetof(struct rte_mbuf, data_off)) = rearm;
	m->ol_flags = 0;
	m->packet_type = 0;
	m->pkt_len = bytes;
	m->data_len = (uint16_t)bytes;
}

/*
 * The one area, of whole pages, that has all of the mempool's objects and little
 * else: false if they are strewn about, or not aligned.
 */
bool pp_mbufs_area(const struct rte_mempool *mp, void **area, size_t *bytes);

#endif
