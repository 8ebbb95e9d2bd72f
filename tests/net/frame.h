/* SPDX-License-Identifier: BSD-3-Clause */
/* Frame: one under test, on its way into mbufs of any cut and back. */
#ifndef FRAME_H
#define FRAME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_mbuf.h>

#include "checksum.h"

#define ETHER 14
#define IP4 20
#define IP6 40
#define TCP_FIELD 16
#define UDP_FIELD 6
#define ICMP_FIELD 2
#define FRAME_MAX 512

static struct rte_mempool *pool;

/* A frame under test, to be changed before it becomes an mbuf. */
struct frame {
	uint8_t bytes[FRAME_MAX];
	unsigned used;
};

static struct frame frame_of(const uint8_t *bytes, unsigned n)
{
	struct frame f = { .used = n };

	memcpy(f.bytes, bytes, n);
	return f;
}
#define FRAME(array) frame_of(array, sizeof(array))

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Bytes put in at a place, behind which the rest moves. */
static void frame_insert(struct frame *f, unsigned at, const void *what, unsigned n)
{
	memmove(f->bytes + at + n, f->bytes + at, f->used - at);
	memcpy(f->bytes + at, what, n);
	f->used += n;
}

/* A chain whose segments have so many bytes each. */
static struct rte_mbuf *mbuf_make(const struct frame *f, unsigned each)
{
	struct rte_mbuf *head = NULL, *tail = NULL;

	for (unsigned at = 0; at < f->used; at += each) {
		unsigned n = f->used - at < each ? f->used - at : each;
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), f->bytes + at, n);
		if (head == NULL) {
			head = m;
		} else {
			tail->next = m;
			head->nb_segs++;
			head->pkt_len += n;
		}
		tail = m;
	}
	return head;
}

/* Runs it over the frame, in segments of `each`, and brings the bytes back. */
static bool frame_fill(struct frame *f, unsigned each)
{
	struct rte_mbuf *m = mbuf_make(f, each);
	unsigned at = 0;
	bool filled = checksum_fill(m);

	assert_int_equal(m->pkt_len, f->used);
	for (struct rte_mbuf *s = m; s != NULL; s = s->next) {
		memcpy(f->bytes + at, rte_pktmbuf_mtod(s, void *), s->data_len);
		at += s->data_len;
	}
	assert_int_equal(at, f->used);
	rte_pktmbuf_free(m);
	return filled;
}

/* The one number that is to come out, and nothing else changed. */
static void assert_filled_chained(const struct frame *before, unsigned field, uint16_t want,
				  unsigned each)
{
	struct frame after = *before;

	assert_true(frame_fill(&after, each));
	assert_int_equal(be16(after.bytes + field), want);
	after.bytes[field] = before->bytes[field];
	after.bytes[field + 1] = before->bytes[field + 1];
	assert_memory_equal(after.bytes, before->bytes, before->used);
}

static void assert_filled(const struct frame *before, unsigned field, uint16_t want)
{
	assert_filled_chained(before, field, want, FRAME_MAX);
}

static void assert_untouched(const struct frame *before)
{
	struct frame after = *before;

	assert_false(frame_fill(&after, FRAME_MAX));
	assert_memory_equal(after.bytes, before->bytes, before->used);
}

#endif
