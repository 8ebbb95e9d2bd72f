/* SPDX-License-Identifier: BSD-3-Clause */
/* Xsk: a pool's memory as the UMEM of AF_XDP sockets, and its buffers in their rings. */
#ifndef PP_DMA_XSK_H
#define PP_DMA_XSK_H

#include <xdp/xsk.h>

#include "pktpool.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An AF_XDP socket receives into and sends from one address range whose pages
 * the kernel holds on to, in chunks of 2048 to 4096 bytes (kernel, net/xdp/).
 * Here the range is the pool, a chunk is a buffer of it, and nothing is copied
 * between the two:
 *
 *	pp_xsk_umem_create(pool, &how, &umem);     the pool's buffers as chunks
 *	pp_xsk_port_open("eth0", &port);           packets go to sockets, if there are any
 *	pp_xsk_queue_create(umem, port, &what, &queue);
 *	...
 *	pp_xsk_refill(queue);                      buffers to receive into
 *	xsk_ring_cons__peek(&queue->rx, ...)       libxdp's own, for rx and tx;
 *	pp_xsk_take(queue, desc->addr)             the buffer of a descriptor
 *	pp_xsk_give(queue, buf)                    and the other way
 *	pp_xsk_reclaim(queue);                     what has been sent is free
 *
 * All functions return 0 or -errno, with pp_error() saying why, unless it says
 * otherwise.
 */
struct pp_xsk_umem;
struct pp_xsk_port;

/* Buffers go to and come from the kernel this many at a time. */
#define PP_XSK_BULK 64
#define PP_XSK_HELD 0x80

/* Zero means the default. */
struct pp_xsk_umem_params {
	size_t sz;
	/* Bytes from the address that the pool hands out to a received frame, at
	 * least: 256 less what lies before that address is the least the kernel
	 * leaves. Default 0. See pp_xsk_umem_data(). */
	uint32_t headroom;
	/* Bytes at a buffer's end that no frame is to reach. Default 0. */
	uint32_t tail;
	/* Bytes of a buffer, of which a chunk is made. Default: from one buffer to
	 * the next, which may be a line more than pp_pool_params has. */
	uint32_t buffer_size;
	/* Memory that is no pool's, for `pool` NULL: as in pp_pool_params; where it
	 * begins (on a 4 KiB page), and its bytes. It must stay as it is. */
	uint32_t lead;
	void *area;
	size_t bytes;
};

/*
 * Buffers of 2048 or 4096 bytes in a gapless pool are aligned chunks, others
 * unaligned ones. The pool is mapped for one more device (pp_pool_map_device()).
 * While a queue is open its UMEM is the hugepages that were there when the first
 * was opened: one that comes later is refused, and so is lost to the pool, and
 * so is one that left and came back, as the kernel holds on to the memory that
 * it was. -EINVAL: no chunks that the kernel takes can be made of the buffers.
 * Any thread.
 */
PP_API int pp_xsk_umem_create(struct pp_pool *pool, const struct pp_xsk_umem_params *params,
			      struct pp_xsk_umem **umem);

/* -EBUSY: a queue is open. Before the pool is destroyed. NULL is fine. */
PP_API int pp_xsk_umem_destroy(struct pp_xsk_umem *umem);

/* Bytes from the address handed out to a received frame; and how much of a
 * frame one buffer takes, what is longer comes in several. */
PP_API uint32_t pp_xsk_umem_data(const struct pp_xsk_umem *umem);
PP_API uint32_t pp_xsk_umem_frame(const struct pp_xsk_umem *umem);

/*
 * Takes an interface's packets: an XDP program that hands those of a receive
 * queue to the socket of that queue, and to the kernel as before where there is
 * none. It goes with the port or the process, whatever ends it. -ENODEV: no such
 * interface here; -EBUSY: it has an XDP program, somebody else's or another
 * port's.
 */
PP_API int pp_xsk_port_open(const char *iface, struct pp_xsk_port **port);
/* After its queues. NULL is fine. */
PP_API void pp_xsk_port_close(struct pp_xsk_port *port);

/* How far an allocation for a receive ring goes. */
enum pp_xsk_need {
	PP_XSK_ALL, /* n or none, and none of the reserve's */
	PP_XSK_ANY, /* up to n, and none of the reserve's */
	/* n or none, also of the reserve, if the thread answers for what it receives
	 * instead (pp_critical.h): as many as it has received. */
	PP_XSK_TRADE,
	PP_XSK_LAST, /* n or none, also of the reserve: the ring is about to be empty */
};

/* Where buffers come from, if not from the pool by the calling thread's cache. */
struct pp_xsk_source {
	unsigned (*alloc)(void *arg, void **bufs, unsigned n, enum pp_xsk_need need);
	void (*free)(void *arg, void *const *bufs, unsigned n);
	void *arg;
};

/* Zero means the default. */
struct pp_xsk_queue_params {
	size_t sz;
	uint32_t queue;       /* of the interface */
	uint32_t rx;          /* buffers kept ready to receive, 64 .. 16384, for frames in
			       * several 128 at least; default 1024 */
	uint32_t tx;          /* buffers in the send ring, 64 .. 16384; default 1024 */
	uint32_t busy_budget; /* packets a busy poll may take; default 0: no busy polling */
	uint32_t flags;       /* enum pp_xsk_flag */
	struct pp_xsk_source source;
};

enum pp_xsk_flag {
	PP_XSK_COPY = 1 << 0,     /* the kernel copies, also where a driver need not */
	PP_XSK_ZEROCOPY = 1 << 1, /* -EOPNOTSUPP where the driver cannot do without */
	PP_XSK_SINGLE = 1 << 2,   /* frames of one buffer only, longer ones are dropped */
};

/*
 * One socket. Two threads may use it: one that receives (rx, fill), one that
 * sends (tx, completion). What stands behind the rings is read only.
 */
struct pp_xsk_queue {
	/* Who receives. */
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	uint32_t level;   /* buffers with the kernel, or received and not yet seen */
	uint32_t target;  /* as many as there should be */
	uint32_t had;     /* as many as there were when last there were enough */
	uint64_t starved; /* refills that left the ring without a buffer */
	uint64_t last;    /* buffers drawn when there were no others */
	/* Who sends. */
	struct xsk_ring_prod tx __attribute__((aligned(PP_LINE)));
	struct xsk_ring_cons completion;
	uint32_t sending; /* buffers that are being sent */
	/* Both. */
	char *base __attribute__((aligned(PP_LINE))); /* of the UMEM */
	uint64_t chunk;   /* what of a descriptor's address says which chunk */
	uint32_t lead;    /* from a chunk to the address handed out */
	uint32_t shift;   /* from a chunk to its place in held[] */
	uint32_t tx_most; /* descriptors that one kernel call sends */
	bool frags;       /* frames may come and go in several buffers */
	bool busy;        /* busy polling is on: who receives has to ask, pp_xsk_wake_rx() */
	int fd;
	uint8_t *held; /* by chunk: whether the kernel has it (PP_XSK_HELD) */
	struct pp_xsk_source source;
	struct pp_pool_key key;
	/* Private to the library. */
	struct pp_xsk_umem *umem;
	struct pp_xsk_port *port;
	struct xsk_umem *registration;
	struct xsk_socket *socket;
	uint32_t number;
};

/*
 * Opens a socket on a queue of the interface, with its ring filled as far as
 * there are buffers. -EBUSY: another socket has that queue; -EINVAL: no such
 * queue; -ENOBUFS: RLIMIT_MEMLOCK; -ENXIO: the pool has a hole, or has changed
 * since the first queue was opened.
 */
PP_API int pp_xsk_queue_create(struct pp_xsk_umem *umem, struct pp_xsk_port *port,
			       const struct pp_xsk_queue_params *params,
			       struct pp_xsk_queue **queue);

/*
 * Takes no more packets, waits up to 100 ms for what is being sent, closes, and
 * frees every buffer that the kernel has, also of an interface that is gone.
 * Returns how many were freed. Nobody may use it meanwhile. NULL is fine.
 */
PP_API uint32_t pp_xsk_queue_destroy(struct pp_xsk_queue *queue);

/*
 * Brings the receive ring up to its target, 64 buffers at a time. When there are
 * not so many: what there is, and when the ring is about to be empty, what the
 * reserve has. To be called by who receives, once a burst.
 */
PP_API void pp_xsk_refill_more(struct pp_xsk_queue *queue);

static inline void pp_xsk_refill(struct pp_xsk_queue *queue)
{
	if (PP_UNLIKELY(queue->level + PP_XSK_BULK <= queue->target))
		pp_xsk_refill_more(queue);
}

/* Frees what has been sent, up to 64 at a time; by who sends. Returns how many. */
PP_API unsigned pp_xsk_reclaim(struct pp_xsk_queue *queue);

/* Tells the kernel to look: at the fill ring (who receives), at the n frames that
 * were put into the send ring (who sends). One system call, if one is needed. */
PP_API void pp_xsk_wake_rx(struct pp_xsk_queue *queue);
PP_API void pp_xsk_wake_tx(struct pp_xsk_queue *queue, unsigned n);

/* The buffer that a descriptor of rx or completion is about; no longer the kernel's. */
static inline void *pp_xsk_take(struct pp_xsk_queue *queue, uint64_t addr)
{
	addr &= queue->chunk;
	queue->held[addr >> queue->shift] = 0;
	return queue->base + addr + queue->lead;
}

/* The chunk of a buffer, which is the kernel's from now on. */
static inline uint64_t pp_xsk_give(struct pp_xsk_queue *queue, const void *buf)
{
	uint64_t addr = (uint64_t)((const char *)buf - queue->base) - queue->lead;

	/* And where it begins: the shift leaves up to six bits of that. */
	queue->held[addr >> queue->shift] = (uint8_t)(PP_XSK_HELD | addr / PP_LINE);
	return addr;
}

/* So many descriptors of tx, reserved and filled in, are for the kernel. */
static inline void pp_xsk_submit(struct pp_xsk_queue *queue, unsigned n)
{
	xsk_ring_prod__submit(&queue->tx, n);
	queue->sending += n;
}

/* The address, for a descriptor of tx, of data that lies so far behind buf. */
static inline uint64_t pp_xsk_data(const struct pp_xsk_queue *queue, uint64_t addr, uint32_t at)
{
	at += queue->lead;
	return queue->chunk == XSK_UNALIGNED_BUF_ADDR_MASK
		       ? addr | (uint64_t)at << XSK_UNALIGNED_BUF_OFFSET_SHIFT
		       : addr + at;
}

#ifdef __cplusplus
}
#endif
#endif
