/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Line: the words of a cache's line and of the locks, a depot and two buffers,
 * included by the models that have an owner. One block of two slots: `s` is
 * START when it is empty, END when it is full.
 */
#define S 0
#define WANT 1
#define LO 2
#define HI 3
#define LOCK 4
#define TAKING 5
#define SLOT 6 /* SLOT + START and the one after it */
#define MORE 9 /* what a model needs beyond */
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
/* Under the owner's lock: closed, and seen idle since. */
bool quiet;

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
