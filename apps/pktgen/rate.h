/* SPDX-License-Identifier: BSD-3-Clause */
/* Rate: how many packets or bits a second, and when the next is due. */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "wrong.h"

enum rate_unit {
	RATE_MAX,    /* as fast as it goes */
	RATE_PPS,    /* packets a second */
	RATE_BPS_L1, /* bits a second on the wire: frame, FCS, preamble and gap */
	RATE_BPS_L2, /* bits a second of frames with their FCS */
};

struct rate {
	enum rate_unit unit;
	double value; /* of units */
};

/* Faster than any wire there is; what is more was a slip of the pen. */
#define RATE_PPS_MAX 1e9

/* "max", "250kpps", "1.5Mpps", "10Gbps" (L1), "10Gbps-l1", "9.5Gbps-l2". 0 or -EINVAL. */
int rate_parse(struct rate *rate, const char *text, struct wrong *wrong);

/* For frames of so many bytes on average. 0: as fast as it goes; -1: above RATE_PPS_MAX. */
double rate_pps(const struct rate *rate, double frame);

/*
 * Packets are due at even distances from the start. Whoever was kept from
 * sending catches up, but not with more than RATE_DEBT packets: a burst of all
 * that a stopped virtual CPU missed would overrun the rings of what is measured,
 * which have 1,024 places or more. What is forgiven shows in the rate that is
 * measured.
 */
#define RATE_DEBT 512

struct pacer {
	double per_tick; /* packets; 0: as fast as it goes */
	uint64_t start;  /* ticks; moves on with what is forgiven */
	uint64_t taken;  /* packets */
};

void pacer_begin(struct pacer *p, double pps, double ticks_per_second, uint64_t now);

/* How many, of at most `most`, may go now; they are taken. */
static inline unsigned pacer_take(struct pacer *p, uint64_t now, unsigned most)
{
	double due;

	if (p->per_tick == 0)
		return most;
	/* The first at the start. */
	due = (double)(int64_t)(now - p->start) * p->per_tick + 1 - (double)p->taken;
	if (due < 1)
		return 0;
	if (__builtin_expect(due > RATE_DEBT, 0)) {
		p->start += (uint64_t)((due - RATE_DEBT) / p->per_tick);
		due = RATE_DEBT;
	}
	if (due < most)
		most = (unsigned)due;
	p->taken += most;
	return most;
}

#endif
