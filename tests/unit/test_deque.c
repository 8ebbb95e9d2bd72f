/* SPDX-License-Identifier: BSD-3-Clause */
/* Deque: deques and stacks of blocks alone, across the wrap of all their counters. */
#include "support.h"

#include "pp_block.h"
#include "pp_deque.h"

/* As in pp_deque.c: tag, split and head, the two counters of 20 bits each. */
#define COUNTER_BITS 20

static _Atomic uint32_t ring[64];
static pp_deque_word word;
static struct pp_deque deque = { .word = &word, .ring = ring, .mask = 63 };

static void test_owner_takes_the_newest_and_thieves_the_oldest(void **state)
{
	(void)state;
	pp_deque_init(&word);
	assert_int_equal(pp_deque_pop(&deque), PP_TICKET_NONE);
	assert_int_equal(pp_deque_steal(&deque), PP_TICKET_NONE);
	for (uint32_t i = 0; i < 10; i++)
		assert_true(pp_deque_push(&deque, 100 + i));
	assert_int_equal(pp_deque_pop(&deque), 109);
	assert_int_equal(pp_deque_steal(&deque), 100);
	assert_int_equal(pp_deque_steal(&deque), 101);
	assert_int_equal(pp_deque_pop(&deque), 108);
	for (uint32_t i = 102; i < 108; i++)
		assert_int_equal(pp_deque_steal(&deque), i);
	assert_int_equal(pp_deque_steal(&deque), PP_TICKET_NONE);
	assert_int_equal(pp_deque_pop(&deque), PP_TICKET_NONE);
}

static void test_full_deque_refuses_and_loses_nothing(void **state)
{
	uint32_t head;

	(void)state;
	pp_deque_init(&word);
	for (uint32_t turn = 0; turn < 5; turn++) {
		for (uint32_t i = 0; i < 64; i++)
			assert_true(pp_deque_push(&deque, i));
		assert_false(pp_deque_push(&deque, 64));
		assert_int_equal(pp_deque_length(&deque, &head), 64);
		/* Round the ring by stealing: the next turn starts elsewhere in it. */
		for (uint32_t i = 0; i < 64; i++)
			assert_int_equal(pp_deque_steal(&deque), i);
		assert_true(pp_deque_push(&deque, 7));
		assert_int_equal(pp_deque_steal(&deque), 7);
	}
}

static void test_counters_wrap_unnoticed(void **state)
{
	uint64_t before, wraps = 0;
	uint32_t head, last = 0;

	(void)state;
	pp_deque_init(&word);
	before = atomic_load(&word) >> (2 * COUNTER_BITS);
	/* From shortly before the wrap of each counter by itself, then all the way round. */
	for (uint32_t i = 0; i < (1u << COUNTER_BITS) + 100; i++) {
		assert_true(pp_deque_push(&deque, i & 0xffff));
		assert_true(pp_deque_push(&deque, 0x10000 | (i & 0xffff)));
		assert_int_equal(pp_deque_length(&deque, &head), 2);
		wraps += head < last;
		last = head;
		assert_int_equal(pp_deque_steal(&deque), i & 0xffff);
		assert_int_equal(pp_deque_pop(&deque), 0x10000 | (i & 0xffff));
	}
	assert_int_equal(wraps, 2);
	assert_true(atomic_load(&word) >> (2 * COUNTER_BITS) < before);
}

static struct pp_blocks blocks_make(uint32_t total, pp_stack *empties)
{
	struct pp_blocks blocks = { .size = 8, .total = total, .empties = empties };

	blocks.slots = calloc(total * 8, sizeof(*blocks.slots));
	blocks.links = calloc(total, sizeof(*blocks.links));
	assert_true(blocks.slots && blocks.links);
	return blocks;
}

static void blocks_free(struct pp_blocks *blocks)
{
	free(blocks->slots);
	free(blocks->links);
}

static void test_stack_gives_back_in_reverse_and_some_at_once(void **state)
{
	pp_stack stack;
	struct pp_blocks blocks = blocks_make(100, &stack);
	uint32_t tickets[100];

	(void)state;
	pp_stack_init(&stack);
	assert_int_equal(pp_stack_pop(&stack, &blocks), PP_TICKET_NONE);
	assert_int_equal(pp_stack_pop_some(&stack, &blocks, tickets, 8), 0);
	/* Past the tag's wrap: it starts three before it. */
	for (uint32_t i = 0; i < 100; i++)
		pp_stack_push(&stack, &blocks, pp_ticket(i, i % 8));
	assert_int_equal(pp_stack_pop(&stack, &blocks), pp_ticket(99, 99 % 8));
	assert_int_equal(pp_stack_pop_some(&stack, &blocks, tickets, 8), 8);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(tickets[i], pp_ticket(98 - i, (98 - i) % 8));
	assert_int_equal(pp_stack_pop_some(&stack, &blocks, tickets, 0), 0);
	assert_int_equal(pp_stack_pop_some(&stack, &blocks, tickets, 100), 91);
	assert_int_equal(tickets[90], pp_ticket(0, 0));
	assert_int_equal(pp_stack_pop(&stack, &blocks), PP_TICKET_NONE);
	blocks_free(&blocks);
}

static void test_chain_goes_on_in_one_step(void **state)
{
	pp_stack stack;
	struct pp_blocks blocks = blocks_make(10, &stack);

	(void)state;
	pp_stack_init(&stack);
	pp_stack_push(&stack, &blocks, pp_ticket(9, 0));
	for (uint32_t i = 0; i < 4; i++)
		atomic_store(&blocks.links[i], pp_ticket(i + 1, 0));
	pp_stack_push_chain(&stack, &blocks, pp_ticket(0, 0), pp_ticket(4, 0));
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(pp_stack_pop(&stack, &blocks), pp_ticket(i, 0));
	assert_int_equal(pp_stack_pop(&stack, &blocks), pp_ticket(9, 0));
	assert_int_equal(pp_stack_pop(&stack, &blocks), PP_TICKET_NONE);
	blocks_free(&blocks);
}

static void test_ticket_keeps_block_and_count_apart(void **state)
{
	(void)state;
	for (uint32_t block = 0; block < 1u << 20; block += 4099)
		for (uint32_t count = 0; count <= PP_BLOCK_MAX; count += 64) {
			uint32_t ticket = pp_ticket(block, count);

			assert_int_equal(pp_ticket_block(ticket), block);
			assert_int_equal(pp_ticket_count(ticket), count);
			assert_true(ticket != PP_TICKET_NONE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_takes_the_newest_and_thieves_the_oldest),
		cmocka_unit_test(test_full_deque_refuses_and_loses_nothing),
		cmocka_unit_test(test_counters_wrap_unnoticed),
		cmocka_unit_test(test_stack_gives_back_in_reverse_and_some_at_once),
		cmocka_unit_test(test_chain_goes_on_in_one_step),
		cmocka_unit_test(test_ticket_keeps_block_and_count_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
