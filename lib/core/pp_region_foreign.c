/* SPDX-License-Identifier: BSD-3-Clause */
/* Region-foreign: the regions of foreign memory that this process knows, by their control memory. */
#include <errno.h>
#include <sched.h>

#include "pp_region.h"

/* Twice as many as there can be pools, so that a search is short; a place once
 * used stays in the way of searches. */
#define FOREIGN 512
#define FOREIGN_GONE 1

static struct {
	_Atomic uintptr_t control;
	_Atomic(struct pp_region *) region;
} foreign[FOREIGN];

static unsigned foreign_start(uintptr_t control)
{
	return (unsigned)(control / PP_LINE * 0x9e3779b97f4a7c15ull >> 55);
}

struct pp_region *pp_region_foreign(uintptr_t control)
{
	unsigned at = foreign_start(control);

	for (unsigned i = 0; i < FOREIGN; i++, at = (at + 1) % FOREIGN) {
		uintptr_t there = atomic_load_explicit(&foreign[at].control, memory_order_acquire);

		if (there == control)
			return atomic_load_explicit(&foreign[at].region, memory_order_relaxed);
		if (!there)
			break;
	}
	return NULL;
}

static _Atomic uint32_t foreign_lock;

static void foreign_enter(void)
{
	while (atomic_exchange_explicit(&foreign_lock, 1, memory_order_acquire))
		sched_yield();
}

static void foreign_leave(void)
{
	atomic_store_explicit(&foreign_lock, 0, memory_order_release);
}

int pp_region_foreign_add(struct pp_region *region)
{
	uintptr_t control = (uintptr_t)region->control;
	unsigned at = foreign_start(control);
	int rc = -ENOSPC;

	foreign_enter();
	for (unsigned i = 0; rc && i < FOREIGN; i++, at = (at + 1) % FOREIGN) {
		if (atomic_load_explicit(&foreign[at].control, memory_order_relaxed) > FOREIGN_GONE)
			continue;
		atomic_store_explicit(&foreign[at].region, region, memory_order_relaxed);
		atomic_store_explicit(&foreign[at].control, control, memory_order_release);
		rc = 0;
	}
	foreign_leave();
	return rc;
}

void pp_region_foreign_remove(struct pp_region *region)
{
	foreign_enter();
	for (unsigned i = 0; i < FOREIGN; i++)
		if (atomic_load_explicit(&foreign[i].region, memory_order_relaxed) == region) {
			atomic_store_explicit(&foreign[i].control, FOREIGN_GONE,
					      memory_order_release);
			atomic_store_explicit(&foreign[i].region, NULL, memory_order_relaxed);
		}
	foreign_leave();
}
