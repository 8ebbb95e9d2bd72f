/* SPDX-License-Identifier: BSD-3-Clause */
/* Receiver: takes what arrives, finds the trial's own packets and counts what happened to them. */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "histogram.h"
#include "sequence.h"

struct pp_cache;
struct rte_mempool;

#define RECEIVER_BURST 64

/* Of one port; as struct sender. */
struct receiver {
	uint64_t received; /* each once */
	uint64_t corrupt, foreign;
	uint64_t first, last; /* ticks: when the first and the last were there */

	uint16_t port __rte_cache_aligned;
	bool verify; /* every checksum */
	bool plain;  /* packets of a file without signature: all that comes is taken for one */
	uint32_t key;
	const struct rte_mempool *mp;
	struct pp_cache *cache; /* of its pool, the lcore's */
	struct sequence sequence;
	struct histogram latency; /* ticks */
} __rte_cache_aligned;

/* 0 or -ENOMEM. */
int receiver_begin(struct receiver *r, uint32_t flows);
void receiver_end(struct receiver *r);
void receiver_prepare(struct receiver *r, uint32_t key);

/* From the one thread that has it. Returns how many came. */
unsigned receiver_step(struct receiver *r);

/* Packets so far that say something about the trial; any thread. */
uint64_t receiver_seen(const struct receiver *r);

#endif
