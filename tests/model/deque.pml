/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deque: an owner's published blocks, the owner at one end and thieves at the
 * other; labels D1 and D2. Of lib/core/pp_deque.c:
 *
 * here    there
 * push    pp_deque_push(): slot, then the word that has it (D1)
 * pop     pp_deque_pop()
 * steal   pp_deque_steal(): word, slot, exchange (D2)
 *
 * A ring of two, three blocks, all the owner's at first. The owner pushes and
 * pops in any order, four times; two thieves steal twice and once. head and
 * split count modulo four, twice the ring, as they do modulo 2^20 there. A
 * block has contents that who gets it must find, and is never got by two.
 *
 * Mutants, each of which must fail:
 * MUTANT NO_TAG        the word is split and head alone
 * MUTANT SLOT_LATE     D1: the slot is stored after the word
 * MUTANT CONTENT_LATE  D1: the block's contents are
 * MUTANT WORD_STORED   the owner stores the word, as who is its only pusher might
 * MUTANT CLAIM_FIRST   the thief claims, then reads the slot
 */
#define BLOCKS 3
#define THIEVES 2
#define CPUS (1 + THIEVES)
#define DEPTH 3
#define RING 2
#define WRAP 4

#define SLOT 0 /* SLOT + place in the ring */
#define CONTENT RING
#define WORD (RING + BLOCKS)
#define WORDS (RING + BLOCKS + 1)
#include "tso.pml"

#define NONE 7
#define OWNER 0

/* tag (4 bits) | split (2) | head (2), in one byte. */
#define HEAD(w) ((w) & 3)
#define SPLIT(w) (((w) >> 2) & 3)
#define TAG(w) ((w) >> 4)
#define MAKE(tag, split, head) ((((tag) & 15) << 4) | (((split) & 3) << 2) | ((head) & 3))
#define LENGTH(w) ((SPLIT(w) - HEAD(w)) & 3)

#ifdef NO_TAG
#define NEXT_TAG(w) 0
#else
#define NEXT_TAG(w) (TAG(w) + 1)
#endif

/* Ghost: 0 in the ring, else who has it and one more. */
byte holder[BLOCKS];
byte content[BLOCKS];
byte done;

/* Of the word; `old` is what it was if that failed. */
inline exchange(me, new, ok)
{
	d_step {
		drained(me) ->
		if
		:: mem[WORD] == old -> mem[WORD] = new; ok = 1
		:: else -> old = mem[WORD]; ok = 0
		fi
	}
}

inline take_block(me, b)
{
	d_step {
		assert(b < BLOCKS);
		assert(holder[b] == 0);
		holder[b] = me + 1
	};
	load(me, CONTENT + b, seen);
	assert(seen == content[b]);
	seen = 0
}

inline push(b)
{
	load(OWNER, WORD, old);
	do
	:: LENGTH(old) > RING - 1 -> break
	:: else ->
#ifndef SLOT_LATE
		store(OWNER, SLOT + SPLIT(old) % RING, b);
#endif
		/* Given before the word says so: who steals it has it at once. */
		holder[b] = 0;
#ifdef WORD_STORED
		store(OWNER, WORD, MAKE(NEXT_TAG(old), SPLIT(old) + 1, HEAD(old)));
		ok = 1;
#else
		exchange(OWNER, MAKE(NEXT_TAG(old), SPLIT(old) + 1, HEAD(old)), ok);
#endif
		if
		:: ok ->
#ifdef SLOT_LATE
			store(OWNER, SLOT + SPLIT(old) % RING, b);
#endif
			break
		:: else -> holder[b] = OWNER + 1
		fi
	od
}

inline pop()
{
	load(OWNER, WORD, old);
	do
	:: LENGTH(old) == 0 -> break
	:: else ->
		load(OWNER, SLOT + (SPLIT(old) + 3) % RING, b);
		exchange(OWNER, MAKE(NEXT_TAG(old), SPLIT(old) + 3, HEAD(old)), ok);
		if
		:: ok -> take_block(OWNER, b); break
		:: else
		fi
	od
}

proctype owner(byte times)
{
	byte old, b, seen;
	bool ok;

	do
	:: times > 0 ->
		times--;
		if
		:: true -> pop()
		:: true ->
			if
			:: holder[0] == OWNER + 1 -> b = 0
			:: holder[1] == OWNER + 1 -> b = 1
			:: holder[2] == OWNER + 1 -> b = 2
			:: else -> b = BLOCKS
			fi;
			if
			:: b < BLOCKS ->
				content[b] = times + 1;
#ifndef CONTENT_LATE
				store(OWNER, CONTENT + b, times + 1);
#endif
				push(b);
#ifdef CONTENT_LATE
				store(OWNER, CONTENT + b, times + 1)
#endif
			:: else
			fi
		fi;
		atomic { old = 0; b = 0; ok = 0 }
	:: else -> break
	od;
	done++
}

proctype thief(byte me; byte times)
{
	byte old, b, seen;
	bool ok;

	do
	:: times > 0 ->
		times--;
		load(me, WORD, old);
		do
		:: LENGTH(old) == 0 -> break
		:: else ->
#ifndef CLAIM_FIRST
			load(me, SLOT + HEAD(old) % RING, b);
#endif
			exchange(me, MAKE(TAG(old), SPLIT(old), HEAD(old) + 1), ok);
			if
			:: ok ->
#ifdef CLAIM_FIRST
				load(me, SLOT + HEAD(old) % RING, b);
#endif
				take_block(me, b);
				break
			:: else
			fi
		od;
		atomic { old = 0; b = 0; ok = 0 }
	:: else -> break
	od;
	done++
}

init {
	byte b, n;

	atomic {
		holder[0] = OWNER + 1;
		holder[1] = OWNER + 1;
		holder[2] = OWNER + 1;
		/* All count from shortly before they wrap. */
		mem[WORD] = MAKE(14, 3, 3);
		run owner(4);
		run thief(1, 2);
		run thief(2, 1);
		run buffer(0);
		run buffer(1);
		run buffer(2)
	}
	/* All quiet: what nobody has is in the ring, once. */
	d_step {
		done == CPUS && drained(0) && drained(1) && drained(2) ->
		n = LENGTH(mem[WORD]);
		do
		:: n > 0 ->
			n--;
			b = mem[SLOT + (HEAD(mem[WORD]) + n) % RING];
			assert(holder[b] == 0);
			holder[b] = 9
		:: else -> break
		od;
		assert(holder[0] && holder[1] && holder[2])
	}
}
