/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiters: threads that wait for buffers of an emptied pool. */
#ifndef WAITERS_H
#define WAITERS_H

#include <pthread.h>

#include "support.h"

/* The pool under test, and what begin() took from it: all that ordinary calls get. */
extern struct pp_pool *pool;
extern void *bufs[4096];
extern unsigned out;

void begin(uint32_t reserve);
/* Frees what is out; all must be there again. */
void end(void);

double now_ms(void);

/* One thread that waits for n, and gives them back. */
struct waiter {
	pthread_t thread;
	struct pp_wait wait;
	unsigned n, flags, got;
	int error;
	void *bufs[1024];
	_Atomic bool over;
};

extern _Atomic unsigned served; /* how many have been, in what order */
extern unsigned order[16];

/* Returns when it is in line. */
void waiter_start(struct waiter *w, unsigned n, unsigned flags, uint64_t timeout_us);
void waiter_end(struct waiter *w, unsigned got, int error);

#endif
