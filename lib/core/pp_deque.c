/* SPDX-License-Identifier: BSD-3-Clause */
/* Deque: push, pop and steal as one exchange each. */
#include "pp_deque.h"

#include "pp_block.h"

#define BITS 20
#define MASK ((1u << BITS) - 1)
#define HEAD(word) ((uint32_t)(word)&MASK)
#define SPLIT(word) ((uint32_t)((word) >> BITS) & MASK)
#define TAG(word) ((word) >> (2 * BITS))
#define WORD(tag, split, head) \
	((uint64_t)(tag) << (2 * BITS) | (uint64_t)((split)&MASK) << BITS | ((head)&MASK))
#define LENGTH(word) ((SPLIT(word) - HEAD(word)) & MASK)

void pp_deque_init(pp_deque_word *word)
{
	/* All three count from shortly before they wrap. */
	atomic_store_explicit(word, WORD((1u << 24) - 4, MASK - 3, MASK - 3), memory_order_relaxed);
}

bool pp_deque_push(struct pp_deque *deque, uint32_t ticket)
{
	uint64_t old = atomic_load_explicit(deque->word, memory_order_relaxed);

	do {
		if (LENGTH(old) > deque->mask)
			return false;
		atomic_store_explicit(&deque->ring[SPLIT(old) & deque->mask], ticket,
				      memory_order_relaxed);
		/* D1: publishes the slot and the block; pairs with D2. */
	} while (!atomic_compare_exchange_weak_explicit(
		deque->word, &old, WORD(TAG(old) + 1, SPLIT(old) + 1, HEAD(old)),
		memory_order_release, memory_order_relaxed));
	return true;
}

uint32_t pp_deque_pop(struct pp_deque *deque)
{
	uint64_t old = atomic_load_explicit(deque->word, memory_order_acquire);
	uint32_t ticket;

	do {
		if (!LENGTH(old))
			return PP_TICKET_NONE;
		ticket = atomic_load_explicit(&deque->ring[(SPLIT(old) - 1) & deque->mask],
					      memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		deque->word, &old, WORD(TAG(old) + 1, SPLIT(old) - 1, HEAD(old)),
		memory_order_acq_rel, memory_order_acquire));
	return ticket;
}

uint32_t pp_deque_steal(struct pp_deque *deque)
{
	/* D2: sees the slot and, once claimed, the block; pairs with D1. */
	uint64_t old = atomic_load_explicit(deque->word, memory_order_acquire);
	uint32_t ticket;

	do {
		if (!LENGTH(old))
			return PP_TICKET_NONE;
		ticket = atomic_load_explicit(&deque->ring[HEAD(old) & deque->mask],
					      memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(deque->word, &old,
							WORD(TAG(old), SPLIT(old), HEAD(old) + 1),
							memory_order_acq_rel,
							memory_order_acquire));
	return ticket;
}

uint32_t pp_deque_length(const struct pp_deque *deque, uint32_t *head)
{
	uint64_t word = atomic_load_explicit(deque->word, memory_order_acquire);

	*head = HEAD(word);
	return LENGTH(word);
}
