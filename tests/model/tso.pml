/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of x86-64: every CPU has a FIFO of stores that others do not see yet.
 * Included by the models, which define CPUS, WORDS (of memory) and DEPTH (of a
 * store buffer; a full one makes its CPU wait, as a real one does).
 *
 * A load takes the youngest store to its address from the own buffer, or else
 * memory. What has the lock prefix waits until the own buffer is empty. The
 * buffers drain whenever they like, oldest store first.
 */
byte mem[WORDS];
byte sb_addr[CPUS * DEPTH];
byte sb_value[CPUS * DEPTH];
byte sb_n[CPUS];
/* Scratch of single steps, no part of the state. */
hidden byte i_;

inline load(cpu, addr, x)
{
	d_step {
		x = mem[addr];
		i_ = 0;
		do
		:: i_ < sb_n[cpu] ->
			if
			:: sb_addr[(cpu) * DEPTH + i_] == (addr) -> x = sb_value[(cpu) * DEPTH + i_]
			:: else
			fi;
			i_++
		:: else -> break
		od;
		i_ = 0
	}
}

inline store(cpu, addr, x)
{
	d_step {
		sb_n[cpu] < DEPTH ->
		sb_addr[(cpu) * DEPTH + sb_n[cpu]] = addr;
		sb_value[(cpu) * DEPTH + sb_n[cpu]] = x;
		sb_n[cpu]++
	}
}

/* The oldest store of a buffer reaches memory; for use within a step. */
inline drain_one_(cpu)
{
	mem[sb_addr[(cpu) * DEPTH]] = sb_value[(cpu) * DEPTH];
	sb_n[cpu]--;
	i_ = 0;
	do
	:: i_ < sb_n[cpu] ->
		sb_addr[(cpu) * DEPTH + i_] = sb_addr[(cpu) * DEPTH + i_ + 1];
		sb_value[(cpu) * DEPTH + i_] = sb_value[(cpu) * DEPTH + i_ + 1];
		i_++
	:: else -> break
	od;
	sb_addr[(cpu) * DEPTH + sb_n[cpu]] = 0;
	sb_value[(cpu) * DEPTH + sb_n[cpu]] = 0
}

/* What an interrupt with a full barrier does to a CPU. */
inline drain(cpu)
{
	d_step {
		do
		:: sb_n[cpu] > 0 -> drain_one_(cpu)
		:: else -> break
		od;
		i_ = 0
	}
}

/* For the guards of steps that have the lock prefix. */
#define drained(cpu) (sb_n[cpu] == 0)

/* pp_lock_take() and pp_lock_release(): an exchange (K1) and a plain store (K2). */
inline lock(cpu, addr)
{
	d_step { drained(cpu) && mem[addr] == 0 -> mem[addr] = (cpu) + 1 }
}

inline unlock(cpu, addr)
{
	store(cpu, addr, 0)
}

proctype buffer(byte cpu)
{
end:	do
	:: d_step { sb_n[cpu] > 0 -> drain_one_(cpu) }
	od
}
