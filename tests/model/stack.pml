/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stack: the tagged stack of blocks that depots and empties are; labels S1 and
 * S2. Of lib/core/pp_block.c:
 *
 * here         there
 * push_chain   pp_stack_push_chain(), its exchange and the link before it
 * pop_some     pp_stack_pop_some(): top, link by link, exchange
 *
 * Three blocks, all on the stack at first; three users, each of which pops one
 * or two at once, joins those that it has to a chain and pushes it; one of them
 * does so twice. A block has contents that who pops it must find.
 *
 * Mutants, each of which must fail:
 * MUTANT NO_TAG        the word is the top alone
 * MUTANT LINK_LATE     S1: the link is stored after the exchange
 * MUTANT CONTENT_LATE  S1: the block's contents are
 * MUTANT LINK_ONCE     a popper whose exchange failed goes on with the links of before
 */
#define BLOCKS 3
#define USERS 3
#define CPUS USERS
#define DEPTH 3

#define LINK 0 /* LINK + block: the one below */
#define CONTENT BLOCKS
#define WORDS (2 * BLOCKS)
#include "tso.pml"

#define NONE 7

/* The stack's word: written by locked exchanges only. */
byte top = 0;
byte tag;
/* Ghost: blocks by who has them, 0 for the stack. */
byte holder[BLOCKS];
/* Ghost: what a block must have in it. */
byte content[BLOCKS];
byte done;

#ifdef NO_TAG
#define SAME (top == old)
#else
#define SAME (top == old && tag == old_tag)
#endif

inline take_block(b)
{
	d_step {
		assert(b < BLOCKS);
		assert(holder[b] == 0);
		holder[b] = me + 1
	}
}

/* Up to n; got[0] is the upper one. */
inline pop_some(n)
{
	d_step { old = top; old_tag = tag };
	do
	:: old == NONE -> got0 = NONE; got1 = NONE; break
	:: else ->
#ifdef LINK_ONCE
		if
		:: got0 == NONE -> got0 = old; load(me, LINK + got0, next)
		:: else
		fi;
#else
		got0 = old;
		got1 = NONE;
		load(me, LINK + got0, next);
#endif
		if
		:: n == 2 && next != NONE ->
			got1 = next;
			load(me, LINK + got1, next)
		:: else
		fi;
		if
		:: d_step { drained(me) && SAME -> top = next; tag++ }
			take_block(got0);
			if
			:: got1 != NONE -> take_block(got1)
			:: else
			fi;
			break
		:: d_step { drained(me) && !SAME -> old = top; old_tag = tag }
		fi
	od;
	next = 0
}

/* got0 above got1, if there is one. */
inline push_chain()
{
	if
	:: got1 != NONE -> store(me, LINK + got0, got1); last = got1
	:: else -> last = got0
	fi;
#ifndef CONTENT_LATE
	store(me, CONTENT + got0, me + 1);
#endif
	d_step { old = top; old_tag = tag };
	do
	::
#ifndef LINK_LATE
		store(me, LINK + last, old);
#endif
		if
		:: d_step {
			drained(me) && SAME ->
			holder[got0] = 0;
			content[got0] = me + 1;
			if
			:: got1 != NONE -> holder[got1] = 0
			:: else
			fi;
			top = got0;
			tag++
		   }
			break
		:: d_step { drained(me) && !SAME -> old = top; old_tag = tag }
		fi
	od;
#ifdef LINK_LATE
	store(me, LINK + last, old);
#endif
#ifdef CONTENT_LATE
	store(me, CONTENT + got0, me + 1);
#endif
	last = 0
}

inline look_into(b)
{
	load(me, CONTENT + b, next);
	assert(next == content[b]);
	next = 0
}

proctype user(byte me; byte times)
{
	byte old, old_tag, next, last, got0 = NONE, got1 = NONE;

	do
	:: times > 0 ->
		times--;
		if
		:: pop_some(1)
		:: pop_some(2)
		fi;
		if
		:: got0 != NONE ->
			look_into(got0);
			push_chain()
		:: else
		fi;
		d_step { old = 0; old_tag = 0; got0 = NONE; got1 = NONE }
	:: else -> break
	od;
	done++
}

init {
	byte b, n;

	atomic {
		mem[LINK + 0] = 1;
		mem[LINK + 1] = 2;
		mem[LINK + 2] = NONE;
		run user(0, 2);
		run user(1, 1);
		run user(2, 1);
		run buffer(0);
		run buffer(1);
		run buffer(2)
	}
	/* All quiet: each block is on the stack, once. */
	d_step {
		done == USERS && drained(0) && drained(1) && drained(2) ->
		b = top;
		do
		:: b != NONE && n < BLOCKS -> n++; b = mem[LINK + b]
		:: else -> break
		od;
		assert(n == BLOCKS && b == NONE)
	}
}
