/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what stands behind `--` on the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "buffers.h"
#include "method.h"
#include "plan.h"
#include "ports.h"

#define OPTIONS_LANES PORTS_MAX

struct options {
	const struct method *method;
	struct plan plan;
	struct buffers_params buffers;
	unsigned burst; /* packets sent at once at most */
	double settle;  /* seconds without a packet after which no more is waited for */
	bool settle_given;
	double link_wait; /* seconds */
	/* Ports by their order: sending and receiving. None given: see generator_open(). */
	unsigned pairs;
	struct {
		unsigned tx, rx;
	} pair[OPTIONS_LANES];
	bool both;    /* each pair also the other way round */
	bool tx_only; /* nothing is expected to arrive */
	bool verify;
	bool promiscuous;
	bool quiet; /* no table */
	const char *test;
	const char *json, *csv; /* NULL: none */
};

/* Reads argv[1..argc-1] and the test file. Ends the program with an enum app_exit, or for --help. */
void options_parse(void *options, int argc, char **argv);
void options_end(struct options *o);

#endif
