/* SPDX-License-Identifier: BSD-3-Clause */
/* Trial: one load for a time, and what came of it. */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What every method of measuring stands on: send so many packets a second of
 * such a length for so long, and say what arrived. A trial leaves nothing
 * behind: packets of an earlier one that arrive late are foreign to the next.
 */
struct generator;

/*
 * On the wire a frame takes 20 bytes more than its length: 7 of preamble, one
 * that starts the frame, 12 of gap. A rate in bits is either of the frames with
 * their FCS (L2) or with these 20 bytes as well (L1).
 */
#define TRIAL_WIRE_BYTES 20

/* All sending ports together; each has its equal share. */
struct trial_load {
	uint32_t frame; /* bytes with the FCS (64 .. 9600); 0: the streams' own */
	double pps;     /* packets a second; 0: as many as go */
	double seconds; /* how long it sends, above 0; ignored if packets is not 0 */
	uint64_t
		packets; /* sends so many and no more; 0: by time. With pps 0 in bursts back to back */
};

/* Nanoseconds from the moment before sending to the moment after receiving. */
struct trial_latency {
	uint64_t count; /* packets measured; all others are 0 if it is 0 */
	uint64_t min, p50, p90, p99, p999, max;
	double mean;
};

/* Packets, over all ports and flows. */
struct trial_result {
	uint64_t sent;       /* accepted by the driver */
	uint64_t received;   /* of those, each counted once */
	uint64_t lost;       /* sent - received; 0 with --tx-only */
	uint64_t duplicated; /* came once more than they should */
	uint64_t reordered;  /* came after one of their flow that was sent later (RFC 4737, 3.3) */
	uint64_t extent;     /* the most that one of them was late by, in packets of its flow */
	uint64_t corrupt;    /* carry this trial's signature, and it or a checksum is wrong */
	uint64_t foreign;    /* not of this trial; not in any number above */
	uint64_t refused;    /* times that the driver took less than it was given */
	double seconds;      /* from the first to the last sent */
	double tx_pps;       /* sent, over those seconds */
	double rx_pps;       /* received, from the first to the last of them */
	double tx_bps_l1;    /* bits a second as defined above */
	double tx_bps_l2;
	double rate_error; /* tx_pps / asked - 1; 0 if as fast as it goes */
	bool interrupted;
	struct trial_latency latency;
};

/*
 * Runs on all lcores and returns when the last packet has arrived, or none has
 * for as long as --settle says. From the main lcore, between
 * generator_open() and generator_close(); may be called as often as one likes.
 *
 * 0, also when everything was lost. -EINTR: app_stop was set (SIGINT, SIGTERM,
 * SIGHUP, or by who wants it to end); *r has what came until then, and all
 * later calls return the same at once, with nothing sent. -EINVAL: no such load
 * (complained about). -ENETDOWN: a port lost its link or interface
 * (complained about). -ENOBUFS: the pool had no buffer for 1 s (the same).
 */
int trial_run(struct generator *g, const struct trial_load *load, struct trial_result *r);

/* How long it sends, as far as that is known before; else 0. */
double trial_seconds(const struct generator *g, const struct trial_load *load);

struct histogram;

/* What the last trial measured, added to h, in ticks; and what that comes to. */
void trial_latency_add(const struct generator *g, struct histogram *h);
void trial_latency_make(const struct generator *g, struct trial_latency *l,
			const struct histogram *h);

/* The least and most that load.frame may be for these streams and ports. */
uint32_t trial_frame_min(const struct generator *g);
uint32_t trial_frame_max(const struct generator *g);
/* As trial_load.frame 0: bytes with the FCS on average. */
double trial_frame_mean(const struct generator *g);

/*
 * Where the next trial stands in something longer: the bar on the terminal
 * shows (done + its own seconds) of total, and the time left. what: a few words
 * ("64 B, search 3"), copied.
 */
void trial_progress(struct generator *g, const char *what, double done, double total);

#endif
