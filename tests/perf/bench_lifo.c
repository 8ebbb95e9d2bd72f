/* SPDX-License-Identifier: BSD-3-Clause */
/* Lifo: the floor of hot, hold and contended: one array a lcore, no limit, nothing shared. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* Few pointers one by one, many by the C library's copy for this CPU: each the
 * faster there. Vectors lose with few: they wait for stores still in flight. */
static inline __attribute__((always_inline)) void lifo_copy(void **to, void *const *from,
							    unsigned n)
{
	size_t bytes = n * sizeof(*to);

	if (n > 8) {
		/* Hidden, or the compiler makes a loop of its own of it. */
		__asm__("" : "+r"(bytes));
		memcpy(to, from, bytes);
		return;
	}
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++) {
		void *buf = from[i];

		__asm__("" : "+r"(buf));
		to[i] = buf;
	}
}

static inline __attribute__((always_inline)) unsigned lifo_get(struct bench_lifo *lifo, void **bufs,
							       unsigned n)
{
	unsigned count = lifo->count - n;

	lifo_copy(bufs, lifo->slots + count, n);
	lifo->count = count;
	return n;
}

static inline __attribute__((always_inline)) void lifo_put(struct bench_lifo *lifo,
							   void *const *bufs, unsigned n)
{
	lifo_copy(lifo->slots + lifo->count, bufs, n);
	lifo->count += n;
}

static inline __attribute__((always_inline)) void *lifo_get_one(struct bench_lifo *lifo)
{
	return lifo->slots[--lifo->count];
}

static inline __attribute__((always_inline)) void lifo_put_one(struct bench_lifo *lifo, void *buf)
{
	lifo->slots[lifo->count++] = buf;
}

#define PEER_LOOPS lifo_loops
#define peer_get(seat, bufs, n) lifo_get(seat, bufs, n)
#define peer_put(seat, bufs, n) lifo_put(seat, bufs, n)
#define peer_get_one(seat) lifo_get_one(seat)
#define peer_put_one(seat, buf) lifo_put_one(seat, buf)

#include "bench_loops.h"

struct bench_lifo *lifo_create(unsigned count)
{
	struct bench_lifo *lifo = aligned_alloc(64, 64);

	if (!lifo)
		return NULL;
	lifo->slots = aligned_alloc(64, (count + 7) / 8 * 64);
	if (!lifo->slots) {
		free(lifo);
		return NULL;
	}
	/* Any pointers but NULL: nobody follows them. */
	for (unsigned i = 0; i < count; i++)
		lifo->slots[i] = &lifo->slots[i];
	lifo->count = count;
	return lifo;
}

void lifo_destroy(struct bench_lifo *lifo)
{
	if (lifo)
		free(lifo->slots);
	free(lifo);
}

/* The other floor: 64 pointers from here to there, cycles a pointer. */
double memcpy_measure(unsigned rounds)
{
	static void *from[BENCH_BURST_MAX], *to[BENCH_BURST_MAX];
	enum { COPIES = 4096 };
	double least = 0;

	for (unsigned r = 0; r < rounds; r++) {
		uint64_t start = rte_rdtsc_precise();
		double cycles;

		for (unsigned i = 0; i < COPIES; i++) {
			memcpy(to, from, sizeof(to));
			LOOP_BARRIER(to);
		}
		cycles = (double)(rte_rdtsc_precise() - start) / (COPIES * BENCH_BURST_MAX);
		if (r == 0 || cycles < least)
			least = cycles;
	}
	return least;
}
