/* SPDX-License-Identifier: BSD-3-Clause */
/* Stream: packets of one kind, of several lengths, some of whose fields vary. */
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "stream.h"
#include "sum.h"

/* A range's and a list's turns wrap by themselves: no division. */
static struct field_value vary_next(struct vary *v, uint64_t turn, uint64_t seed)
{
	const struct field *f = v->field;
	struct field_value value;

	switch (f->way) {
	case FIELD_RANGE:
		value = v->value;
		v->value.lo += f->step;
		if (++v->turn == f->count) {
			v->turn = 0;
			v->value = f->first;
		}
		return value;
	case FIELD_LIST:
		value = f->list[v->turn];
		if (++v->turn == f->count)
			v->turn = 0;
		return value;
	default:
		return field_at(f, turn, seed);
	}
}

/* Returns what it adds to a sum. */
static inline uint64_t value_write(struct field_value value, unsigned bytes, uint8_t *at)
{
	uint64_t lo = __builtin_bswap64(value.lo), hi;
	uint32_t four;
	uint16_t two;

	switch (bytes) {
	case 2:
		two = __builtin_bswap16((uint16_t)value.lo);
		memcpy(at, &two, 2);
		return two;
	case 4:
		four = __builtin_bswap32((uint32_t)value.lo);
		memcpy(at, &four, 4);
		return four;
	case 6:
		lo >>= 16;
		memcpy(at, &lo, 6);
		return 0;
	default:
		hi = __builtin_bswap64(value.hi);
		memcpy(at, &hi, 8);
		memcpy(at + 8, &lo, 8);
		return (uint32_t)hi + (hi >> 32) + (uint32_t)lo + (lo >> 32);
	}
}

static inline const struct shape *stream_shape(struct stream *s)
{
	unsigned turn = s->turn;

	if (s->alone)
		return &s->shape[MIX_PARTS];
	if (s->turns == 1)
		return &s->shape[0];
	s->turn = turn + 1 == s->turns ? 0 : turn + 1;
	return &s->shape[s->turn_of[turn]];
}

static inline void fields_write(struct stream *s, uint8_t *data, uint64_t *sum3, uint64_t *sum4)
{
	uint64_t turn = s->restart ? s->flow : s->built;

	for (unsigned i = 0; i < s->varying; i++) {
		struct vary *v = &s->vary[i];
		struct field_value value = vary_next(v, turn, s->seed + v->kind);
		uint64_t add = value_write(value, v->bytes, data + v->at);

		if (v->in4)
			*sum4 += add;
		if (v->in3)
			*sum3 += add;
	}
}

static inline void flow_next(struct stream *s)
{
	s->built++;
	if (++s->flow < s->flows)
		return;
	s->flow = 0;
	s->number++;
	if (!s->restart)
		return;
	for (unsigned i = 0; i < s->varying; i++) {
		s->vary[i].turn = 0;
		s->vary[i].value = s->vary[i].field->first;
	}
}

static inline uint16_t sum_finish(uint64_t sum)
{
	uint16_t check = (uint16_t)~sum_fold(sum);

	/* Zero would say that UDP has none; to TCP both are the same. */
	return check != 0 ? check : 0xffff;
}

static inline __attribute__((always_inline)) uint16_t
packet_write(struct stream *s, uint8_t *restrict data, uint32_t key, uint64_t tsc)
{
	const struct shape *shape = stream_shape(s);
	uint64_t sum3 = shape->sum3, sum4 = shape->sum4;
	unsigned at = shape->bytes - SIGNATURE_BYTES;
	struct signature signature = signature_make(key, s->number, s->flow_first + s->flow, tsc);
	uint16_t check;

	for (unsigned line = 0; line < shape->lines; line++)
		memcpy(data + 64 * line, shape->image + 64 * line, 64);
	fields_write(s, data, &sum3, &sum4);
	signature_write(signature, data + at);
	if (s->check3 != 0) {
		check = (uint16_t)~sum_fold(sum3);
		memcpy(data + s->check3, &check, 2);
	}
	if (s->check4 != 0) {
		sum4 += at % 2 == 0 ? signature_sum(signature)
				    : sum_shift(signature_sum(signature));
		check = sum_finish(sum4);
		memcpy(data + s->check4, &check, 2);
	}
	flow_next(s);
	return shape->bytes;
}

uint16_t stream_write(struct stream *s, uint8_t *data, uint32_t key, uint64_t tsc)
{
	return packet_write(s, data, key, tsc);
}

void stream_fill(struct stream *s, struct rte_mbuf **mbufs, unsigned n, uint32_t key, uint64_t tsc)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = mbufs[i];

		if (i + 4 < n)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + 4], void *));
		rte_pktmbuf_reset(m);
		m->data_len = packet_write(s, rte_pktmbuf_mtod(m, uint8_t *), key, tsc);
		m->pkt_len = m->data_len;
	}
}

void stream_restamp(const struct stream *s, uint8_t *data, uint16_t bytes, uint64_t tsc)
{
	unsigned at = bytes - SIGNATURE_BYTES;
	struct signature old = signature_read(data + at);
	struct signature new =
		signature_make(signature_key(old), signature_number(old), signature_flow(old), tsc);
	uint16_t check, less = sum_fold(signature_sum(old)), more = sum_fold(signature_sum(new));

	signature_write(new, data + at);
	if (s->check4 == 0)
		return;
	if (at % 2 != 0) {
		less = __builtin_bswap16(less);
		more = __builtin_bswap16(more);
	}
	/* RFC 1624, equation 3. */
	memcpy(&check, data + s->check4, 2);
	check = sum_finish((uint64_t)(uint16_t)~check + (uint16_t)~less + more);
	memcpy(data + s->check4, &check, 2);
}
