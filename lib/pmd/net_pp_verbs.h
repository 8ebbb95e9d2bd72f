/* SPDX-License-Identifier: BSD-3-Clause */
/* Net pp verbs: a queue pair that only receives, and one that only sends, so that the threads of
 * both have nothing in common but the device. */
#ifndef NET_PP_VERBS_H
#define NET_PP_VERBS_H

#include "pp_pair.h"

uint16_t verbs_receive(void *pair, struct rte_mbuf **pkts, uint16_t n);
uint16_t verbs_send(void *pair, struct rte_mbuf **pkts, uint16_t n);
int verbs_send_cleanup(void *pair, uint32_t n);

#endif
