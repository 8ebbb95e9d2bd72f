/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Magazine: a thread's objects and who takes them all; labels J1 to J4. Of
 * lib/core:
 *
 * here          there
 * begin, end    pp_magazine_begin() (J1) with pp_magazine_short() (J4),
 *               pp_magazine_end() (J2)
 * get, put      pp_objcache_alloc_bulk(), pp_objcache_free_bulk(), and what the
 *               misses come to under the cache's lock
 * taker         pp_magazines_take() (J3) with magazine_is_idle()
 *
 * One thread with a magazine of two, two objects, three calls of one object
 * each; two takers. LONG is get_long and put_long, which a taker leaves as they
 * were. Patience ends at any time: who is busy may be skipped. Each object must be
 * in one place at any time, and somewhere when all is done.
 *
 * Mutants, each of which must fail:
 * MUTANT NO_BARRIER    J3 is missing
 * MUTANT BARRIER_SELF  J3 reaches nobody but the taker
 * MUTANT BARRIER_EARLY J3 comes before the words are changed
 * MUTANT WORDS_FIRST   J1 is missing: the compiler has moved the words' load up
 * MUTANT IDLE_FIRST    J2 is missing: it is idle before what it did is there
 * MUTANT COUNT_FIRST   J4 is missing: the magazine's count is loaded before the words
 * MUTANT NOT_IDLE      the taker does not look who is busy
 * MUTANT OPEN_FIRST    the taker opens before it says that the magazine is empty
 * MUTANT SLOW_BARE     the long way does not take the lock
 */
#define CPUS 3
#define DEPTH 4
#define BUSY 0
#define N 1
#define LONG 2
#define LOCK 3
#define OBJ 4 /* and the one after it */
#define WORDS 6
#include "tso.pml"

#define ME 0
#define SIZE 2
#define BIT(b) (1 << (b))

/* Ghost: what the thread's caller has. */
byte held;
/* The slabs' books, under the lock. */
byte home;
byte done;

inline hand_out(b)
{
	d_step {
		assert(b < SIZE && !((held | home) & BIT(b)));
		held = held | BIT(b)
	}
}

inline send_home(b)
{
	d_step {
		assert(b < SIZE && !((held | home) & BIT(b)));
		home = home | BIT(b)
	}
}

inline begin()
{
#ifdef COUNT_FIRST
	load(ME, N, n);
#endif
#ifdef WORDS_FIRST
	load(ME, LONG, far);
	store(ME, BUSY, 1);
#else
	store(ME, BUSY, 1);
	load(ME, LONG, far);
#endif
#ifndef COUNT_FIRST
	load(ME, N, n)
#endif
}

inline end()
{
	store(ME, BUSY, 0)
}

inline enter()
{
#ifndef SLOW_BARE
	lock(ME, LOCK);
#endif
	load(ME, N, n)
}

inline leave()
{
#ifndef SLOW_BARE
	unlock(ME, LOCK)
#else
	skip
#endif
}

/* What it did to the magazine, and that it is idle. */
inline count(x)
{
#ifdef IDLE_FIRST
	end();
	store(ME, N, x)
#else
	store(ME, N, x);
	end()
#endif
}

proctype thread()
{
	byte n, far, b, ops;

	do
	:: ops < 3 ->
		ops++;
		if
		:: true -> /* get */
			begin();
			if
			:: !far && n > 0 ->
				load(ME, OBJ + n - 1, b);
				hand_out(b);
				count(n - 1)
			:: else ->
				end();
				enter();
				if
				:: n > 0 ->
					load(ME, OBJ + n - 1, b);
					hand_out(b);
					store(ME, N, n - 1)
				:: n == 0 && home ->
					d_step {
						b = (home & 1 -> 0 : 1);
						home = home & ~BIT(b)
					};
					hand_out(b)
				:: else
				fi;
				leave()
			fi
		:: held -> /* put */
			d_step {
				b = (held & 1 -> 0 : 1);
				held = held & ~BIT(b)
			};
			begin();
			if
			:: !far && n < SIZE ->
				store(ME, OBJ + n, b);
				count(n + 1)
			:: else ->
				end();
				enter();
				send_home(b);
				leave()
			fi
		fi;
		atomic { n = 0; far = 0; b = 0 }
	:: else -> break
	od;
	done++
}

inline barrier()
{
#ifndef NO_BARRIER
	drain(cpu);
#ifndef BARRIER_SELF
	drain(ME);
#endif
#endif
	skip
}

proctype taker(byte cpu)
{
	byte busy, n, b;

	lock(cpu, LOCK);
#ifdef BARRIER_EARLY
	barrier();
#endif
	store(cpu, LONG, 1);
	drained(cpu);
#ifndef BARRIER_EARLY
	barrier();
#endif
	do
	::
		load(cpu, BUSY, busy);
		if
#ifdef NOT_IDLE
		:: true ->
#else
		:: !busy ->
#endif
			load(cpu, N, n);
#ifdef OPEN_FIRST
			store(cpu, LONG, 0);
			drained(cpu);
#endif
			do
			:: n > 0 ->
				load(cpu, OBJ + n - 1, b);
				send_home(b);
				n--
			:: else -> break
			od;
			store(cpu, N, 0);
			break
		:: else ->
			if
			:: true
			:: true -> break /* Skipped. */
			fi
		fi
	od;
	store(cpu, LONG, 0);
	drained(cpu);
	unlock(cpu, LOCK);
	d_step { busy = 0; n = 0; b = 0; done++ }
}

init {
	byte n;

	atomic {
		if
		:: mem[N] = 2; mem[OBJ] = 0; mem[OBJ + 1] = 1
		:: mem[N] = 1; mem[OBJ] = 0; held = BIT(1)
		:: mem[N] = 1; mem[OBJ] = 1; home = BIT(0)
		fi;
		run thread();
		run buffer(ME);
		run taker(1);
		run buffer(1);
		run taker(2);
		run buffer(2)
	}
	/* All quiet: each object is somewhere, and nowhere twice. */
	d_step {
		done == 3 && drained(0) && drained(1) && drained(2) ->
		n = mem[N];
		assert(n <= SIZE && !mem[BUSY] && !mem[LONG]);
		i_ = held + home;
		do
		:: n > 0 -> i_ = i_ + BIT(mem[OBJ + n - 1]); n--
		:: else -> break
		od;
		assert(i_ == 3)
	}
}
