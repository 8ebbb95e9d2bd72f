/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Take: an owner's fast and slow path beside two takers; labels T1 to T4 of
 * doc/ordering.md. Of the code:
 *
 * here            there
 * get, put, none  pp_cache_get(), pp_cache_put() (T1, T2); `none`: n == 0
 * the slow path   in owner.pml
 * taker           pp_take_all(); with pressure, what pp_pool_shrink() does
 *                 around it
 * close_limits    pp_owner_close(), with the lock around it
 * barrier         take_barrier() (T3)
 * in the taker    take_from() with owner_is_closed(), owner_is_idle() (T4)
 * handler         a signal handler on the owner's CPU that tries, as the owner
 *                 does then, too: try.pml
 *
 * One owner and two takers, three calls of the owner; or one taker, one call
 * and up to two signals. Patience ends at any
 * time: a taker may skip who is not idle. When all is done every buffer must be
 * somewhere, no buffer in two places, and an owner that is idle must look idle,
 * or its buffers could never be taken.
 *
 * Mutants, each of which must fail:
 * MUTANT NO_BARRIER       T3 is missing
 * MUTANT BARRIER_SELF     T3 reaches nobody but the taker (a process that has not registered)
 * MUTANT BARRIER_EARLY    T3 comes before the limits are closed
 * MUTANT LIMITS_FIRST     T1 is missing: the compiler has moved the limits' load up
 * MUTANT COMMIT_FIRST     T2 is missing: `s` says what the slots do not hold yet
 * MUTANT S_FIRST          T4 the other way round: `s`, by which is taken, and then `want`
 * MUTANT NOT_IDLE         the taker does not look whether the owner is idle
 * MUTANT TAKER_OPENS      the taker opens the limits again
 * MUTANT OPEN_UNLOCKED    the owner opens its limits after it has released its lock
 * MUTANT OPEN_OLD_S       the owner's slow path does not load `s` again
 * MUTANT NONE_STORES      a call for no buffers stores `want` and `s` as the others do
 * VARIANT HANDLER         with the handler
 * MUTANT HANDLER+NO_BARRIER      T3 is missing
 * MUTANT HANDLER+NO_PARKED       the slow path does not say PARKED
 * MUTANT HANDLER+LEFT_OPEN       who has tried leaves the limits open
 * MUTANT HANDLER+NOT_BETWEEN     who tries does not look whether it has come in between
 * MUTANT HANDLER+TRY_OLD_S       who tries goes by the `s` of before its intent
 * MUTANT HANDLER+TRY_BY_S        who tries says in `want` where `s` will be, and looks at `s` again
 * MUTANT HANDLER+SETTLE_ONCE     `want` is stored without another look at `s`
 * MUTANT HANDLER+SETTLE_BY_WANT  `want` is stored if it is not `s`
 */
#ifdef HANDLER
#define TAKERS 1
#define OPS 1
#else
#define TAKERS 2
#define OPS 3
#endif
#define CPUS (1 + TAKERS)
#define DEPTH 4
#define WORDS MORE
#include "line.pml"
#define home_put depot_put
#include "owner.pml"
#include "try.pml"

byte done;
bool interrupted;

#ifdef HANDLER
#define UNINTERRUPTED provided (!interrupted)
#else
#define UNINTERRUPTED
#endif

proctype owner() UNINTERRUPTED
{
	byte s, limit, b = NOTHING, ops, seen, old;
	bool yes, ok;

	do
	:: ops < OPS ->
		ops++;
		if
		:: true -> /* get */
			load(ME, S, s);
#ifdef LIMITS_FIRST
			load(ME, LO, limit);
			store(ME, WANT, s - 1);
#else
			store(ME, WANT, s - 1);
			load(ME, LO, limit);
#endif
			if
			:: s - 1 >= limit ->
#ifdef COMMIT_FIRST
				store(ME, S, s - 1);
				load(ME, SLOT + s - 1, b);
				hand_out(b, held)
#else
				load(ME, SLOT + s - 1, b);
				hand_out(b, held);
				store(ME, S, s - 1)
#endif
			:: else -> get_slow()
			fi
		:: held -> /* put */
			hand_in(b);
			load(ME, S, s);
#ifdef LIMITS_FIRST
			load(ME, HI, limit);
			store(ME, WANT, s + 1);
#else
			store(ME, WANT, s + 1);
			load(ME, HI, limit);
#endif
			if
			:: s + 1 <= limit ->
#ifdef COMMIT_FIRST
				store(ME, S, s + 1);
				store(ME, SLOT + s, b)
#else
				store(ME, SLOT + s, b);
				store(ME, S, s + 1)
#endif
			:: else -> put_slow()
			fi
#ifdef HANDLER
		:: true -> try_get(held)
		:: held ->
			b = (held & 1 -> 0 : 1);
			try_put(held)
		:: true -> settle()
#endif
#ifdef NONE_STORES
		:: true -> /* none */
			load(ME, S, s);
			store(ME, WANT, s);
			load(ME, LO, limit);
			if
			:: s >= limit -> store(ME, S, s)
			:: else -> enter(); leave()
			fi
#endif
		fi;
		atomic { s = 0; limit = 0; b = NOTHING; seen = 0; old = 0; ok = 0 }
	:: else -> break
	od;
	done++
}

#ifdef HANDLER
proctype handler()
{
	byte s, seen, old, b = NOTHING, times;
	bool ok;

	do
	:: times < 2 ->
		interrupted = 1;
		times++;
		if
		:: kept == 0 -> try_get(kept)
		:: else -> try_put(kept)
		fi;
		atomic { s = 0; seen = 0; old = 0; ok = 0; interrupted = 0 }
	:: break
	od;
	done++
}
#endif

/* ---- takers */
inline close_limits()
{
	lock(cpu, LOCK);
	store(cpu, LO, LO_CLOSED);
	store(cpu, HI, HI_CLOSED);
	unlock(cpu, LOCK)
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
	byte want, s, limit, b = NOTHING;
	bool presses;

	if
#ifndef HANDLER
	:: d_step { drained(cpu) -> presses = 1; pressure++ }
#endif
	:: skip
	fi;
	lock(cpu, TAKING);
#ifdef BARRIER_EARLY
	barrier();
	close_limits();
#else
	close_limits();
	barrier();
#endif
	lock(cpu, LOCK);
	load(cpu, LO, limit);
	if
	:: limit == LO_CLOSED && !quiet ->
		do
		::
#ifdef S_FIRST
			load(cpu, S, s);
			load(cpu, WANT, want);
#else
			load(cpu, WANT, want);
			load(cpu, S, s);
#endif
			if
#ifdef NOT_IDLE
			:: true ->
#else
			:: want == s || want == PARKED ->
#endif
#ifndef S_FIRST
				load(cpu, S, s);
#endif
				spill(cpu, s, b);
				quiet = 1;
				break
			:: else ->
				if
				:: true
				:: true -> break /* Skipped. */
				fi
			fi
		od
	:: else
	fi;
#ifdef TAKER_OPENS
	store(cpu, LO, START);
	store(cpu, HI, END);
#endif
	unlock(cpu, LOCK);
	unlock(cpu, TAKING);
	if
	:: presses -> d_step { drained(cpu) -> pressure-- }
	:: else
	fi;
	d_step { want = 0; s = 0; limit = 0; presses = 0; done++ }
}

init {
	byte s, b;

	atomic {
		mem[LO] = START;
		mem[HI] = END;
		mem[SLOT + START] = 0;
		if
		:: mem[S] = END; mem[SLOT + START + 1] = 1
#ifdef HANDLER
		:: mem[S] = START + 1; held = BIT(1)
#endif
		fi;
		mem[WANT] = mem[S];
		run owner();
		run buffer(ME);
		run taker(1);
		run buffer(1);
#ifdef HANDLER
		run handler();
#else
		run taker(2);
		run buffer(2);
#endif
	}
	/* All quiet: every buffer is somewhere, and nowhere twice. */
	d_step {
		done == 3 && drained(0) && drained(1) && drained(CPUS - 1) ->
		s = mem[S];
		assert(s >= START && s <= END);
		i_ = depot + held + kept;
		do
		:: s > START -> i_ = i_ + BIT(mem[SLOT + s - 1]); s--
		:: else -> break
		od;
		assert(i_ == 3);
		/* With nothing to be taken it does not matter. */
		assert(mem[WANT] == mem[S] || mem[S] == START)
	}
}
