/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Owner: a cache's line, its depot, and its slow path, included by the models
 * that have an owner. Of lib/core/pp_owner.c:
 *
 * here                there
 * closed              owner_closed()
 * enter, leave        owner_enter(), owner_leave()
 * open_limits         owner_open()
 * get_slow, put_slow  pp_owner_get_slow(), pp_owner_put_slow()
 * refill              owner_refill(), of which only the depot is here
 * spill               pp_owner_spill()
 *
 * One block of two slots, two buffers. All calls are for one buffer.
 */
#define S 0
#define WANT 1
#define LO 2
#define HI 3
#define LOCK 4
#define TAKING 5
#define SLOT 6 /* SLOT + START and the one after it */
#define WORDS 9
#include "tso.pml"

#define START 1
#define END 3
#define PARKED 9
#define LO_CLOSED 8
#define HI_CLOSED 0
#define ME 0 /* the owner's CPU */

#define NOTHING 7
#define BIT(b) (1 << (b))

/* Under the depot's lock, of which nothing but its being a lock matters here. */
byte depot;
/* Ghost: what the owner's caller has, and what its handler has. */
byte held;
byte kept;
byte pressure;

inline hand_out(b, to)
{
	d_step {
		assert(b == 0 || b == 1);
		assert(!((held | kept | depot) & BIT(b)));
		to = to | BIT(b)
	}
}

/* Any of those held. */
inline hand_in(b)
{
	if
	:: atomic { held & 1 -> held = held & ~1; b = 0 }
	:: atomic { held & 2 -> held = held & ~2; b = 1 }
	fi
}

inline depot_put(cpu, b)
{
	d_step {
		drained(cpu) ->
		assert(b == 0 || b == 1);
		assert(!((held | kept | depot) & BIT(b)));
		depot = depot | BIT(b)
	}
}

inline depot_get(cpu, b)
{
	d_step {
		drained(cpu) ->
		if
		:: depot & 1 -> depot = depot & ~1; b = 0
		:: !(depot & 1) && (depot & 2) -> depot = depot & ~2; b = 1
		:: else -> b = NOTHING
		fi
	}
}

/* With the owner's lock; `s` is loaded. */
inline spill(cpu, s, b)
{
	do
	:: s > START ->
		load(cpu, SLOT + s - 1, b);
		depot_put(cpu, b);
		s--
	:: else -> break
	od;
	b = NOTHING;
	store(cpu, S, START)
}

inline closed(yes)
{
	d_step {
		i_ = 0;
		if
		:: pressure -> yes = 1
		:: else -> yes = mem[TAKING] != 0
		fi
	}
}

inline enter()
{
#ifndef NO_PARKED
	store(ME, WANT, PARKED);
#endif
	lock(ME, LOCK);
#ifndef NO_PARKED
	store(ME, WANT, PARKED);
#endif
#ifndef OPEN_OLD_S
	load(ME, S, s)
#endif
}

inline open_limits()
{
	closed(yes);
	if
	:: yes -> store(ME, LO, LO_CLOSED); store(ME, HI, HI_CLOSED)
	:: else -> store(ME, LO, START); store(ME, HI, END)
	fi
}

inline leave()
{
	closed(yes);
	if
	:: yes -> load(ME, S, s); spill(ME, s, b)
	:: else
	fi;
#ifndef OPEN_UNLOCKED
	open_limits();
#endif
	load(ME, S, s);
	store(ME, WANT, s);
	unlock(ME, LOCK);
#ifdef OPEN_UNLOCKED
	open_limits();
#endif
	yes = 0
}

inline refill()
{
	depot_get(ME, b);
	if
	:: b != NOTHING ->
		store(ME, SLOT + s, b);
		s++;
		store(ME, S, s)
	:: else
	fi
}

inline get_slow()
{
	enter();
	if
	:: s == START ->
		/* As much as is asked, or as the depot has. */
		closed(yes);
		refill();
		if
		:: !yes && b != NOTHING -> refill()
		:: else
		fi
	:: else
	fi;
	if
	:: s > START ->
		load(ME, SLOT + s - 1, b);
		s--;
		store(ME, S, s);
		hand_out(b, held)
	:: else
	fi;
	leave()
}

inline put_slow()
{
	enter();
	assert(s < END);
	store(ME, SLOT + s, b);
	s++;
	store(ME, S, s);
	leave()
}
