/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksum: fills in what a sender left to its hardware. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdbool.h>

struct rte_mbuf;

/*
 * True if a checksum was filled in: IPv4's own, TCP's, UDP's, ICMP's or
 * ICMPv6's, behind up to two VLAN tags and IPv6 extension headers, also where
 * the packet is a chain.
 *
 * Only one that was *left to hardware* is touched. It shows: in TCP, UDP and
 * ICMPv6 the field holds the sum of the pseudo-header and nothing more; in an
 * IPv4 header and in ICMP it is zero. So a packet that was damaged on its way
 * stays recognizable as such, and a UDP checksum of zero (none) stays zero.
 * Left alone as well: fragments (their sum spans packets), packets cut short,
 * what is not understood.
 */
bool checksum_fill(struct rte_mbuf *m);

#endif
