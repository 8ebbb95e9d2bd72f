/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Try: calls that a signal handler may make, on the owner's CPU, included by
 * take.pml for the owner and for its handler, who have s, seen, old, ok and b.
 *
 * here               there
 * limit_close        limit_close() of pp_try.c
 * settle             pp_owner_settle() of pp_owner.h
 * intend             own_begin() with its intent, and own_close()
 * try_get, try_put   pp_try_get(), try_put(), which end in own_end() or settle
 */
#define LO_OWN 7
#define HI_OWN 1
#define TRYING 10

inline limit_close(addr, taken, own)
{
	load(ME, addr, old);
	if
	:: old == taken -> ok = 0
#ifdef LEFT_OPEN
	:: old != taken -> ok = 1
#else
	:: old == own -> ok = 1
	:: else ->
		d_step {
			drained(ME) ->
			ok = (mem[addr] == old);
			mem[addr] = (ok -> own : mem[addr])
		}
#endif
	fi
}

inline settle()
{
	do
	:: true ->
		load(ME, S, s);
#ifdef SETTLE_BY_WANT
		load(ME, WANT, old);
		if
		:: old != s -> store(ME, WANT, s)
		:: else
		fi;
		break
#else
		store(ME, WANT, s);
#ifdef SETTLE_ONCE
		break;
#endif
		load(ME, S, old);
		if
		:: old == s -> break
		:: else
		fi
#endif
	od
}

/* `want` is TRYING from now on: no handler comes in between, and no taker takes. */
inline intend(want_)
{
#if defined(TRY_OLD_S) || defined(TRY_BY_S)
	store(ME, WANT, want_);
#else
	store(ME, WANT, TRYING);
#endif
#ifdef TRY_BY_S
	load(ME, S, old);
	ok = (old == s);
#else
#ifndef TRY_OLD_S
	load(ME, S, s);
#endif
	ok = 1;
#endif
	if
	:: ok -> limit_close(LO, LO_CLOSED, LO_OWN)
	:: else
	fi;
	if
	:: ok -> limit_close(HI, HI_CLOSED, HI_OWN)
	:: else
	fi
}

#ifdef NOT_BETWEEN
#define BETWEEN (seen != PARKED)
#else
#define BETWEEN (seen == s)
#endif

inline try_get(to)
{
	load(ME, WANT, seen);
	load(ME, S, s);
	ok = 0;
	if
	:: BETWEEN ->
		intend(s - 1);
		if
		:: ok && s > START ->
			load(ME, SLOT + s - 1, b);
			hand_out(b, to);
			s--;
			store(ME, S, s)
		:: else
		fi;
		settle()
	:: else
	fi
}

/* b stays the caller's where that fails. */
inline try_put(from)
{
	load(ME, WANT, seen);
	load(ME, S, s);
	ok = 0;
	if
	:: BETWEEN ->
		intend(s + 1);
		if
		:: ok && s < END ->
			from = from & ~BIT(b);
			store(ME, SLOT + s, b);
			s++;
			store(ME, S, s)
		:: else
		fi;
		settle()
	:: else
	fi
}
