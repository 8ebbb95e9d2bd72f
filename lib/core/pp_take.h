/* SPDX-License-Identifier: BSD-3-Clause */
/* Take: slots given to owners, and buffers taken back from them. */
#ifndef PP_TAKE_H
#define PP_TAKE_H

#include "pp_owner.h"

/* Before a process's first cache: takers' barriers are to reach it. */
void pp_take_register(void);

/* The private buffers of all owners that are idle go home. Returns how many;
 * `skipped`: how many owners were in the middle of something. */
uint32_t pp_take_all(struct pp_store *store, uint32_t *skipped);
/*
 * The same for who has pressed the pool, so that all are closed, and has no
 * time to wait for a thread that may have lost its CPU with a lock: whose lock
 * is held is skipped. Does nothing at all once `deadline` has passed.
 */
uint32_t pp_take_closed(struct pp_store *store, uint32_t *skipped, uint64_t deadline);
/* Every published block goes home, buffer by buffer. */
void pp_take_published(struct pp_store *store);

/* A free slot, now an owner's, or NULL. */
struct pp_owner *pp_take_slot(struct pp_store *store, int32_t pid, uint32_t depot,
			      const char *name);
/* Its owner has gone: everything to the depot, the slot to the next. */
bool pp_take_back_slot(struct pp_store *store, struct pp_owner *owner);

#endif
