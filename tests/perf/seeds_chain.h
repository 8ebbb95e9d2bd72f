/* SPDX-License-Identifier: BSD-3-Clause */
/* Chain: the buffers of one write of 1 MiB, and who allocates them. */
#ifndef SEEDS_CHAIN_H
#define SEEDS_CHAIN_H

#include "seeds.h"

/* As a bio: each buffer with where its data begins and how much it is. */
struct chain {
	unsigned count;
	uint64_t sector; /* of its first buffer */
	struct {
		void *buf;
		unsigned length, offset;
	} parts[SEEDS_REQUEST];
};

struct chain_maker {
	const char *who;
	unsigned n;
	int against; /* the maker that it is said to gain on */
	/* All of SEEDS_REQUEST, or false. */
	bool (*fill)(void *seat, struct chain *chain);
	void (*drain)(void *seat, struct chain *chain);
};

enum {
	CHAIN_PKTPOOL_ONE,
	CHAIN_PKTPOOL_CALLBACK,
	CHAIN_PKTPOOL_ARRAY,
	CHAIN_KEPT_ONE,
	CHAIN_KEPT_CALLBACK,
	CHAIN_MEMPOOL_ONE,
	CHAIN_MEMPOOL_BULK,
	CHAIN_MALLOC,
	CHAIN_FLOOR,
	CHAIN_SHUFFLED, /* the floor with buffers in no order */
	CHAIN_MAKERS,
};
extern const struct chain_maker chain_makers[CHAIN_MAKERS];

/* Whether there is room for more: what a bulk allocation's callback returns. */
static inline bool chain_add(struct chain *chain, void *buf)
{
	unsigned i = chain->count++;

	chain->parts[i].buf = buf;
	chain->parts[i].length = SEEDS_PAGE;
	chain->parts[i].offset = 0;
	return chain->count < SEEDS_REQUEST;
}

#endif
