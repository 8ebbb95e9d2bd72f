/* SPDX-License-Identifier: BSD-3-Clause */
/* Generator: ports, buffers and lanes between ports, opened once for any number of trials. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "buffers.h"
#include "options.h"
#include "ports.h"
#include "receiver.h"
#include "replay.h"
#include "sender.h"
#include "view.h"

/* What one port sends and another (or the same) receives. */
struct lane {
	unsigned tx_at, rx_at; /* in ports.at[] */
	struct sender *sender;
	struct receiver *receiver; /* also there if nothing is expected */
};

struct generator {
	struct options *o;
	struct ports ports;
	struct buffers buffers;
	struct replay replay;
	unsigned lanes;
	struct lane lane[OPTIONS_LANES];
	uint64_t hz;
	uint32_t key; /* of this run */
	uint32_t trials;
	struct view view;
	bool opened;
	/* During a trial. */
	volatile bool over;                         /* lcores return */
	volatile bool down;                         /* a port lost its link */
	volatile bool running;                      /* lcores run */
	uint64_t started;                           /* ticks */
	uint64_t kept_by_driver, in_flight_at_exit; /* after generator_close() */
};

/* All of these return an enum app_exit and have said what is wrong. */

/* Finds the ports, makes pool and lanes, waits for links. After an error generator_close(), too. */
int generator_open(struct generator *g, struct options *o);
/* Closes the ports, brings home what drivers kept, looks at the books and frees the pool. */
int generator_close(struct generator *g);

#endif
