/* SPDX-License-Identifier: BSD-3-Clause */
/* Hands: what signal handlers take and give in the middle of their thread's calls. */
#ifndef STORM_HANDS_H
#define STORM_HANDS_H

#include "storm.h"

#define COLD (64ul << 20)

/* In memory that all processes share. */
struct stage {
	struct storm *storm;
	struct pp_pool *pool;
	volatile char *cold; /* not NULL: the handlers' stores are late */
	_Atomic bool stop;
	_Atomic uint64_t signals;
	_Atomic uint64_t turns; /* of the workers' loops */
	_Atomic uint64_t got;   /* buffers by PP_TRY in handlers */
	_Atomic uint64_t freed; /* buffers freed in handlers */
};

/* Handlers of SIGUSR1, and of SIGUSR2, which may come into the first. */
void hands_listen(void);

/* For this thread, whose handlers begin then; SIGUSR1 comes by itself. */
void hands_ready(struct stage *stage, struct pp_cache *cache);
/* No handler runs here any more, and all that they held is free. */
void hands_empty(void);

#endif
