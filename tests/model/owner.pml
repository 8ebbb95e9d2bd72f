/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Owner: an owner's slow path, included by the models that have one; home_put()
 * is theirs. Of lib/core/pp_owner.c:
 *
 * here                there
 * closed              owner_closed()
 * enter, leave        owner_enter(), owner_leave()
 * open_limits         owner_open()
 * get_slow, put_slow  pp_owner_get_slow(), pp_owner_put_slow()
 * refill              owner_refill(), of which only the depot is here
 * spill               pp_owner_spill()
 *
 * All calls are for one buffer.
 */
/* With the owner's lock; `s` is loaded. */
inline spill(cpu, s, b)
{
	do
	:: s > START ->
		load(cpu, SLOT + s - 1, b);
		home_put(cpu, b);
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
	:: else ->
#ifdef OPEN_QUIET
		quiet = 0;
#endif
		store(ME, LO, START);
		store(ME, HI, END)
	fi
}

inline leave()
{
#ifndef OPEN_QUIET
	quiet = 0;
#endif
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
