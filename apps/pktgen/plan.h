/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan: what is sent, how fast, how long, and what must come of it. */
#ifndef PLAN_H
#define PLAN_H

#include "limit.h"
#include "rate.h"
#include "stream.h"

/* As many as a mix has parts. */
#define PLAN_STREAMS MIX_PARTS
#define PLAN_TRIALS 256
#define PLAN_SECONDS_MIN 0.001
#define PLAN_SECONDS_MAX 31536000.0
#define PLAN_PACKETS_MAX (1ULL << 62)

struct plan_trial {
	char name[STREAM_NAME_BYTES];
	struct rate rate;
	double seconds;
	uint64_t packets; /* 0: by time */
	uint32_t frame;   /* 0: the streams' own */
	struct limits limits;
};

struct plan {
	unsigned streams;
	struct stream_spec stream[PLAN_STREAMS];
	char *pcap;   /* instead of streams, or NULL */
	double speed; /* of its own timing; 0: as the rate says */
	bool sign;    /* see replay.h */
	uint64_t seed;
	unsigned trials;
	struct plan_trial *trial;
	struct limits limits; /* of trials that do not say otherwise */
	bool limited;         /* some trial has a limit */
};

/*
 * Reads a test file (see pktpool-pktgen(1)), which may be without trials. 0;
 * -EINVAL: what is wrong, with its line; -ENOENT, ...: it cannot be read; -ENOMEM.
 * plan_end() after an error, too.
 */
int plan_read(struct plan *plan, const char *path, struct wrong *wrong);
/* The same from a text; name is for complaints. */
int plan_parse(struct plan *plan, const char *text, size_t bytes, const char *name,
	       struct wrong *wrong);
void plan_end(struct plan *plan);

/* Also for options. 0, -EINVAL or -ENOMEM. */
int plan_field(struct stream_spec *spec, const char *name, const char *value, struct wrong *wrong);
int plan_protocol(struct stream_spec *spec, const char *name, struct wrong *wrong);
/* Says which of these limits (bit n: limit n) some trial has, and why it cannot be measured. */
int plan_limits_refuse(const struct plan *plan, uint32_t limits, const char *why,
		       struct wrong *wrong);
/* The whole does not contradict itself. */
int plan_check(const struct plan *plan, struct wrong *wrong);

#endif
