/* SPDX-License-Identifier: BSD-3-Clause */
/* Deque: an owner and thieves on one deque, and many on one stack, each ticket exactly once. */
#include "storm.h"

#include "pp_block.h"
#include "pp_deque.h"

#define TICKETS 48
#define THREADS 3
#define SIZE 8

struct arena {
	struct pp_deque deque;
	pp_deque_word word;
	_Atomic uint32_t ring[32];
	pp_stack stack;
	struct pp_blocks blocks;
	_Atomic uint32_t holder[TICKETS]; /* 0: in the deque or stack */
	_Atomic bool stop;
	_Atomic uint64_t turns;
	_Atomic uint32_t ids;
};

/* A block's slots are its holder's: plain writes, seen by the next holder. */
static void ticket_taken(struct arena *a, uint32_t ticket, uint32_t who)
{
	uint32_t block = pp_ticket_block(ticket);
	uint32_t *slots;

	MUST(block < TICKETS);
	MUST(pp_ticket_count(ticket) == SIZE);
	MUST(atomic_exchange(&a->holder[block], who) == 0);
	slots = pp_block_slots(&a->blocks, block);
	for (unsigned i = 0; i < SIZE; i++)
		MUST(slots[i] == slots[0]);
	for (unsigned i = 0; i < SIZE; i++)
		slots[i] = who + block;
}

static uint32_t ticket_given(struct arena *a, uint32_t ticket, uint32_t who)
{
	uint32_t block = pp_ticket_block(ticket);
	uint32_t *slots = pp_block_slots(&a->blocks, block);

	for (unsigned i = 0; i < SIZE; i++)
		MUST(slots[i] == who + block);
	MUST(atomic_exchange(&a->holder[block], 0) == who);
	return ticket;
}

static void stack_put(struct arena *a, uint32_t ticket, uint32_t who)
{
	pp_stack_push(&a->stack, &a->blocks, ticket_given(a, ticket, who));
}

static void *thief_run(void *arg)
{
	struct arena *a = arg;
	uint32_t who = (atomic_fetch_add(&a->ids, 1) + 1) << 16, ticket;

	while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
		ticket = pp_deque_steal(&a->deque);
		if (ticket == PP_TICKET_NONE)
			continue;
		ticket_taken(a, ticket, who);
		stack_put(a, ticket, who);
		atomic_fetch_add_explicit(&a->turns, 1, memory_order_relaxed);
	}
	return NULL;
}

/* Several at a time from the stack, and back as a chain or singly. */
static void *juggler_run(void *arg)
{
	struct arena *a = arg;
	uint32_t who = (atomic_fetch_add(&a->ids, 1) + 1) << 16, tickets[5];
	uint64_t seed = who;

	while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
		unsigned n = pp_stack_pop_some(&a->stack, &a->blocks, tickets,
					       1 + random_next(&seed) % 5);

		for (unsigned i = 0; i < n; i++)
			ticket_taken(a, tickets[i], who);
		for (unsigned i = 0; i < n; i++)
			ticket_given(a, tickets[i], who);
		for (unsigned i = 0; i + 1 < n; i++)
			atomic_store_explicit(&a->blocks.links[pp_ticket_block(tickets[i])],
					      tickets[i + 1], memory_order_relaxed);
		if (n)
			pp_stack_push_chain(&a->stack, &a->blocks, tickets[0], tickets[n - 1]);
	}
	return NULL;
}

static void owner_step(struct arena *a, uint64_t *seed, uint32_t who)
{
	uint32_t ticket, n = 1 + random_next(seed) % 6;

	for (uint32_t i = 0; i < n; i++) {
		ticket = pp_stack_pop(&a->stack, &a->blocks);
		if (ticket == PP_TICKET_NONE)
			break;
		ticket_taken(a, ticket, who);
		ticket_given(a, ticket, who);
		if (!pp_deque_push(&a->deque, ticket))
			pp_stack_push(&a->stack, &a->blocks, ticket);
	}
	for (uint32_t i = random_next(seed) % 6; i > 0; i--) {
		ticket = pp_deque_pop(&a->deque);
		if (ticket == PP_TICKET_NONE)
			break;
		ticket_taken(a, ticket, who);
		stack_put(a, ticket, who);
	}
}

/*
 * One out, another in at the same place: where a thief has read the slot and not
 * yet claimed it, only the tag tells it that the ticket is another by now.
 */
static void owner_swap(struct arena *a, uint32_t who)
{
	for (unsigned i = 0; i < 50; i++) {
		uint32_t other = pp_stack_pop(&a->stack, &a->blocks);
		uint32_t ticket = pp_deque_pop(&a->deque);

		if (other != PP_TICKET_NONE) {
			bool pushed = pp_deque_push(&a->deque, other);

			if (!pushed)
				pp_stack_push(&a->stack, &a->blocks, other);
		}
		if (ticket == PP_TICKET_NONE)
			continue;
		ticket_taken(a, ticket, who);
		stack_put(a, ticket, who);
	}
}

static struct arena *arena_make(void)
{
	struct arena *a = aligned_alloc(128, (sizeof(*a) + 127) & ~127ul);

	assert_non_null(a);
	memset(a, 0, sizeof(*a));
	a->deque = (struct pp_deque){ .word = &a->word, .ring = a->ring, .mask = 31 };
	a->blocks = (struct pp_blocks){
		.slots = calloc(TICKETS * SIZE, sizeof(uint32_t)),
		.links = calloc(TICKETS, sizeof(uint32_t)),
		.size = SIZE,
		.total = TICKETS,
		.empties = &a->stack,
	};
	assert_true(a->blocks.slots && a->blocks.links);
	/* Both start shortly before their counters wrap. */
	pp_deque_init(&a->word);
	pp_stack_init(&a->stack);
	for (uint32_t i = 0; i < TICKETS; i++)
		pp_stack_push(&a->stack, &a->blocks, pp_ticket(i, SIZE));
	return a;
}

static void arena_end(struct arena *a)
{
	bool seen[TICKETS] = { false };
	uint32_t ticket, n = 0;

	while ((ticket = pp_deque_steal(&a->deque)) != PP_TICKET_NONE ||
	       (ticket = pp_stack_pop(&a->stack, &a->blocks)) != PP_TICKET_NONE) {
		assert_false(seen[pp_ticket_block(ticket)]);
		seen[pp_ticket_block(ticket)] = true;
		n++;
	}
	assert_int_equal(n, TICKETS);
	free(a->blocks.slots);
	free((void *)a->blocks.links);
	free(a);
}

/* Many short ones: each begins at the wrap, where the first steals meet the first pushes. */
static void storm_run(double seconds, double each)
{
	double end = seconds_now() + seconds;

	while (seconds_now() < end) {
		struct arena *a = arena_make();
		double stop = seconds_now() + each;
		pthread_t threads[THREADS];
		uint64_t seed = (uint64_t)(stop * 1e6) | 1;

		for (unsigned i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, i ? thief_run : juggler_run, a);
		while (seconds_now() < stop)
			for (unsigned i = 0; i < 100; i++)
				if (i % 2)
					owner_step(a, &seed, 0xff0000);
				else
					owner_swap(a, 0xff0000);
		atomic_store(&a->stop, true);
		for (unsigned i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		arena_end(a);
	}
}

static void test_every_ticket_is_taken_exactly_once(void **state)
{
	(void)state;
	storm_run(storm_seconds(6) / 2, 0.5);
}

static void test_also_where_the_counters_wrap(void **state)
{
	(void)state;
	storm_run(storm_seconds(6) / 2, 0.002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_ticket_is_taken_exactly_once),
		cmocka_unit_test(test_also_where_the_counters_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
