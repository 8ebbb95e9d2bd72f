/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queue: who waits for buffers, and frees that may slip past; labels H1 to H4
 * of the code, and T3 once more. Of lib/core:
 *
 * here           there
 * put            pp_cache_put() into an empty cache, or its slow path
 * cacheless      pp_pool_free(); home_put() is in home.pml
 * begin          pp_pressure_begin() (H1); its end is pp_pressure_end()
 * take           pp_take_closed() for one owner, but for its lock: pp_take_all(),
 *                with take_from()
 * waiter         pp_effort_wait(): pp_home_join(), wait_in_line(),
 *                pp_home_give_up(), pp_home_claim()
 * in the waiter  pp_sleep() and its futex
 *
 * One owner has both buffers and frees them one by one, into its cache or
 * without one, and never calls again. Its limits may be closed at first, from
 * an earlier take. A waiter wants both. Who slept in vain because somebody was
 * skipped looks again once, or, when nothing else happens any more, thrice.
 * Nobody may sleep for ever.
 *
 * In a line two wait, for two and for one, in any order; who wants two gives up
 * if there never are two. Who was served frees what it got, and frees are
 * without caches: so the waiters do without T3, which would do for H4, too.
 * Nobody may be served before who joined earlier.
 *
 * Mutants, each of which must fail:
 * MUTANT NO_BARRIER     T3 is missing
 * MUTANT NO_CLOSE       begin() closes nothing, and nor does the taker
 * MUTANT NOT_SKIPPED    an owner in the middle of a call is not counted
 * MUTANT HAS_FIRST      an owner whose cache is empty is passed by, even while it puts
 * MUTANT OPEN_QUIET     an owner stays quiet until its limits are opened
 * MUTANT NO_FEED        who frees and then finds pressure does nothing about it
 * MUTANT NO_LOOK        who waits does not look into the depot
 * MUTANT KICKS_LATE     who waits reads its kicks after it has looked whether it is served
 * MUTANT WAKE_FIRST     the kick wakes first and counts then
 * VARIANT LINE          two wait
 * MUTANT LINE+ALONE     who gives up does not serve the next
 * MUTANT LINE+ANYBODY   who fits is served, first or not
 * MUTANT LINE+NO_FENCE  H4: the free looks for pressure while its store is on its way
 */
#ifdef LINE
#define CPUS 3
#else
#define CPUS 2
#endif
#define DEPTH 3
#include "home.pml"
#include "owner.pml"

proctype owner()
{
	byte s, limit, b = NOTHING, n, kick;
	bool yes;

	do
	:: held ->
		hand_in(b);
		if
#ifndef LINE
		:: true -> /* put */
			load(ME, S, s);
			store(ME, WANT, s + 1);
			load(ME, HI, limit);
			if
			:: s + 1 <= limit ->
				store(ME, SLOT + s, b);
				store(ME, S, s + 1)
			:: else -> put_slow()
			fi
#endif
		:: true -> /* cacheless */
			home_put(ME, b)
		fi;
		atomic { s = 0; limit = 0; b = NOTHING }
	:: else -> break
	od;
	ended++
}

inline close_limits()
{
#if !defined(NO_CLOSE) && !defined(LINE)
	lock(cpu, LOCK);
	store(cpu, LO, LO_CLOSED);
	store(cpu, HI, HI_CLOSED);
	unlock(cpu, LOCK);
#endif
	skip
}

inline begin()
{
	d_step { drained(cpu) -> urgent++ };
	lock(cpu, GATE);
	if
	:: !pressing ->
		d_step { drained(cpu) -> pressing = 1 };
		d_step { drained(cpu) -> pressure++ };
		close_limits()
	:: else
	fi;
	unlock(cpu, GATE)
}

inline take()
{
	skipped = 0;
	lock(cpu, TAKING);
	close_limits();
#ifndef NO_BARRIER
	drain(cpu);
	drain(ME);
#endif
	lock(cpu, LOCK);
	load(cpu, LO, limit);
	load(cpu, S, s);
	if
#ifdef HAS_FIRST
	:: limit == LO_CLOSED && s != START ->
#else
	:: limit == LO_CLOSED && !quiet ->
#endif
		do
		::
			load(cpu, WANT, want);
			load(cpu, S, s);
			if
			:: want == s || want == PARKED ->
				load(cpu, S, s);
				spill(cpu, s, b);
				quiet = 1;
				break
			:: else ->
				if
				:: true
				:: true ->
#ifndef NOT_SKIPPED
					skipped = 1;
#endif
					break
				fi
			fi
		od
	:: else
	fi;
	unlock(cpu, LOCK);
	unlock(cpu, TAKING);
	atomic { want = 0; s = 0; limit = 0 }
}

proctype waiter(byte cpu; byte n_wanted)
{
	byte want, s, limit, b = NOTHING, n, kick, seen, state, looks;
	bool skipped = 1, yes;

	begin();
	/* Joins, served at once if there is enough. */
	atomic {
		lock(cpu, HOME);
		d_step {
			need[cpu - 1] = n_wanted;
			if
			:: first == NOBODY -> first = cpu - 1
			:: else -> second = cpu - 1
			fi;
			serve_(kick)
		};
		unlock_home(cpu, kick)
	};
	wake(cpu, kick);
	do
	::
#ifndef KICKS_LATE
		seen = kicks[cpu - 1];
#endif
		load(cpu, STATE + cpu - 1, state);
		if
		:: state -> break
		:: else
		fi;
		if
		:: skipped ->
#ifdef LINE
			skipped = 0;
#else
			take();
#endif
#ifndef NO_LOOK
			feed(cpu, kick)
#endif
		:: else
		fi;
#ifdef KICKS_LATE
		seen = kicks[cpu - 1];
#endif
		/* The futex: asleep if the word is what was seen. */
		if
		:: atomic { drained(cpu) && kicks[cpu - 1] == seen -> asleep[cpu - 1] = 1 };
			if
			:: !asleep[cpu - 1]
			/* For as long as somebody was skipped, until a moment later. */
			:: skipped && looks < 1 -> looks++
			:: timeout && skipped && looks < 3 -> looks++
#ifdef LINE
			:: cpu == 1 && gives_up -> yes = 1
#endif
			fi;
			asleep[cpu - 1] = 0
		:: drained(cpu) && kicks[cpu - 1] != seen
		fi;
		if
		:: yes ->
			/* Too late, unless it has been served meanwhile. */
			yes = 0;
			atomic {
				lock(cpu, HOME);
				load(cpu, STATE + cpu - 1, state);
				if
				:: !state ->
					d_step {
						if
						:: first == cpu - 1 -> first = second
						:: else
						fi;
						second = NOBODY;
						need[cpu - 1] = 0;
#ifndef ALONE
						serve_(kick)
#endif
					}
				:: else
				fi;
				unlock_home(cpu, kick)
			};
			wake(cpu, kick);
			if
			:: !need[cpu - 1] -> break
			:: else
			fi
		:: else
		fi
	od;
	if
	:: need[cpu - 1] ->
		atomic {
			lock(cpu, HOME);
			d_step {
				limit = (need[cpu - 1] == 1 && pile == 3 -> 1 : pile);
				assert(COUNT(limit) == need[cpu - 1]);
				pile = pile & ~limit;
				promised = promised - need[cpu - 1]
			};
			unlock(cpu, HOME)
		}
	:: else
	fi;
	d_step { drained(cpu) -> urgent-- };
	relax(cpu);
#ifdef LINE
	if
	:: limit & 1 -> b = 0; home_put(cpu, b)
	:: else
	fi;
	if
	:: limit & 2 -> b = 1; home_put(cpu, b)
	:: else
	fi;
#endif
	atomic { limit = 0; seen = 0; state = 0; looks = 0; skipped = 0; b = NOTHING; n = 0 };
	ended++
}

init {
	atomic {
#ifdef LINE
		/* Who wants both gives up if there never will be more than one. */
		if
		:: held = 3
		:: held = 1; gives_up = 1
		fi;
#else
		held = 3;
#endif
		mem[S] = START;
		mem[WANT] = START;
		if
		:: mem[LO] = START; mem[HI] = END
		:: mem[LO] = LO_CLOSED; mem[HI] = HI_CLOSED; quiet = 1
		fi;
		run owner();
		run buffer(ME);
		run waiter(1, 2);
		run buffer(1);
#ifdef LINE
		run waiter(2, 1);
		run buffer(2)
#endif
	}
}
