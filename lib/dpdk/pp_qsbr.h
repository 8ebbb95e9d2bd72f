/* SPDX-License-Identifier: BSD-3-Clause */
/* Qsbr: DPDK's quiescent states (rte_rcu_qsbr) as the grace periods of a pp_defer. */
#ifndef PP_QSBR_H
#define PP_QSBR_H

#include "pp_defer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_rcu_qsbr;

/* Of a thread that is not registered as a reader (RTE_QSBR_THRID_INVALID). */
#define PP_QSBR_NONE UINT32_MAX

/* What pp_defer_params.grace points to; it must outlive the pp_defer. */
struct pp_qsbr {
	struct rte_rcu_qsbr *qsbr;
	/*
	 * The id by which the calling thread is registered as a reader, or
	 * PP_QSBR_NONE. Who waits for others must not be waited for: a thread
	 * that waits reports its own quiescent states meanwhile, if this says who it
	 * is. NULL: no thread that waits (pp_defer_free(), barriers, destroying) is
	 * a registered reader, or it is offline then.
	 */
	uint32_t (*reader)(void);
};

/* A `reader` for who registers lcores by their ids: PP_QSBR_NONE for other threads. */
PP_API uint32_t pp_qsbr_lcore(void);

PP_API extern const struct pp_grace_ops pp_qsbr_ops;

#ifdef __cplusplus
}
#endif
#endif
