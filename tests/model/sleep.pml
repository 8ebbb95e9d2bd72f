/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sleep: a waiter, who kicks it and who cancels it; labels W1 and W2. Of
 * lib/core/pp_sleep.c:
 *
 * here       there
 * waiter     wait_in_line() of pp_effort.c around pp_sleep() (W2)
 * kicker     pp_sleep_kick(), after what the waiter waits for is there
 * canceller  pp_wait_cancel() (W1)
 *
 * The waiter waits for two kickers' words, without a deadline, or until it is
 * cancelled; it may not sleep on when both words are there, or it is cancelled.
 *
 * Mutants, each of which must fail:
 * MUTANT CANCEL_PLAIN  W1: the flag is in the store buffer while `asleep` is read
 * MUTANT ASLEEP_PLAIN  W2: `asleep` is, while the flag is read
 * MUTANT ASLEEP_LATE   W2: `asleep` is stored after the flag was read
 * MUTANT SEEN_LATE     the kicks are read after the look at what is waited for
 * MUTANT NO_COUNT      a kick wakes and does not count
 * MUTANT NO_VALUE      the futex does not compare
 */
#define CPUS 4
#define DEPTH 2
#define FLAG 0
#define ASLEEP 1
#define WORD 2 /* WORD + kicker */
#define WORDS 4
#include "tso.pml"

byte kicks;
bool sleeps;

inline kick(cpu)
{
#ifndef NO_COUNT
	d_step { drained(cpu) -> kicks++ };
#endif
	d_step { drained(cpu) -> sleeps = 0 }
}

proctype waiter()
{
	byte seen, x, y, flag;

	do
	:: true ->
#ifndef SEEN_LATE
		seen = kicks;
#endif
		load(0, WORD, x);
		load(0, WORD + 1, y);
		if
		:: (x && y) || flag -> break
		:: else
		fi;
#ifdef SEEN_LATE
		seen = kicks;
#endif
#ifndef ASLEEP_LATE
		store(0, ASLEEP, 1);
#ifndef ASLEEP_PLAIN
		drained(0);
#endif
#endif
		load(0, FLAG, flag);
#ifdef ASLEEP_LATE
		store(0, ASLEEP, 1);
		drained(0);
#endif
		if
		:: !flag ->
			/* The kernel compares and queues under a lock of its own. */
			if
#ifdef NO_VALUE
			:: d_step { drained(0) -> sleeps = 1 };
				!sleeps
#else
			:: d_step { drained(0) && kicks == seen -> sleeps = 1 };
				!sleeps
			:: d_step { drained(0) && kicks != seen -> seen = kicks }
#endif
			fi
		:: else
		fi;
		store(0, ASLEEP, 0);
		drained(0);
		load(0, FLAG, flag)
	od
}

proctype kicker(byte cpu)
{
	store(cpu, WORD + cpu - 1, 1);
	kick(cpu)
}

proctype canceller(byte cpu)
{
	byte asleep;

	store(cpu, FLAG, 1);
#ifndef CANCEL_PLAIN
	drained(cpu);
#endif
	load(cpu, ASLEEP, asleep);
	if
	:: asleep -> kick(cpu)
	:: else
	fi
}

init {
	atomic {
		run waiter();
		run buffer(0);
		/* What is waited for comes, or the cancel does, or all of it. */
		if
		:: run kicker(1); run buffer(1); run kicker(2); run buffer(2)
		:: run canceller(3); run buffer(3)
		:: run kicker(1); run buffer(1); run canceller(3); run buffer(3)
		:: run kicker(1); run buffer(1); run kicker(2); run buffer(2);
			run canceller(3); run buffer(3)
		fi
	}
}
