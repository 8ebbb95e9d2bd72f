/* SPDX-License-Identifier: BSD-3-Clause */
/* Take: getting at the private buffers of owners that are idle. */
#include "pp_take.h"
#include "pp_note.h"

#include <limits.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How often a taker looks whether an owner has finished before it is skipped. */
#define PATIENCE 256

void pp_take_register(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

/* T3: every thread of every process that has the pool passes a full barrier;
 * pairs with the compiler barriers T1 in pp_cache_intend(). */
static void take_barrier(const struct pp_store *store)
{
#ifdef PP_TSAN
	(void)store; /* `want` and the limits are sequentially consistent there. */
#else
	bool global = atomic_load(&store->shared->multi);

	syscall(SYS_membarrier,
		global ? MEMBARRIER_CMD_GLOBAL_EXPEDITED : MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#endif
}

static bool owner_is_closed(const struct pp_owner *owner)
{
	return __atomic_load_n(&owner->line.lo, __ATOMIC_SEQ_CST) == INT_MAX &&
	       __atomic_load_n(&owner->line.far_lo, __ATOMIC_SEQ_CST) == INT_MAX;
}

/* Not in the middle of anything, seen with its lock held and its limits closed. */
static bool owner_is_idle(const struct pp_owner *owner)
{
	int32_t want, s;

	for (unsigned i = 0; i < PATIENCE; i++) {
		/* T4: `want` before `s`: a want that has come true is not taken for one
		 * that was never there. Pairs with T1 and T2. */
		want = __atomic_load_n(&owner->line.want, __ATOMIC_SEQ_CST);
		s = __atomic_load_n(&owner->line.s, __ATOMIC_ACQUIRE);
		if (want == s || want == PP_OWNER_PARKED)
			return true;
		_mm_pause();
	}
	return false;
}

/* With its lock held. */
static uint32_t take_from(struct pp_store *store, struct pp_owner *owner, uint32_t *skipped)
{
	/* It may have been through its slow path meanwhile: then it has spilled. One
	 * that holds nothing may be about to. */
	if (!owner_is_closed(owner) || owner->quiet)
		return 0;
	owner->quiet = owner_is_idle(owner);
	if (owner->quiet)
		return pp_owner_spill(store, owner, PP_NOBODY);
	atomic_fetch_add_explicit(&store->shared->skipped, 1, memory_order_relaxed);
	++*skipped;
	return 0;
}

uint32_t pp_take_all(struct pp_store *store, uint32_t *skipped)
{
	struct pp_shared *shared = store->shared;
	uint32_t end, n = 0;

	*skipped = 0;
	pp_lock_take(&shared->taking, PP_NOBODY);
	end = atomic_load_explicit(&shared->owners_end, memory_order_acquire);
	for (uint32_t i = 0; i < end; i++) {
		pp_lock_take(&store->owners[i].lock, PP_NOBODY);
		pp_owner_close(&store->owners[i]);
		pp_lock_release(&store->owners[i].lock);
	}
	take_barrier(store);
	for (uint32_t i = 0; i < end; i++) {
		pp_lock_take(&store->owners[i].lock, PP_NOBODY);
		n += take_from(store, &store->owners[i], skipped);
		pp_lock_release(&store->owners[i].lock);
	}
	pp_lock_release(&shared->taking);
	return n;
}

uint32_t pp_take_closed(struct pp_store *store, uint32_t *skipped, uint64_t deadline)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);
	uint32_t n = 0;

	*skipped = 0;
	if (pp_sleep_now() >= deadline)
		return 0;
	take_barrier(store);
	for (uint32_t i = 0; i < end; i++) {
		if (!pp_lock_try(&store->owners[i].lock, PP_NOBODY)) {
			++*skipped;
			continue;
		}
		n += take_from(store, &store->owners[i], skipped);
		pp_lock_release(&store->owners[i].lock);
	}
	return n;
}

void pp_take_published(struct pp_store *store)
{
	uint32_t end = atomic_load_explicit(&store->shared->owners_end, memory_order_acquire);

	for (uint32_t i = 0; i < end; i++) {
		struct pp_deque deque = pp_owner_deque(store, &store->owners[i]);
		uint32_t ticket;

		while ((ticket = pp_deque_steal(&deque)) != PP_TICKET_NONE) {
			uint32_t block = pp_ticket_block(ticket);

			pp_home_put(store, store->owners[i].depot, PP_NOBODY,
				    pp_block_slots(&store->blocks, block), pp_ticket_count(ticket));
			pp_stack_push(store->blocks.empties, &store->blocks, pp_ticket(block, 0));
		}
	}
}

struct pp_owner *pp_take_slot(struct pp_store *store, int32_t pid, uint32_t depot, const char *name)
{
	struct pp_shared *shared = store->shared;

	for (uint32_t i = 0; i < shared->facts.owners; i++) {
		struct pp_owner *owner = &store->owners[i];
		uint32_t state = PP_OWNER_FREE;
		uint32_t end = atomic_load_explicit(&shared->owners_end, memory_order_relaxed);

		if (!atomic_compare_exchange_strong_explicit(&owner->state, &state,
							     PP_OWNER_CLAIMED, memory_order_acquire,
							     memory_order_relaxed))
			continue;
		pp_lock_take(&owner->lock, i);
		owner->depot = depot;
		owner->victim = i;
		memset(owner->name, 0, PP_OWNER_NAME);
		strncpy(owner->name, name, PP_OWNER_NAME - 1);
		atomic_store_explicit(&owner->pid, pid, memory_order_relaxed);
		/* What the one before had out is not this one's, nor is its tag. */
		pp_owner_flow(&owner->drawn, owner->given - owner->drawn);
		pp_note_reset(store, i + 1);
		pp_lock_release(&owner->lock);
		/* O1: the slot before the end that includes it; pairs with the acquiring
		 * loads of owners_end in every walk (O2). */
		while (end <= i &&
		       !atomic_compare_exchange_weak_explicit(&shared->owners_end, &end, i + 1,
							      memory_order_release,
							      memory_order_relaxed))
			;
		atomic_store_explicit(&owner->state, PP_OWNER_TAKEN, memory_order_release);
		return owner;
	}
	return NULL;
}

bool pp_take_back_slot(struct pp_store *store, struct pp_owner *owner)
{
	struct pp_deque deque = pp_owner_deque(store, owner);
	uint32_t state = PP_OWNER_TAKEN, ticket;

	/* Of two who give it back one does. */
	if (!atomic_compare_exchange_strong_explicit(&owner->state, &state, PP_OWNER_CLAIMED,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	pp_lock_take(&owner->lock, owner->line.id);
	pp_owner_close(owner);
	pp_owner_spill(store, owner, owner->line.id);
	__atomic_store_n(&owner->line.want, owner->line.s, __ATOMIC_SEQ_CST);
	pp_lock_release(&owner->lock);
	while ((ticket = pp_deque_steal(&deque)) != PP_TICKET_NONE)
		pp_depot_push(store, owner->depot, ticket);
	atomic_thread_fence(memory_order_seq_cst); /* H4 */
	if (pp_home_pressed(store))
		pp_home_feed(store, owner->line.id);
	pp_counters_add(&store->shared->past, &owner->counters);
	__atomic_fetch_add(&store->shared->past.fast, owner->line.fast, __ATOMIC_RELAXED);
	__atomic_store_n(&owner->line.fast, 0, __ATOMIC_RELAXED);
	for (size_t i = 0; i < PP_COUNTERS; i++)
		__atomic_store_n((uint64_t *)&owner->counters + i, 0, __ATOMIC_RELAXED);
	atomic_store_explicit(&owner->state, PP_OWNER_FREE, memory_order_release);
	return true;
}
