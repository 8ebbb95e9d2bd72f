/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue: two lines of waiters in one table. */
#include "pp_queue.h"

#include <sys/stat.h>
#include <unistd.h>

static struct pp_waiter *queue_at(const struct pp_store *store, uint32_t number)
{
	return number && number <= PP_WAITERS_MAX ? &store->waiters[number - 1] : NULL;
}

static uint32_t queue_number(const struct pp_store *store, const struct pp_waiter *waiter)
{
	return (uint32_t)(waiter - store->waiters) + 1;
}

void pp_queue_init(struct pp_store *store)
{
	for (uint32_t number = PP_WAITERS_MAX; number > 0; number--)
		pp_queue_done(store, queue_at(store, number));
}

/* What is past its deadline may still look once: that takes no longer. */
#define ONCE_NS 20000000

/* Of the calling process; 0 if that cannot be told. */
uint64_t pp_queue_space(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) ? 0 : ns.st_ino;
}

struct pp_waiter *pp_queue_join(struct pp_store *store, uint32_t n, bool critical,
				uint64_t deadline)
{
	struct pp_shared *shared = store->shared;
	struct pp_line *line = &shared->queue[critical];
	uint32_t number = shared->spare;
	uint64_t now = pp_sleep_now();
	struct pp_waiter *waiter = queue_at(store, number);

	if (!waiter)
		return NULL;
	shared->spare = waiter->after;
	waiter->n = n;
	waiter->critical = critical;
	waiter->pid = getpid();
	waiter->space = pp_queue_space();
	waiter->deadline = now + ONCE_NS > deadline ? now + ONCE_NS : deadline;
	waiter->from_pile = waiter->from_reserve = 0;
	waiter->before = __atomic_load_n(&line->last, __ATOMIC_RELAXED);
	waiter->after = 0;
	if (waiter->before)
		queue_at(store, waiter->before)->after = number;
	else
		__atomic_store_n(&line->first, number, __ATOMIC_SEQ_CST);
	__atomic_store_n(&line->last, number, __ATOMIC_RELAXED);
	atomic_store_explicit(&waiter->state, PP_WAITER_WAITS, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->waiting, 1, memory_order_seq_cst);
	return waiter;
}

void pp_queue_leave(struct pp_store *store, struct pp_waiter *waiter)
{
	struct pp_line *line = &store->shared->queue[waiter->critical];
	struct pp_waiter *before = queue_at(store, waiter->before);
	struct pp_waiter *after = queue_at(store, waiter->after);

	if (before)
		before->after = waiter->after;
	else
		__atomic_store_n(&line->first, waiter->after, __ATOMIC_SEQ_CST);
	if (after)
		after->before = waiter->before;
	else
		__atomic_store_n(&line->last, waiter->before, __ATOMIC_RELAXED);
	waiter->before = waiter->after = 0;
	atomic_fetch_sub_explicit(&store->shared->waiting, 1, memory_order_seq_cst);
}

void pp_queue_done(struct pp_store *store, struct pp_waiter *waiter)
{
	atomic_store_explicit(&waiter->state, PP_WAITER_UNUSED, memory_order_relaxed);
	waiter->after = store->shared->spare;
	store->shared->spare = queue_number(store, waiter);
}

struct pp_waiter *pp_queue_first(struct pp_store *store, bool critical)
{
	return queue_at(store,
			__atomic_load_n(&store->shared->queue[critical].first, __ATOMIC_RELAXED));
}

uint64_t pp_queue_demand(const struct pp_store *store)
{
	uint64_t n = 0;

	for (unsigned critical = 0; critical < 2; critical++)
		for (uint32_t number = store->shared->queue[critical].first; number;
		     number = queue_at(store, number)->after)
			n += queue_at(store, number)->n;
	return n;
}

void pp_queue_kick(struct pp_store *store)
{
	/* Whoever is no longer first by now looks for late ones before it goes. */
	for (unsigned critical = 0; critical < 2; critical++) {
		struct pp_waiter *waiter =
			queue_at(store, __atomic_load_n(&store->shared->queue[critical].first,
							__ATOMIC_SEQ_CST));

		if (waiter)
			pp_sleep_kick(&waiter->kicks);
	}
}
