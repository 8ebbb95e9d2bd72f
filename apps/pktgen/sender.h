/* SPDX-License-Identifier: BSD-3-Clause */
/* Sender: takes buffers 64 at a time, makes packets of them and sends these in time. */
#ifndef SENDER_H
#define SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "plan.h"
#include "rate.h"
#include "replay.h"
#include "stream.h"

struct pp_cache;
struct rte_mbuf;

/* Buffers that are asked for at once, and packets that are sent at most. */
#define SENDER_BURST 64

enum sender_end {
	SENDER_GOES,  /* on */
	SENDER_DONE,  /* with all, or its time is over */
	SENDER_STUCK, /* the driver took nothing for SENDER_PATIENCE seconds */
	SENDER_DRY,   /* no buffer was free for 1 s */
};
#define SENDER_PATIENCE 5

/*
 * Of one port. Written by the lcore that steps it; the counters may be read by
 * anyone, the rest between trials.
 */
struct sender {
	uint64_t sent;
	uint64_t bytes; /* of those, with the FCS */
	uint64_t refused;
	uint64_t first, last; /* ticks: before the first, after the last */
	enum sender_end end;

	uint16_t port __rte_cache_aligned;
	uint16_t burst;
	uint32_t key;
	struct pp_cache *cache; /* the lcore's */
	uint64_t hz;
	struct pacer pacer;
	uint64_t deadline; /* ticks; UINT64_MAX: none */
	uint64_t left;     /* packets still to be made */
	uint64_t dry;      /* ticks since when the pool has been empty; 0: it is not */

	/* Packets come from these in turn, or from a file. */
	unsigned streams, turns, turn;
	struct stream *stream;
	uint16_t *turn_of;
	const struct replay *replay;
	uint64_t replayed; /* packets */
	double speed;      /* of the file's own timing; 0: as the pacer says */
	double ns_per_tick;

	/* Buffers not yet packets; packets not yet sent. */
	unsigned stashed, held, held_at;
	struct rte_mbuf *stash[SENDER_BURST];
	struct rte_mbuf *hold[SENDER_BURST];
	struct stream *hold_of[SENDER_BURST]; /* NULL: of a file */
	uint16_t hold_bytes[SENDER_BURST];
} __rte_cache_aligned;

/*
 * mac: of the port. Flows are numbered from 0 over the streams. 0, -EINVAL or
 * -ENOMEM; sender_end() then too.
 */
int sender_begin(struct sender *s, struct plan *plan, const struct replay *replay,
		 const uint8_t mac[6], struct wrong *wrong);
void sender_end(struct sender *s);
uint32_t sender_flows(const struct sender *s);
/* Bytes with the FCS on average, at the streams' own lengths. */
double sender_frame_mean(const struct sender *s);

#define SENDER_ENDLESS UINT64_MAX

/* A trial's share of one sender: of few packets that may be none. */
struct sender_load {
	uint32_t key;
	uint32_t frame;
	double pps;     /* 0: as fast as it goes */
	double seconds; /* of sending, if packets is SENDER_ENDLESS */
	uint64_t packets;
	uint64_t start; /* ticks */
};

int sender_prepare(struct sender *s, const struct sender_load *load, struct wrong *wrong);

/* From the one thread that has it, until s->end is not SENDER_GOES. */
void sender_step(struct sender *s);
/* After that, from the same thread: what it has left is freed; the driver is asked for what was sent. */
void sender_finish(struct sender *s);
void sender_flush(const struct sender *s);

#endif
