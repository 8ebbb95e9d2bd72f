/* SPDX-License-Identifier: BSD-3-Clause */
/* Loop: each lcore takes its streams' packets from receiving to sending, until told to stop. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "batch.h"
#include "options.h"
#include "ports.h"
#include "program.h"
#include "stall.h"

/* Packets; nothing but uint64_t, so that it can be summed as an array. */
struct tally {
	uint64_t first;     /* made here and sent */
	uint64_t rx;        /* received */
	uint64_t tx;        /* accepted by the driver that sends */
	uint64_t refused;   /* not accepted by it, and freed */
	uint64_t checksums; /* filled in */
	uint64_t marked;    /* not critical in a buffer of the reserve, and freed */
	uint64_t held;      /* by --stall, freed at the end */
	uint64_t verdicts[VERDICTS];
};

/* Freed instead of sent. */
static inline uint64_t tally_dropped(const struct tally *t)
{
	return t->refused + t->marked + t->held + t->verdicts[XDP_DROP] + t->verdicts[XDP_ABORTED];
}

/*
 * One queue of a port and the one by which its packets leave. The tally is
 * written by the one lcore that polls it and read by anyone; the rest is
 * written before the lcores start.
 */
struct stream {
	struct tally tally;
	unsigned at; /* of its port, in ports.at[] */
	uint16_t rx_port, tx_port, queue;
	bool from_kernel;
	const struct critical *critical;
	struct stall stall;
	struct batch batch;
} __rte_cache_aligned;

struct loop {
	const struct options *o;
	unsigned n;
	struct stream streams[PORTS_MAX * OPTIONS_QUEUES_MAX];
	/* With --packets: not yet claimed by an lcore that is about to receive, and
	 * received. Both atomic: all lcores write them. */
	int64_t unclaimed __rte_cache_aligned;
	uint64_t received;
};

void loop_prepare(struct loop *loop, const struct ports *ports, const struct options *o);
/* With --stall and --batch: room for what is to be held. An enum app_exit. */
int loop_hold(struct loop *loop, const struct rte_mempool *mp);
/* Frees what is held; no lcore runs any more. */
void loop_end(struct loop *loop);
/* Sends --first packets from each port. An enum app_exit, having said what is wrong. */
int loop_prime(struct loop *loop, struct rte_mempool *mp);
/* Runs on every lcore, the main one too; returns when all have seen app_stop. */
void loop_run(struct loop *loop);

/* The sum over port `at`'s queues, or over all if at is UINT_MAX. Any thread. */
struct tally loop_tally(const struct loop *loop, unsigned at);

#endif
