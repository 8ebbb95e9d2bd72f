/* SPDX-License-Identifier: BSD-3-Clause */
/* Verify: whether a packet's checksums are right. */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>

struct rte_mbuf;

/*
 * IPv4's, and UDP's and TCP's over either IP, behind up to two VLAN tags. What
 * has none is right; what contradicts itself in its lengths is not. Only
 * packets in one piece; of a chain it is said that they are right.
 */
bool verify(const struct rte_mbuf *m);

#endif
