/* SPDX-License-Identifier: BSD-3-Clause */
/* Far: the kernel's end of a port, where numbered frames go out and come in. */
#ifndef DPDK_FAR_H
#define DPDK_FAR_H

#include "dpdk_test.h"

/* Bytes of a frame: addresses, an Ethertype of our own, the number, whose it is, and padding. */
#define FAR_FRAME 64

/* What frames written from now on say of whose they are; only those are received. Each process has
 * its own: net_af_packet hears all interfaces until its socket is bound. */
extern uint32_t far_whose;

/* The interfaces of a veth pair that is there until the process ends; 77 if it may not be made. */
void far_veth_create(void);
extern char far_near_name[], far_name[];

/* A socket on that interface that sees our frames only, with room for many. */
int far_open(const char *interface);

/* Writes frame `number` to `data`. */
void far_write(char *data, uint32_t number);

/* Sends frames first..end-1; returns how many the kernel took. */
uint32_t far_send(int fd, uint32_t first, uint32_t end);

/* Marks the numbers below `end` of the frames that have come; returns how many were new. */
uint32_t far_receive(int fd, uint8_t *seen, uint32_t end);

#endif
