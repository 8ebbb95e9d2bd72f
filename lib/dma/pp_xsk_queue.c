/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue: a socket on a pool's UMEM, opened and closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "pp_fail.h"
#include "pp_xsk_parts.h"

/* What the kernel has had since 6.6, 6.17 and 5.11, and older headers do not know. */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#endif
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif

#define RING_DEFAULT 1024u
#define RING_MAX 16384u
#define BUSY_POLL_US 20
/* Descriptors that one call sends where the kernel copies, unless it is asked for more. */
#define TX_MOST_DEFAULT 32
#define SEND_BUFFER (16 << 20)
/* How long a socket that is closed waits for what it sends; how long the kernel
 * may take until its queue is free for the next. */
#define DRAIN_MS 100
#define BIND_MS 5000

static unsigned pool_alloc(void *arg, void **bufs, unsigned n, enum pp_xsk_need need)
{
	const struct pp_xsk_queue *q = arg;
	struct pp_cache *cache = pp_key_cache(&q->key);

	if (PP_UNLIKELY(!cache))
		return need == PP_XSK_ANY ? pp_pool_alloc_burst(q->key.pool, bufs, n) : 0;
	if (need == PP_XSK_TRADE)
		return 0;
	if (need == PP_XSK_ANY)
		return pp_alloc_burst(cache, bufs, n, 0);
	return pp_alloc_bulk(cache, bufs, n, need == PP_XSK_LAST ? PP_CRITICAL : 0);
}

static void pool_free(void *arg, void *const *bufs, unsigned n)
{
	const struct pp_xsk_queue *q = arg;
	struct pp_cache *cache = pp_key_cache(&q->key);

	if (PP_LIKELY(cache != NULL))
		pp_free_bulk(cache, bufs, n);
	else
		pp_pool_free(q->key.pool, bufs, n);
}

static int params_read(const struct pp_xsk_queue_params *from, struct pp_xsk_queue_params *params)
{
	memset(params, 0, sizeof(*params));
	if (!from || from->sz < offsetof(struct pp_xsk_queue_params, busy_budget) ||
	    from->sz > sizeof(*params))
		return pp_fail(-EINVAL, "sz is not sizeof(struct pp_xsk_queue_params)");
	memcpy(params, from, from->sz);
	params->rx = params->rx ? params->rx : RING_DEFAULT;
	params->tx = params->tx ? params->tx : RING_DEFAULT;
	if (params->rx < PP_XSK_BULK || params->rx > RING_MAX || params->tx < PP_XSK_BULK ||
	    params->tx > RING_MAX)
		return pp_fail(-EINVAL, "rings have %u to %u buffers", PP_XSK_BULK, RING_MAX);
	if (!params->source.alloc != !params->source.free)
		return pp_fail(-EINVAL, "a source of buffers allocates and frees");
	return 0;
}

static uint32_t ring_size(uint32_t n)
{
	uint32_t size = PP_XSK_BULK;

	while (size < n)
		size *= 2;
	return size;
}

static int socket_fail(const struct pp_xsk_port *port, uint32_t queue, int rc)
{
	switch (rc) {
	case -EBUSY:
		return pp_fail(rc, "another socket has queue %u of %s", queue, port->iface);
	case -EINVAL:
		return pp_fail(rc, "%s has no queue %u", port->iface, queue);
	case -ENETDOWN:
		return pp_fail(rc, "%s is down: ip link set dev %s up", port->iface, port->iface);
	case -EOPNOTSUPP:
		return pp_fail(rc, "%s's driver cannot do without copying", port->iface);
	default:
		return pp_fail(rc, "no socket on queue %u of %s: %s", queue, port->iface,
			       strerror(-rc));
	}
}

static size_t held_bytes(const struct pp_xsk_queue *q)
{
	return (pp_xsk_umem_bytes(q->umem) >> q->shift) + 1;
}

static int queue_register(struct pp_xsk_queue *q, const struct pp_xsk_queue_params *params)
{
	const struct pp_xsk_umem *umem = q->umem;
	const struct xsk_umem_config config = {
		/* All that can ever be with the kernel, sent ones too. */
		.fill_size = ring_size(params->rx + PP_XSK_BULK),
		.comp_size = ring_size(params->tx),
		.frame_size = umem->chunk,
		.frame_headroom = umem->headroom,
		.flags = umem->aligned ? 0 : XDP_UMEM_UNALIGNED_CHUNK_FLAG,
	};
	size_t bytes = pp_xsk_umem_bytes(umem);
	int rc;

	q->base = pp_xsk_umem_base(umem);
	q->lead = umem->lead;
	q->chunk = umem->aligned ? ~(uint64_t)(umem->chunk - 1) : XSK_UNALIGNED_BUF_ADDR_MASK;
	/* The largest power of two in a stride: no two buffers share it. */
	q->shift = 31 - (uint32_t)__builtin_clz(umem->extent.stride);
	q->held = calloc(held_bytes(q), 1);
	if (!q->held)
		return pp_fail(-ENOMEM, "no memory for a queue's books");
	rc = xsk_umem__create(&q->registration, q->base, bytes, &q->fill, &q->completion, &config);
	if (rc == -ENOBUFS || rc == -ENOMEM || rc == -EPERM)
		return pp_fail(rc, "the kernel does not lock a UMEM of %zu MiB: ulimit -l, or root",
			       bytes >> 20);
	return rc ? pp_fail(rc, "the kernel takes no UMEM of %zu MiB in chunks of %u bytes: %s",
			    bytes >> 20, umem->chunk, strerror(-rc))
		  : 0;
}

static void millisecond_wait(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

static int queue_bind(struct pp_xsk_queue *q, const struct pp_xsk_queue_params *params, int flags)
{
	const struct xsk_socket_config config = {
		.rx_size = ring_size(params->rx + PP_XSK_BULK),
		.tx_size = ring_size(params->tx),
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(XDP_USE_NEED_WAKEUP | flags |
					 (params->flags & PP_XSK_COPY ? XDP_COPY : 0) |
					 (params->flags & PP_XSK_ZEROCOPY ? XDP_ZEROCOPY : 0)),
	};

	int rc = -EBUSY;

	/* The kernel lets go of a queue some time after its socket was closed. */
	for (unsigned i = 0; i < BIND_MS && rc == -EBUSY; i++) {
		if (i)
			millisecond_wait();
		rc = xsk_socket__create(&q->socket, q->port->iface, q->number, q->registration,
					&q->rx, &q->tx, &config);
	}
	return rc;
}

/* What is not there is done without. */
static void queue_tune(struct pp_xsk_queue *q, const struct pp_xsk_queue_params *params)
{
	int on = 1, us = BUSY_POLL_US, budget = (int)params->busy_budget, bytes = SEND_BUFFER;
	uint32_t most = ring_size(params->tx);

	setsockopt(q->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	q->tx_most = TX_MOST_DEFAULT;
	if (!setsockopt(q->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &most, sizeof(most)))
		q->tx_most = most;
	if (!budget || setsockopt(q->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on)))
		return;
	setsockopt(q->fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us));
	setsockopt(q->fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget));
	q->busy = true;
}

static int queue_open(struct pp_xsk_queue *q, const struct pp_xsk_queue_params *params)
{
	int rc = queue_register(q, params);

	if (rc)
		return rc;
	/* Some kernels would bind, and say nothing. */
	if (!pp_xsk_port_is_up(q->port))
		return socket_fail(q->port, q->number, -ENETDOWN);
	q->frags = q->port->frags && !(params->flags & PP_XSK_SINGLE);
	rc = queue_bind(q, params, q->frags ? XDP_USE_SG : 0);
	if (rc == -EINVAL && q->frags) {
		/* The kernel may be older than frames in several buffers. */
		q->frags = false;
		rc = queue_bind(q, params, 0);
	}
	if (rc)
		return socket_fail(q->port, q->number, rc);
	q->fd = xsk_socket__fd(q->socket);
	queue_tune(q, params);
	pp_xsk_refill_more(q);
	return pp_xsk_port_add(q->port, q->number, q->fd);
}

PP_API int pp_xsk_queue_create(struct pp_xsk_umem *umem, struct pp_xsk_port *port,
			       const struct pp_xsk_queue_params *from, struct pp_xsk_queue **queue)
{
	struct pp_xsk_queue_params params;
	struct pp_xsk_queue *q;
	int rc = params_read(from, &params);

	if (rc)
		return rc;
	if (!params.source.alloc && !umem->pool)
		return pp_fail(-EINVAL, "memory that is no pool's needs a source of buffers");
	if (params.queue >= PP_XSK_QUEUES_MAX)
		return socket_fail(port, params.queue, -EINVAL);
	rc = pp_xsk_umem_hold(umem);
	if (rc)
		return rc;
	q = aligned_alloc(PP_LINE, sizeof(*q));
	if (!q || port->taken[params.queue]) {
		rc = q ? socket_fail(port, params.queue, -EBUSY)
		       : pp_fail(-ENOMEM, "no memory for a queue's books");
		free(q);
		pp_xsk_umem_release(umem);
		return rc;
	}
	memset(q, 0, sizeof(*q));
	port->taken[params.queue] = true;
	q->umem = umem;
	q->port = port;
	q->number = params.queue;
	q->target = params.rx;
	q->source = params.source;
	if (!q->source.alloc) {
		pp_pool_key(umem->pool, &q->key);
		q->source = (struct pp_xsk_source){ pool_alloc, pool_free, q };
	}
	rc = queue_open(q, &params);
	if (rc) {
		pp_xsk_queue_destroy(q);
		return rc;
	}
	*queue = q;
	return 0;
}

/* What is on its way to another host's stack is in nobody's hands for long. */
static void queue_drain(struct pp_xsk_queue *q)
{
	for (unsigned i = 0; i < DRAIN_MS; i++) {
		pp_xsk_reclaim(q);
		if (!q->sending || (sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
				    (errno == ENETDOWN || errno == ENXIO)))
			return;
		millisecond_wait();
	}
}

static uint32_t queue_free_held(struct pp_xsk_queue *q)
{
	size_t n = q->held ? held_bytes(q) : 0;
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t line = q->held[i] & ((1u << q->shift) / PP_LINE - 1);
		void *buf = q->base + (i << q->shift) + line * PP_LINE + q->lead;

		if (!(q->held[i] & PP_XSK_HELD))
			continue;
		q->source.free(q->source.arg, &buf, 1);
		sum++;
	}
	return sum;
}

/* Whether the interface's own driver reads and writes the buffers. */
static bool queue_is_zerocopy(const struct pp_xsk_queue *q)
{
	struct xdp_options options = { 0 };
	socklen_t bytes = sizeof(options);

	return !getsockopt(q->fd, SOL_XDP, XDP_OPTIONS, &options, &bytes) &&
	       options.flags & XDP_OPTIONS_ZEROCOPY;
}

/*
 * A closed socket's queue is taken from the driver at some later time, and until
 * then the device writes into the buffers. It has been when another can have the
 * queue, or when there is no interface any more.
 */
static void queue_await_device(const struct pp_xsk_port *port, uint32_t number)
{
	const struct xsk_umem_config config = {
		.fill_size = PP_XSK_BULK,
		.comp_size = PP_XSK_BULK,
		.frame_size = XSK_UMEM__DEFAULT_FRAME_SIZE,
	};
	const struct xsk_socket_config bind = {
		.rx_size = PP_XSK_BULK,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_COPY,
	};
	void *page = aligned_alloc(XSK_UMEM__DEFAULT_FRAME_SIZE, XSK_UMEM__DEFAULT_FRAME_SIZE);
	struct xsk_umem *umem = NULL;
	struct xsk_socket *socket = NULL;
	struct xsk_ring_cons completion, rx;
	struct xsk_ring_prod fill;

	if (page && !xsk_umem__create(&umem, page, XSK_UMEM__DEFAULT_FRAME_SIZE, &fill, &completion,
				      &config))
		for (unsigned i = 0;
		     i < BIND_MS && xsk_socket__create(&socket, port->iface, number, umem, &rx,
						       NULL, &bind) == -EBUSY;
		     i++)
			millisecond_wait();
	xsk_socket__delete(socket);
	if (umem)
		xsk_umem__delete(umem);
	free(page);
}

PP_API uint32_t pp_xsk_queue_destroy(struct pp_xsk_queue *q)
{
	bool zerocopy = false;
	uint32_t sum;

	if (!q)
		return 0;
	if (q->socket) {
		pp_xsk_port_remove(q->port, q->number);
		queue_drain(q);
		zerocopy = queue_is_zerocopy(q);
		xsk_socket__delete(q->socket);
	}
	if (q->registration)
		xsk_umem__delete(q->registration);
	if (zerocopy)
		queue_await_device(q->port, q->number);
	sum = queue_free_held(q);
	pp_xsk_umem_release(q->umem);
	q->port->taken[q->number] = false;
	free(q->held);
	free(q);
	return sum;
}
