/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence: what the numbers of a flow's packets say about loss, order and repetition. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sequence.h"

#define WINDOW_MAX 65536
#define WINDOW_BITS_ALL (64U << 20)

int sequence_begin(struct sequence *q, uint32_t flows)
{
	memset(q, 0, sizeof(*q));
	q->flows = flows;
	q->window = WINDOW_MAX;
	while ((uint64_t)q->window * flows > WINDOW_BITS_ALL && q->window > 64)
		q->window /= 2;
	q->at = calloc(flows, sizeof(*q->at));
	q->seen = calloc((size_t)flows * (q->window / 64), sizeof(*q->seen));
	return q->at == NULL || q->seen == NULL ? -ENOMEM : 0;
}

void sequence_end(struct sequence *q)
{
	free(q->at);
	free(q->seen);
	memset(q, 0, sizeof(*q));
}

void sequence_clear(struct sequence *q)
{
	q->received = q->duplicated = q->reordered = q->extent = 0;
	memset(q->at, 0, q->flows * sizeof(*q->at));
	memset(q->seen, 0, (size_t)q->flows * (q->window / 64) * sizeof(*q->seen));
}

static bool seen_set(const struct sequence *q, uint64_t *seen, uint64_t number)
{
	uint64_t *word = &seen[(number & (q->window - 1)) / 64];
	uint64_t bit = 1ULL << (number % 64);
	bool before = *word & bit;

	*word |= bit;
	return before;
}

static void seen_clear(const struct sequence *q, uint64_t *seen, uint64_t from, uint64_t n)
{
	if (n >= q->window) {
		memset(seen, 0, q->window / 8);
		return;
	}
	for (uint64_t number = from; number < from + n; number++)
		seen[(number & (q->window - 1)) / 64] &= ~(1ULL << (number % 64));
}

void sequence_disorder(struct sequence *q, uint32_t flow, int32_t ahead)
{
	struct flow *f = &q->at[flow];
	uint64_t *seen = &q->seen[(uint64_t)flow * (q->window / 64)];
	uint64_t late = (uint64_t) - (int64_t)ahead;

	if (ahead > 0) {
		seen_clear(q, seen, f->next, (uint64_t)ahead);
		f->next += (uint64_t)ahead;
		seen_set(q, seen, f->next);
		f->next++;
	} else if (late <= f->next && late <= q->window && seen_set(q, seen, f->next - late)) {
		f->duplicated++;
		q->duplicated++;
		return;
	} else {
		f->reordered++;
		q->reordered++;
		if (late > q->extent)
			q->extent = late;
	}
	f->received++;
	q->received++;
}
