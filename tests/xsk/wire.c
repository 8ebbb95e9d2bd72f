/* SPDX-License-Identifier: BSD-3-Clause */
/* Wire: see wire.h. */
#include "wire.h"

#include <time.h>
#include <unistd.h>

#include "support.h"
#include "veth.h"

struct pp_pool *pool_make(uint32_t size, uint32_t buffers, uint32_t most, uint32_t flags)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "xsk",
		.buffer_size = size,
		.buffers = buffers,
		.buffers_max = most,
		.flags = flags,
	};

	return pool_of(&params);
}

struct pp_xsk_umem *umem_make(struct pp_pool *pool, uint32_t headroom)
{
	struct pp_xsk_umem_params how = { .sz = sizeof(how), .headroom = headroom };
	struct pp_xsk_umem *umem = NULL;

	assert_ok(pp_xsk_umem_create(pool, &how, &umem));
	return umem;
}

int queue_try(struct wire *w, uint32_t number, uint32_t flags)
{
	struct pp_xsk_queue_params what = { .sz = sizeof(what), .queue = number, .flags = flags };

	return pp_xsk_queue_create(w->umem, w->port, &what, &w->q);
}

struct wire wire_open(struct pp_pool *pool, uint32_t headroom)
{
	struct wire w = { .pool = pool, .umem = umem_make(pool, headroom) };

	assert_ok(pp_xsk_port_open(NEAR, &w.port));
	assert_ok(queue_try(&w, 0, 0));
	return w;
}

void wire_close(struct wire *w)
{
	pp_xsk_queue_destroy(w->q);
	pp_xsk_port_close(w->port);
	assert_ok(pp_xsk_umem_destroy(w->umem));
	/* Also that nothing is in flight. */
	pool_end(w->pool);
}

unsigned wire_reflect(struct wire *w)
{
	static uint8_t whole[FRAME_MOST];
	uint32_t data = pp_xsk_umem_data(w->umem), from, to = 0, number;
	uint32_t n = xsk_ring_cons__peek(&w->q->rx, PP_XSK_BULK, &from);
	size_t bytes = 0;
	unsigned frames = 0;

	/* Of a frame in several buffers all, or none of it now. */
	while (n && xsk_ring_cons__rx_desc(&w->q->rx, from + n - 1)->options & 1) {
		xsk_ring_cons__cancel(&w->q->rx, 1);
		n--;
	}
	if (!n)
		return 0;
	assert_int_equal(xsk_ring_prod__reserve(&w->q->tx, n, &to), n);
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *in = xsk_ring_cons__rx_desc(&w->q->rx, from + i);
		struct xdp_desc *out = xsk_ring_prod__tx_desc(&w->q->tx, to + i);
		char *buf = pp_xsk_take(w->q, in->addr);

		/* It is a buffer of the pool, by the address that the pool hands out. */
		assert_ptr_equal(pp_buffer_at(pp_pool_region(w->pool),
					      (uint32_t)pp_buffer_index(pp_pool_region(w->pool),
									buf)),
				 buf);
		assert_true(in->len <= pp_xsk_umem_frame(w->umem));
		memcpy(whole + bytes, buf + data, in->len);
		bytes += in->len;
		out->len = in->len;
		out->options = in->options;
		out->addr = pp_xsk_data(w->q, pp_xsk_give(w->q, buf), data);
		if (in->options & 1)
			continue;
		assert_true(!frame_is_one(whole, bytes) || frame_is_right(whole, bytes, &number));
		bytes = 0;
		frames++;
	}
	assert_int_equal(bytes, 0);
	xsk_ring_cons__release(&w->q->rx, n);
	w->q->level -= n;
	pp_xsk_submit(w->q, n);
	pp_xsk_wake_tx(w->q, n);
	pp_xsk_reclaim(w->q);
	pp_xsk_refill(w->q);
	return frames;
}

void wire_echo(struct wire *w, uint32_t frames, size_t bytes)
{
	int fd = far_open();
	uint32_t sent = 0, back = 0, number;
	time_t end = time(NULL) + 60;
	size_t length;
	int rc;

	while (back < frames && time(NULL) < end) {
		for (unsigned i = 0; i < 32 && sent < frames && sent - back < 64; i++)
			far_send(fd, bytes, sent++);
		wire_reflect(w);
		while ((rc = far_receive(fd, &number, &length)) != 0) {
			assert_int_equal(rc, 1);
			assert_int_equal(length, bytes);
			assert_int_equal(number, back++);
		}
	}
	assert_int_equal(back, frames);
	close(fd);
}
