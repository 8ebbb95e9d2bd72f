/* SPDX-License-Identifier: BSD-3-Clause */
/* Block: stacks of blocks, linked through an array beside them. */
#include "pp_block.h"

#define TOP(word) ((uint32_t)(word))
#define TAGGED(old, top) ((((old) >> 32) + 1) << 32 | (top))

void pp_stack_init(pp_stack *stack)
{
	/* The tag starts shortly before it wraps, so that every run passes there. */
	atomic_store_explicit(stack, (uint64_t)(UINT32_MAX - 3) << 32 | PP_TICKET_NONE,
			      memory_order_relaxed);
}

void pp_stack_push_chain(pp_stack *stack, struct pp_blocks *blocks, uint32_t first, uint32_t last)
{
	uint64_t old = atomic_load_explicit(stack, memory_order_relaxed);

	do {
		atomic_store_explicit(&blocks->links[pp_ticket_block(last)], TOP(old),
				      memory_order_relaxed);
		/* S1: publishes the blocks' slots and links; pairs with S2. */
	} while (!atomic_compare_exchange_weak_explicit(stack, &old, TAGGED(old, first),
							memory_order_release,
							memory_order_relaxed));
}

void pp_stack_push(pp_stack *stack, struct pp_blocks *blocks, uint32_t ticket)
{
	pp_stack_push_chain(stack, blocks, ticket, ticket);
}

unsigned pp_stack_pop_some(pp_stack *stack, struct pp_blocks *blocks, uint32_t *tickets, unsigned n)
{
	/* S2: sees what the pushers wrote; pairs with S1. */
	uint64_t old = atomic_load_explicit(stack, memory_order_acquire);
	uint32_t top;
	unsigned k;

	do {
		top = TOP(old);
		for (k = 0; k < n && top != PP_TICKET_NONE; k++) {
			tickets[k] = top;
			/* May be nonsense by now: then the tag has changed. */
			if (pp_ticket_block(top) >= blocks->total)
				break;
			top = atomic_load_explicit(&blocks->links[pp_ticket_block(top)],
						   memory_order_relaxed);
		}
		if (!k && TOP(old) == PP_TICKET_NONE)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(stack, &old, TAGGED(old, top),
							memory_order_acq_rel,
							memory_order_acquire));
	return k;
}

uint32_t pp_stack_pop(pp_stack *stack, struct pp_blocks *blocks)
{
	uint32_t ticket;

	return pp_stack_pop_some(stack, blocks, &ticket, 1) ? ticket : PP_TICKET_NONE;
}
