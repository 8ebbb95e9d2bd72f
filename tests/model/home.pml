/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Home: where a freed buffer goes while somebody needs it, included by
 * queue.pml. Of lib/core/pp_home.c, pp_turn.c and pp_sleep.c:
 *
 * here          there
 * serve_        turn_serve_all(), turn_serve(), with what is granted (H3)
 * unlock_home   pp_turn_end() with turn_flush(), the end of it wake
 * feed          pp_home_feed()
 * home_put      pp_home_put() (H2, H4)
 * relax         pp_home_relax()
 * kick_one      pp_sleep_kick()
 */
#define HOME MORE
#define GATE (MORE + 1)
#define DEPOT (MORE + 2)
#define LOOSE (MORE + 3)
#define STATE (MORE + 4) /* STATE + waiter: 1 when granted */
#define WORDS (MORE + 6)
#include "line.pml"

#define NOBODY 3
#define COUNT(set) (((set) & 1) + ((set) >> 1))

/* Written by locked exchanges only. */
byte pressing, urgent;
byte kicks[2];
bool asleep[2];
/* Under the home lock. */
byte pile, promised, first = NOBODY, second = NOBODY;
byte need[2];
byte ended;
bool gives_up;

#define DEMAND ((first == NOBODY -> 0 : need[first]) + (second == NOBODY -> 0 : need[second]))
#define OPEN (COUNT(pile) - promised)

inline serve_(kick)
{
	do
	:: first != NOBODY && OPEN >= need[first] ->
		promised = promised + need[first];
		kick = kick | BIT(first);
		first = second;
		second = NOBODY
#ifdef ANYBODY
	:: first != NOBODY && OPEN < need[first] && second != NOBODY && OPEN >= need[second] ->
		promised = promised + need[second];
		kick = kick | BIT(second);
		assert(false);
		second = NOBODY
#endif
	:: else -> break
	od;
	i_ = 0
}

inline kick_one(cpu, w)
{
#ifdef WAKE_FIRST
	asleep[w] = 0;
	d_step { drained(cpu) -> kicks[w]++ }
#else
	d_step { drained(cpu) -> kicks[w]++ };
	asleep[w] = 0
#endif
}

/* The end of a turn with the home lock: `kick` have been served; what lies open
 * for nobody goes to the depot. A turn is one step but for the depot's lock. */
inline unlock_home(cpu, kick)
{
	if
	:: kick & 1 -> store(cpu, STATE, 1)
	:: else
	fi;
	if
	:: kick & 2 -> store(cpu, STATE + 1, 1)
	:: else
	fi;
	if
	:: first == NOBODY && OPEN ->
		lock(cpu, DEPOT);
		d_step {
			/* Two are promised together or not at all: it is all of it. */
			assert(!promised || COUNT(pile) == 2);
			if
			:: !promised -> depot = depot | pile; pile = 0
			:: else -> depot = depot | 2; pile = pile & ~2
			fi
		};
		store(cpu, LOOSE, COUNT(depot));
		unlock(cpu, DEPOT)
	:: else
	fi;
	unlock(cpu, HOME)
}

inline wake(cpu, kick)
{
	if
	:: kick & 1 -> kick_one(cpu, 0)
	:: else
	fi;
	if
	:: kick & 2 -> kick_one(cpu, 1)
	:: else
	fi;
	kick = 0
}

inline feed(cpu, kick)
{
	atomic {
		lock(cpu, HOME);
		load(cpu, LOOSE, n);
		if
		:: n && DEMAND > OPEN ->
			lock(cpu, DEPOT);
			d_step {
				do
				:: depot && DEMAND > OPEN ->
					i_ = (depot & 1 -> 1 : 2);
					depot = depot & ~i_;
					pile = pile | i_
				:: else -> break
				od;
				i_ = 0
			};
			store(cpu, LOOSE, COUNT(depot));
			unlock(cpu, DEPOT)
		:: else
		fi;
		n = 0;
		d_step { serve_(kick) };
		unlock_home(cpu, kick)
	};
	wake(cpu, kick)
}

inline relax(cpu)
{
	if
	:: urgent == 0 ->
		if
		:: d_step { drained(cpu) && mem[GATE] == 0 -> mem[GATE] = (cpu) + 1 };
			if
			:: d_step { drained(cpu) && pressing && urgent == 0 -> pressing = 0; pressure-- }
			:: else
			fi;
			unlock(cpu, GATE)
		:: mem[GATE] != 0
		fi
	:: else
	fi
}

inline depot_add(cpu, b)
{
	lock(cpu, DEPOT);
	depot = depot | BIT(b);
	store(cpu, LOOSE, COUNT(depot));
	unlock(cpu, DEPOT)
}

inline home_put(cpu, b)
{
	if
	:: pressing ->
		atomic {
			lock(cpu, HOME);
			if
			:: first != NOBODY -> d_step { pile = pile | BIT(b); serve_(kick) }
			:: else -> depot_add(cpu, b)
			fi;
			unlock_home(cpu, kick)
		};
		wake(cpu, kick);
		relax(cpu)
	:: else ->
		depot_add(cpu, b);
#ifndef NO_FENCE
		drained(cpu);
#endif
		if
#ifndef NO_FEED
		:: pressing -> feed(cpu, kick)
#endif
		:: else
		fi
	fi
}
