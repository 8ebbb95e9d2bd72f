/* SPDX-License-Identifier: BSD-3-Clause */
/* Link: whether a port is connected, and what it takes. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

struct port;

/*
 * By the driver, and where a network interface of the kernel is behind it by
 * that: the drivers that use one always say that it is up.
 */
bool link_up(const struct port *port);
/* An enum app_exit, having said what is wrong. Ends early when app_stop is set. */
int link_wait(const struct port *port, double seconds);

/* The longest frame that it takes, FCS included. */
uint32_t link_frame_max(const struct port *port);

#endif
