/* SPDX-License-Identifier: BSD-3-Clause */
/* Watch: the thread beside the lcores: draws the table, misses interfaces, ends in time. */
#ifndef WATCH_H
#define WATCH_H

#include <pthread.h>
#include <stdint.h>

#include "level.h"
#include "table.h"

struct watch {
	pthread_t thread;
	struct table *table;
	struct ports *ports;
	const struct options *o;
	const struct buffers *buffers;
	uint64_t min_free;   /* fewest free buffers that it saw, if options_judge() */
	struct level *level; /* likewise */
	double elapsed;      /* from its start to its end */
};

/* An enum app_exit. */
int watch_start(struct watch *watch);
/* After app_stop is set: waits for it. */
void watch_end(struct watch *watch);

#endif
