/* SPDX-License-Identifier: BSD-3-Clause */
/* Rdma: one end of a connection, with a device, a domain and a pool mapped in it. */
#ifndef RDMA_H
#define RDMA_H

#include <pp_dma_verbs.h>

#include "check.h"

/* What stands before a datagram's data in its receive buffer. */
#define GRH 40

struct end {
	const char *name;
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct pp_dma_verbs *verbs;
	const struct pp_region *region;
	int device; /* of the pool */
	union ibv_gid gid;
	struct ibv_cq *send_cq, *receive_cq;
	struct ibv_qp *qp;
	enum ibv_qp_type type;
	struct ibv_ah *ah; /* to the other end, for datagrams */
};

/* Ends the program if the device is not there. */
void end_open(struct end *end, const char *name);
void end_close(struct end *end);

/* Queue pairs of that type, ready to send to each other; and their end. */
void ends_join(struct end *a, struct end *b, enum ibv_qp_type type);
void ends_part(struct end *a, struct end *b);

void end_receive(struct end *end, void *buf, uint32_t bytes);
/* `wrong` is added to the key. */
void end_send(struct end *end, const struct end *to, void *buf, uint32_t bytes, uint32_t wrong);
void end_post(struct end *end, const struct end *to, struct ibv_sge *sge);
/* Remote write or read; `wrong` is added to the remote key. */
void end_reach(struct end *end, const struct end *to, enum ibv_wr_opcode opcode, void *mine,
	       void *theirs, uint32_t bytes, uint32_t wrong);
/* Binds a window to the pool's last hugepage. */
struct ibv_mw *end_bind_windows(struct end *end, struct pp_pool *pool);

/* The next completion, of any status; ends the program when none comes. */
struct ibv_wc end_wait(struct ibv_cq *cq);

/* How many memory regions the kernel has of this process on that device. */
unsigned regions_of(const struct end *end);

#endif
