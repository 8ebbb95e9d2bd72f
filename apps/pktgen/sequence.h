/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence: what the numbers of a flow's packets say about loss, order and repetition. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * RFC 4737, section 3.3, by sequence numbers: a packet is reordered if its
 * number is smaller than the next expected, which is one more than the largest
 * seen so far. So of 1 2 4 3 5 one is reordered, the 3. One that has been seen
 * before is a duplicate (RFC 5560) and not reordered as well. What never comes
 * is lost: sent less those seen, each once.
 *
 * Which of the last numbers have been seen is kept in bits. One that comes
 * later than these remember counts as reordered, and is taken for new.
 */
struct flow {
	uint64_t next;     /* expected */
	uint64_t received; /* each once */
	uint32_t duplicated;
	uint32_t reordered;
};

struct sequence {
	uint32_t flows;
	uint32_t window; /* numbers remembered a flow: a power of two, 64 at least */
	uint64_t received, duplicated, reordered;
	uint64_t extent; /* the largest by which one was late: next - number */
	struct flow *at;
	uint64_t *seen; /* window / 64 words a flow */
};

/* 8 MiB of bits at the most. 0 or -ENOMEM; sequence_end() then too. */
int sequence_begin(struct sequence *q, uint32_t flows);
void sequence_end(struct sequence *q);
/* As after sequence_begin(). */
void sequence_clear(struct sequence *q);

/* What does not come in order; the inline part has the rest. */
void sequence_disorder(struct sequence *q, uint32_t flow, int32_t ahead);

/* flow is below q->flows; number is the low half of the packet's. */
static inline void sequence_take(struct sequence *q, uint32_t flow, uint32_t number)
{
	struct flow *f = &q->at[flow];
	int32_t ahead = (int32_t)(number - (uint32_t)f->next);
	uint64_t *seen;

	if (__builtin_expect(ahead != 0, 0)) {
		sequence_disorder(q, flow, ahead);
		return;
	}
	/* Its bit is that of one that has left the window, whatever it was. */
	seen = &q->seen[(uint64_t)flow * (q->window / 64)];
	seen[(f->next & (q->window - 1)) / 64] |= 1ULL << (f->next % 64);
	f->next++;
	f->received++;
	q->received++;
}

#endif
