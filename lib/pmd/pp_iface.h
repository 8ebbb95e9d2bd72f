/* SPDX-License-Identifier: BSD-3-Clause */
/* Iface: what the kernel says of one of its network interfaces. */
#ifndef PP_IFACE_H
#define PP_IFACE_H

#include <net/if.h>
#include <stdbool.h>

/* All by name, in the calling thread's network namespace: 0, or -errno with
 * pp_error(); or what it says. */
int pp_iface_mtu(const char *name, int *mtu);
int pp_iface_set_mtu(const char *name, int mtu);
int pp_iface_mac(const char *name, void *mac);
bool pp_iface_is_running(const char *name);
/* Receive queues that can send, too; at least 1. */
unsigned pp_iface_queues(const char *name);

#endif
