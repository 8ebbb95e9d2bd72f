/* SPDX-License-Identifier: BSD-3-Clause */
/* Deque: an owner's published full blocks; the owner at one end, thieves at the other. */
#ifndef PP_DEQUE_H
#define PP_DEQUE_H

#include <stdatomic.h>

#include "pp_types.h"

/*
 * A ring of tickets and one word that says which of them are in it.
 *
 * call           who                                 beside
 * push, pop      the owner, or a taker that holds    steal
 *                the owner's lock
 * steal          anyone                              all
 *
 * word: tag (24 bits, counts the owner's changes) | split (20) | head (20).
 * The owner pushes and pops at `split`, thieves claim at `head`. A thief reads
 * the slot first and then claims it; the tag makes the claim fail if the
 * owner has used the slot again in between. Nothing is copied: a ticket names
 * a block, and who took the ticket owns the block. The idea is Chase and Lev's
 * (2005) work-stealing deque with both ends in one word, as head and tail are
 * in Hendler's and others' bounded ones.
 */
typedef _Atomic uint64_t pp_deque_word;

struct pp_deque {
	pp_deque_word *word;
	_Atomic uint32_t *ring;
	uint32_t mask;
};

void pp_deque_init(pp_deque_word *word);
/* false when it is full. */
bool pp_deque_push(struct pp_deque *deque, uint32_t ticket);
/* PP_TICKET_NONE when empty. */
uint32_t pp_deque_pop(struct pp_deque *deque);
uint32_t pp_deque_steal(struct pp_deque *deque);

/* For the books: head and how many, at one moment. */
uint32_t pp_deque_length(const struct pp_deque *deque, uint32_t *head);

#endif
