/* SPDX-License-Identifier: BSD-3-Clause */
/* Shelf: a backing of so many elements, which counts them, and fails at will. */
#ifndef SHELF_H
#define SHELF_H

#include <pthread.h>

#include "support.h"

/*
 * Every element is handed out once until it is back, and comes back once; what
 * breaks that ends the program. Any thread.
 */
struct shelf {
	pthread_mutex_t lock;
	char *elems;     /* one byte each: 1 while it is out */
	uint32_t *there; /* the numbers of those that are not */
	uint32_t size, left;
	uint32_t high;   /* so many are got with effort only */
	uint32_t fail;   /* percent of calls that give fewer than they could */
	uint32_t asked;  /* calls for what is at hand */
	uint32_t effort; /* calls with effort */
	uint32_t given;  /* calls that gave back */
	uint64_t seed;
};

void shelf_make(struct shelf *shelf, uint32_t size);
void shelf_free(struct shelf *shelf);
uint32_t shelf_out(struct shelf *shelf);
void shelf_fails(struct shelf *shelf, uint32_t percent);
uint64_t shelf_elem(const struct shelf *shelf, const void *elem); /* its number */

/* Without wait_bulk: it has no way to tell. */
extern const struct pp_mempool_ops shelf_ops;

struct pp_mempool *mempool_on(struct shelf *shelf, uint32_t min_nr);
/* And the shelf, as mempool_end() ends both. */
struct pp_mempool *mempool_begin(struct shelf *shelf, uint32_t size, uint32_t min_nr);
struct pp_mempool_stats mempool_stats(struct pp_mempool *mempool);
/* What the shelf has given, the mempool has: kept or out. */
void mempool_books(struct pp_mempool *mempool, struct shelf *shelf, uint64_t out);
/* The same with nothing out; ended. */
void mempool_end(struct pp_mempool *mempool, struct shelf *shelf);

#endif
