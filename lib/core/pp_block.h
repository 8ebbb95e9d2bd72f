/* SPDX-License-Identifier: BSD-3-Clause */
/* Block: an array of buffer offsets; who holds its index owns it. */
#ifndef PP_BLOCK_H
#define PP_BLOCK_H

#include <stdatomic.h>

#include "pp_types.h"

#define PP_BLOCK_MAX 512

/* A block's index and how many offsets are in it, in one word: a ticket. */
#define PP_TICKET_SHIFT 11
#define PP_TICKET_NONE 0xffffffffu

static inline uint32_t pp_ticket(uint32_t block, uint32_t count)
{
	return block << PP_TICKET_SHIFT | count;
}

static inline uint32_t pp_ticket_block(uint32_t ticket)
{
	return ticket >> PP_TICKET_SHIFT;
}

static inline uint32_t pp_ticket_count(uint32_t ticket)
{
	return ticket & ((1u << PP_TICKET_SHIFT) - 1);
}

/* A stack of tickets: a tag that counts changes above the top ticket. */
typedef _Atomic uint64_t pp_stack;

/*
 * All blocks of a pool. `slots` of a block belong to its holder; `links` of a
 * block belong to who has it on a stack, and may be read too late by a popper
 * whose exchange then fails on the tag.
 */
struct pp_blocks {
	uint32_t *slots;         /* [total][size] */
	_Atomic uint32_t *links; /* [total], the ticket below */
	uint32_t size;
	uint32_t total;
	pp_stack *empties;
};

void pp_stack_init(pp_stack *stack);
void pp_stack_push(pp_stack *stack, struct pp_blocks *blocks, uint32_t ticket);
/* A chain that is linked already, from first (top) to last. */
void pp_stack_push_chain(pp_stack *stack, struct pp_blocks *blocks, uint32_t first, uint32_t last);
/* PP_TICKET_NONE when empty. */
uint32_t pp_stack_pop(pp_stack *stack, struct pp_blocks *blocks);
/* Up to n at once. */
unsigned pp_stack_pop_some(pp_stack *stack, struct pp_blocks *blocks, uint32_t *tickets,
			   unsigned n);

static inline uint32_t *pp_block_slots(const struct pp_blocks *blocks, uint32_t block)
{
	return blocks->slots + (size_t)block * blocks->size;
}

#endif
