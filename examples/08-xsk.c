/* SPDX-License-Identifier: BSD-3-Clause */
/* Xsk: a pool whose buffers are an AF_XDP socket's: what arrives on one end of a veth is sent back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare() */
#endif
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <pp_dma_xsk.h>

#define PINGS 50

static int fail(const char *what, int code)
{
	fprintf(stderr, "%s: %s\n", what, pp_error());
	return code;
}

/* Nothing is copied: the buffer that was received into is the one that is sent. */
static unsigned reflect(struct pp_xsk_queue *q)
{
	uint32_t from, to, n = xsk_ring_cons__peek(&q->rx, PP_XSK_BULK, &from);

	if (!n || !xsk_ring_prod__reserve(&q->tx, n, &to)) {
		xsk_ring_cons__cancel(&q->rx, n);
		return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *in = xsk_ring_cons__rx_desc(&q->rx, from + i);
		struct xdp_desc *out = xsk_ring_prod__tx_desc(&q->tx, to + i);

		*out = *in;
		pp_xsk_give(q, pp_xsk_take(q, in->addr));
	}
	xsk_ring_cons__release(&q->rx, n);
	q->level -= n;
	pp_xsk_submit(q, n);
	pp_xsk_wake_tx(q, n);
	return n;
}

static int run(struct pp_xsk_queue *q)
{
	struct pollfd pollfd = { .fd = q->fd, .events = POLLIN };
	unsigned n = 0;

	/* Frames of the other end's own, such as it sends when it comes up, return too. */
	while (n < PINGS && poll(&pollfd, 1, 10000) > 0) {
		n += reflect(q);
		pp_xsk_reclaim(q);
		pp_xsk_refill(q);
	}
	printf("%u frames sent back, %u buffers wait for more\n", n, q->level);
	return n < PINGS;
}

int main(void)
{
	struct pp_pool_params params = { .sz = sizeof(params),
					 .buffer_size = 2048,
					 .buffers = 4096 };
	struct pp_xsk_umem_params how = { .sz = sizeof(how) };
	struct pp_xsk_queue_params what = { .sz = sizeof(what) };
	struct pp_xsk_queue *queue;
	struct pp_xsk_umem *umem;
	struct pp_xsk_port *port;
	struct pp_pool *pool;
	int rc;

	/* A network of its own, with a veth pair, of whose far end the frames come. */
	if (unshare(CLONE_NEWNET))
		return printf("a network namespace wants root\n"), 77;
	if (system("ip link add dev near type veth peer name far && ip link set dev near up &&"
		   "ip link set dev far up && ip address add 10.7.9.1/24 dev far &&"
		   "ip neighbour add 10.7.9.2 lladdr 2:0:0:0:0:1 dev far"))
		return 1;
	if (pp_pool_create(&params, &pool))
		return fail("no pool", 77);
	if (pp_xsk_umem_create(pool, &how, &umem) || pp_xsk_port_open("near", &port))
		return fail("no UMEM or no port", 1);
	rc = pp_xsk_queue_create(umem, port, &what, &queue);
	if (rc)
		return fail("no socket", 1);
	if (system("ping -q -i 0.002 -c 50 -W 1 10.7.9.2 >/dev/null &"))
		return 1;
	rc = run(queue);
	printf("%u buffers were with the kernel\n", pp_xsk_queue_destroy(queue));
	pp_xsk_port_close(port);
	rc |= pp_xsk_umem_destroy(umem);
	/* Refused if one buffer were missing. */
	return pp_pool_destroy(pool) ? fail("the pool", 1) : rc;
}
