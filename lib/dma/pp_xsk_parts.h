/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts: what the files of libpktpool_xsk know of each other. */
#ifndef PP_XSK_PARTS_H
#define PP_XSK_PARTS_H

#include <net/if.h>
#include <pthread.h>

#include "pp_dma_xsk.h"

/*
 * field          written by                   read by
 * present        who grows or shrinks, or     under the lock
 *                attaches (page lock, lock)
 * open, first,   who opens or closes a queue  under the lock
 * pages          (lock)
 * others         at creation                  anyone
 */
struct pp_xsk_umem {
	pthread_mutex_t lock;
	struct pp_pool *pool; /* NULL: memory that is no pool's */
	struct pp_extent extent;
	int device;
	uint32_t lead;
	uint32_t chunk; /* bytes */
	uint32_t headroom;
	bool aligned;
	unsigned open; /* queues */
	uint32_t first, pages;
	bool *present; /* by hugepage */
};

/* Queues of an interface that can be had: more than any device has. */
#define PP_XSK_QUEUES_MAX 256

struct pp_xsk_port {
	char iface[IF_NAMESIZE];
	unsigned index;
	int map, program, link;
	bool frags;
	bool taken[PP_XSK_QUEUES_MAX];
};

/* The UMEM's range is fixed from the first to the last: 0 or -ENXIO. */
int pp_xsk_umem_hold(struct pp_xsk_umem *umem);
void pp_xsk_umem_release(struct pp_xsk_umem *umem);

static inline char *pp_xsk_umem_base(const struct pp_xsk_umem *umem)
{
	return (char *)umem->extent.base + (size_t)umem->first * umem->extent.page;
}

static inline size_t pp_xsk_umem_bytes(const struct pp_xsk_umem *umem)
{
	return umem->pool ? (size_t)umem->pages * umem->extent.page : umem->extent.bytes;
}

bool pp_xsk_port_is_up(const struct pp_xsk_port *port);

/* From now on, or no longer, the packets of that queue go to the socket. */
int pp_xsk_port_add(struct pp_xsk_port *port, uint32_t queue, int fd);
void pp_xsk_port_remove(struct pp_xsk_port *port, uint32_t queue);

#endif
