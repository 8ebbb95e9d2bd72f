/* SPDX-License-Identifier: BSD-3-Clause */
/* Handle: see pp_handle.h. */
#include "pp_handle.h"

#include <stdlib.h>
#include <string.h>

static struct pp_handle *handle_of(const struct pp_handles *kind, void *object)
{
	return (struct pp_handle *)((char *)object + kind->at);
}

/* A chain of them. No lock, which a fork could leave taken. */
static void handles_push(struct pp_handles *kind, void *first, void *last)
{
	void **next = &handle_of(kind, last)->next;

	*next = atomic_load_explicit(&kind->ended, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&kind->ended, next, first,
						      memory_order_release, memory_order_relaxed))
		;
}

/* All are taken off, and the others put back: so it is no matter who comes in between. */
static void *handles_pop(struct pp_handles *kind)
{
	void *first = atomic_exchange_explicit(&kind->ended, NULL, memory_order_acquire);
	void *rest = first ? handle_of(kind, first)->next : NULL, *last = rest;

	if (!rest)
		return first;
	while (handle_of(kind, last)->next)
		last = handle_of(kind, last)->next;
	handles_push(kind, rest, last);
	return first;
}

void *pp_handle_new(struct pp_handles *kind)
{
	size_t bytes = (kind->bytes + 2 * PP_LINE - 1) / (2 * PP_LINE) * (2 * PP_LINE);
	void *object = handles_pop(kind);

	if (!object)
		object = aligned_alloc(2 * PP_LINE, bytes);
	if (!object)
		return NULL;
	memset(object, 0, bytes);
	atomic_store_explicit(&handle_of(kind, object)->lives, true, memory_order_relaxed);
	return object;
}

void pp_handle_end(struct pp_handles *kind, void *object)
{
	atomic_store_explicit(&handle_of(kind, object)->lives, false, memory_order_relaxed);
	handles_push(kind, object, object);
}
