/* SPDX-License-Identifier: BSD-3-Clause */
/* Wire: a socket on the near end of the veth, with a pool as its UMEM, that reflects frames. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <pp_dma_xsk.h>

/* Everything of one open socket. */
struct wire {
	struct pp_pool *pool;
	struct pp_xsk_umem *umem;
	struct pp_xsk_port *port;
	struct pp_xsk_queue *q;
};

struct pp_pool *pool_make(uint32_t size, uint32_t buffers, uint32_t most, uint32_t flags);
struct pp_xsk_umem *umem_make(struct pp_pool *pool, uint32_t headroom);
int queue_try(struct wire *w, uint32_t number, uint32_t flags);

/* On queue 0. */
struct wire wire_open(struct pp_pool *pool, uint32_t headroom);
/* Nothing is in flight then, and the pool ends too. */
void wire_close(struct wire *w);

/* What has come is checked, whole frame by whole frame, and goes back as it is; returns how many. */
unsigned wire_reflect(struct wire *w);
/* So many frames go there and come back, whole. */
void wire_echo(struct wire *w, uint32_t frames, size_t bytes);

#endif
