/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical: receiving out of the reserve when nothing else is left, and paying it back. */
#ifndef PP_CRITICAL_H
#define PP_CRITICAL_H

#include <rte_mbuf.h>

#include "pp_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The rule is that of the kernel's pfmemalloc (Gorman, "mm: sl[au]b: add
 * knowledge of PFMEMALLOC reserve pages", 2012): a receiver that finds the pool
 * empty goes on with buffers of the reserve, looks at once at what came in
 * them, keeps what is critical and drops the rest, so that a pool all of whose
 * other buffers are held somewhere does not take the control plane down.
 *
 *	pp_critical_begin();
 *	n = rte_eth_rx_burst(port, queue, pkts, burst);
 *	n = pp_critical_end(pkts, n, is_critical, arg);
 *
 * A mempool cannot tell a driver's refill from an application's allocation, so
 * it is the thread that says it: between these two calls its allocations from
 * mempools of pp_pktmbuf_pool_create() may draw on the reserve
 * (pp_pktmbuf_params.reserve) when there is nothing else. What is drawn is
 * marked.
 *
 * Some drivers put what they have drawn into the receive ring and deliver an
 * older buffer (net_af_xdp, net_tap, most hardware): the mark then passes to
 * what is delivered in its place, to packets that are not critical before those
 * that are. If fewer are delivered than were drawn, the rest stays marked, and
 * its marks pass to what the thread's next bursts deliver.
 *
 * A debt is of one draw: if the driver frees the mbuf, at a port's stop, and
 * another call of these draws it again, it is forgotten, and the mark stays where
 * it is. (Not so for who takes it by pp_alloc() with PP_CRITICAL, behind the
 * mempool's back.)
 *
 * What is owed is the thread's: a receive queue that draws on the reserve is
 * polled by one thread, or what one drew reaches another unmarked.
 *
 * While nothing is short this costs two stores and a branch a burst.
 */
struct pp_critical_thread {
	uint32_t receiving; /* PP_CRITICAL_RECEIVING between begin and end, else 0 */
	uint32_t owed;      /* marks that have not yet passed to a packet */
	uint64_t drawn;     /* buffers ever drawn */
};
/* A high bit: whoever asks does so together with another limit. */
#define PP_CRITICAL_RECEIVING (1u << 31)
/* The calling thread's. Not to be written by others. */
PP_API extern __thread struct pp_critical_thread pp_critical
	__attribute__((tls_model("initial-exec")));

/* Whether the packet must go on, whatever buffer it is in. */
typedef bool (*pp_critical_fn)(const struct rte_mbuf *packet, void *arg);

PP_API uint16_t pp_critical_settle(struct rte_mbuf **pkts, uint16_t n, pp_critical_fn fn,
				   void *arg);

static inline void pp_critical_begin(void)
{
	pp_critical.receiving = PP_CRITICAL_RECEIVING;
}

/*
 * Of the n packets received since, frees those that came in marked buffers and
 * are not critical, and counts them in the pool's books (`refused`). Returns
 * how many are left, first in pkts[] and in their order. fn is asked only if
 * something was drawn; NULL: all are critical.
 */
static inline uint16_t pp_critical_end(struct rte_mbuf **pkts, uint16_t n, pp_critical_fn fn,
				       void *arg)
{
	pp_critical.receiving = 0;
	return PP_LIKELY(!pp_critical.owed) ? n : pp_critical_settle(pkts, n, fn, arg);
}

/*
 * How many buffers the calling thread has drawn so far. A thread that sees it
 * rise had better look for transmitted buffers, too: many drivers do that only
 * when there is something to send (rte_eth_tx_done_cleanup(), or for net_af_xdp
 * rte_eth_tx_burst() of none).
 */
static inline uint64_t pp_critical_drawn(void)
{
	return pp_critical.drawn;
}

/* Whether any segment of the packet is in a buffer drawn from a reserve. */
PP_API bool pp_critical_marked(const struct rte_mbuf *packet);

/*
 * An mbuf for what is critical, such as the answer to an ARP request: from the
 * reserve if there is nothing else. It returns there when it is freed. NULL if
 * even that is empty, or mp is not of pp_pktmbuf_pool_create().
 */
PP_API struct rte_mbuf *pp_critical_alloc(struct rte_mempool *mp);

#ifdef __cplusplus
}
#endif
#endif
