/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mempool: the first in a mempool's line, and frees that may slip past; labels
 * R1 and R2. Of lib/core/pp_mempool_line.c:
 *
 * here     there
 * waiter   pp_mempool_wait(): line_join(), line_lead() (R1), line_sleep()
 * ask      pp_mempool_try(), with what is not enough going back
 * freer    pp_mempool_give(), pp_mempool_return() (R2)
 *
 * A mempool that keeps nothing, over a backing that cannot wait. One waits for
 * two elements, two threads free one each: by plain stores, as a pool's caches do.
 * It looks again every PP_MEMPOOL_RETRY_US there; not here, so that a wake that
 * is lost shows: nobody may sleep for ever.
 *
 * Mutants, each of which must fail:
 * MUTANT NO_FENCE      R2: needy is read while what was freed is in the store buffer
 * MUTANT NEEDY_PLAIN   R1: the backing is asked while needy is in the store buffer
 * MUTANT NEEDY_LATE    R1: needy is stored after the backing was asked
 * MUTANT COUNT_LATE    what has gone back is counted anew after the backing was asked
 * MUTANT NO_COUNT      who was not served does not look what has gone back meanwhile
 * MUTANT NOT_ITS_OWN   what the waiter itself gives back does not count
 * MUTANT SEEN_LATE     the kicks are read after the lock is released
 * MUTANT ONE_IS_ENOUGH the backing is taken to have all that one free brought
 */
#define CPUS 3
#define DEPTH 3
#define NEEDY 0
#define LOCK 1
#define THERE 2 /* THERE + freer: what it has freed */
#define WORDS 4
#include "tso.pml"

#define ME 0
#define WANTED 2

/* Under the lock. */
byte returned;
bool asleep_state;
/* What the waiter has given back: it sees that anyway. */
byte own;
/* Written by locked exchanges only. */
byte kicks;
bool asleep;
byte got;

/* Who is to be kicked, and then unlocked. */
inline kick(cpu)
{
	d_step { drained(cpu) -> kicks++ };
	d_step { drained(cpu) -> asleep = 0 }
}

inline needy_say()
{
	store(ME, NEEDY, 1);
#ifndef NEEDY_PLAIN
	drained(ME)
#else
	skip
#endif
}

/* A backing may be asked without a locked instruction. */
inline ask()
{
	d_step {
		got = own + mem[THERE] + mem[THERE + 1];
		own = 0;
		mem[THERE] = 0;
		mem[THERE + 1] = 0
	};
	if
	:: got < WANTED && got > 0 ->
		own = got;
#ifndef NOT_ITS_OWN
		lock(ME, LOCK);
		returned = returned + got;
		unlock(ME, LOCK)
#endif
	:: else
	fi
}

proctype waiter()
{
	byte seen;

	lock(ME, LOCK);
	do
	::
		asleep_state = 0;
#ifndef COUNT_LATE
		returned = 0;
#endif
#ifndef NEEDY_LATE
		needy_say();
#endif
		unlock(ME, LOCK);
		ask();
#ifdef NEEDY_LATE
		needy_say();
#endif
		lock(ME, LOCK);
#ifdef COUNT_LATE
		returned = 0;
#endif
		if
		:: got >= WANTED -> break
		:: else
		fi;
		if
#ifndef NO_COUNT
		:: returned >= WANTED
		:: returned < WANTED ->
#else
		:: true ->
#endif
#ifndef SEEN_LATE
			seen = kicks;
#endif
			asleep_state = 1;
			unlock(ME, LOCK);
#ifdef SEEN_LATE
			seen = kicks;
#endif
			/* The futex: asleep if the word is what was seen. */
			if
			:: atomic { drained(ME) && kicks == seen -> asleep = 1 };
				!asleep
			:: drained(ME) && kicks != seen
			fi;
			lock(ME, LOCK)
		fi
	od;
	unlock(ME, LOCK)
}

proctype freer(byte cpu)
{
	byte needy;
	bool wakes;

	store(cpu, THERE + cpu - 1, 1);
#ifndef NO_FENCE
	drained(cpu);
#endif
	load(cpu, NEEDY, needy);
	if
	:: needy ->
		lock(cpu, LOCK);
		d_step {
			returned++;
			if
#ifdef ONE_IS_ENOUGH
			:: asleep_state && returned == WANTED - 1 ->
#else
			:: asleep_state && returned >= WANTED ->
#endif
				returned = 0;
				wakes = 1
			:: else
			fi
		};
		unlock(cpu, LOCK);
		if
		:: wakes -> kick(cpu)
		:: else
		fi
	:: else
	fi
}

init {
	atomic {
		run waiter();
		run buffer(ME);
		run freer(1);
		run buffer(1);
		run freer(2);
		run buffer(2)
	}
}
