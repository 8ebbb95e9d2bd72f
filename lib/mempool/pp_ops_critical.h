/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical: the one thing that an application may tell the mempool ops. */
#ifndef PP_OPS_CRITICAL_H
#define PP_OPS_CRITICAL_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From now on, what this thread gets from mempools of ops "pktpool" is critical,
 * or is not any more: then, and only then, gets may draw on the reserve
 * (option reserve=N). Returns what it was. To be found with dlsym(), or declared
 * weak, as the ops are loaded at run time; meant to stand around
 * rte_eth_rx_burst(), so that a receive ring is refilled when nothing else is left.
 */
int pktpool_mempool_critical(int on);

#ifdef __cplusplus
}
#endif
#endif
