/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what stands behind `--` on the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "buffers.h"
#include "critical.h"
#include "ports.h"

struct program;

struct options {
	const struct program *program;
	struct buffers_params buffers;
	bool pages_given;
	unsigned queues; /* of each port */
	unsigned burst;
	uint64_t seconds; /* 0: until a signal */
	uint64_t packets; /* received in all; 0: no limit */
	uint64_t first;   /* made here and sent from each port's first queue at the start */
	uint32_t reserve; /* of the buffers, for what is critical */
	struct critical critical;
	bool no_critical; /* receiving never draws on the reserve */
	bool stall;       /* what is not critical is held to the end */
	uint32_t batch;   /* packets that a queue sends at once; 0: as they come */
	bool checksum;
	bool promiscuous;
	const char *json; /* NULL: none */
};

/* Whether it is to be told what is critical and what is not. */
static inline bool options_judge(const struct options *o)
{
	return o->buffers.reserve != 0 || o->stall;
}

static inline struct ports_demand options_demand(const struct options *o)
{
	return (struct ports_demand){
		.queues = o->queues,
		.burst = o->burst + o->batch,
		.buffers = o->buffers.buffers,
		.reserve = o->buffers.reserve,
		.promiscuous = o->promiscuous,
	};
}

#define OPTIONS_BURST_MAX 512
#define OPTIONS_QUEUES_MAX 16

/* Reads argv[1..argc-1]. Ends the program with APP_USAGE, or for --help. */
void options_parse(struct options *o, int argc, char **argv);

#endif
