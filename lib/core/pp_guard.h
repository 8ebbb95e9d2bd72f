/* SPDX-License-Identifier: BSD-3-Clause */
/* Guard: who holds each buffer, and what debug mode checks about it. */
#ifndef PP_GUARD_H
#define PP_GUARD_H

#include "pp_store.h"

/* Buffers about to be handed out to `holder` (owner id + 1, or PP_HOLDER_NOBODY). */
void pp_guard_out(struct pp_store *store, uint32_t holder, void *const *bufs, uint32_t n);

/* Buffers coming back, nothing checked. */
void pp_guard_home(struct pp_store *store, void *const *bufs, uint32_t n);

/*
 * Buffers coming back in debug mode: those that are not this pool's or not in
 * flight are refused and reported; `kept` gets the others. Returns how many.
 */
uint32_t pp_guard_in(struct pp_store *store, uint32_t holder, void *const *bufs, uint32_t n,
		     void **kept);

/* Makes the memory of hugepage p ordinary again for sanitizers. */
void pp_guard_forget(struct pp_store *store, uint32_t p);

#endif
