/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what stands behind `--` on the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "critical.h"

struct program;

enum buffers_kind { BUFFERS_PKTPOOL, BUFFERS_RING_MP_MC, BUFFERS_STACK };

struct options {
	const struct program *program;
	enum buffers_kind kind;
	uint32_t buffers;
	uint16_t data_room; /* bytes, with the headroom */
	int pages;          /* enum pp_pages */
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
	bool checksum;
	bool promiscuous;
	const char *json; /* NULL: none */
};

/* Whether it is to be told what is critical and what is not. */
static inline bool options_judge(const struct options *o)
{
	return o->reserve != 0 || o->stall;
}

#define OPTIONS_BURST_MAX 512
#define OPTIONS_QUEUES_MAX 16

/* Reads argv[1..argc-1]. Ends the program with FWD_USAGE, or for --help. */
void options_parse(struct options *o, int argc, char **argv);

/* "pktpool", "ring_mp_mc", "stack"; also the names of rte_mempool's ops. */
const char *buffers_kind_name(enum buffers_kind kind);
/* "2M", "1G", "4K". */
const char *options_pages_name(int pages);

#endif
