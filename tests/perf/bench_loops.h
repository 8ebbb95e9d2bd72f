/* SPDX-License-Identifier: BSD-3-Clause */
/* Loops: the patterns, compiled once for each peer that includes this. */

/*
 * No include guard: a peer defines PEER_LOOPS (the name of its table),
 * peer_get(seat, bufs, n), which returns n or 0, peer_put(seat, bufs, n),
 * peer_get_one(seat) and peer_put_one(seat, buf), and includes it. All peers
 * run the same source; what differs is only the four calls.
 */
#include "bench_parts.h"

/*
 * Buffers taken before the clock starts and put after it stops, so that samples
 * begin at different places of a cache: what is fast at one only is not fast.
 */
LOOP_INLINE void aside_take(void *seat, void **aside, unsigned n)
{
	if (n && peer_get(seat, aside, n) != n)
		bench_starved();
}

LOOP_INLINE void aside_put(void *seat, void **aside, unsigned n)
{
	if (n)
		peer_put(seat, aside, n);
}

#define LOOP_DISPATCH(body)                                      \
	static uint64_t body##_loop(const struct bench_job *job) \
	{                                                        \
		if (!job->constant)                              \
			return body(job, job->burst, false);     \
		switch (job->burst) {                            \
		case 1:                                          \
			return body(job, 1, true);               \
		case 8:                                          \
			return body(job, 8, true);               \
		case 32:                                         \
			return body(job, 32, true);              \
		default:                                         \
			return body(job, 64, true);              \
		}                                                \
	}

LOOP_INLINE uint64_t hot(const struct bench_job *job, unsigned n, bool constant)
{
	LOOP_ARRAY(bufs, job);
	void *seat = job->seat;
	unsigned ops = job->count / n;
	void *aside[BENCH_ASIDE_MAX];
	uint64_t start, cycles;

	aside_take(seat, aside, job->aside);
	start = rte_rdtsc_precise();
	for (unsigned i = 0; i < ops; i++) {
		LOOP_HIDE(n, constant);
		if (unlikely(peer_get(seat, bufs, n) != n))
			bench_starved();
		LOOP_BARRIER(bufs);
		peer_put(seat, bufs, n);
		LOOP_BARRIER(bufs);
	}
	cycles = rte_rdtsc_precise() - start;
	aside_put(seat, aside, job->aside);
	return cycles;
}
LOOP_DISPATCH(hot)

LOOP_INLINE uint64_t hold(const struct bench_job *job, unsigned n, bool constant)
{
	void **bufs = job->bufs + job->shift;
	void *seat = job->seat;
	unsigned held = job->held;
	void *aside[BENCH_ASIDE_MAX];
	uint64_t start, cycles;

	aside_take(seat, aside, job->aside);
	start = rte_rdtsc_precise();
	for (unsigned lap = 0; lap < job->laps; lap++) {
		for (unsigned i = 0; i < held; i += n) {
			LOOP_HIDE(n, constant);
			LOOP_GET(seat, bufs + i, n);
		}
		LOOP_BARRIER(bufs);
		for (unsigned i = 0; i < held; i += n) {
			LOOP_HIDE(n, constant);
			peer_put(seat, bufs + i, n);
		}
		LOOP_BARRIER(bufs);
	}
	cycles = rte_rdtsc_precise() - start;
	aside_put(seat, aside, job->aside);
	return cycles;
}
LOOP_DISPATCH(hold)

LOOP_INLINE uint64_t produce(const struct bench_job *job, unsigned n, bool constant)
{
	void *bufs[BENCH_BURST_MAX] = { 0 };
	void *seat = job->seat;
	struct rte_ring *ring = job->ring;
	unsigned count = job->count;
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < count; done += n) {
		unsigned sent = 0;

		LOOP_HIDE(n, constant);
		LOOP_GET(seat, bufs, n);
		LOOP_BARRIER(bufs);
		while ((sent += rte_ring_sp_enqueue_burst(ring, bufs + sent, n - sent, NULL)) < n)
			rte_pause();
	}
	return rte_rdtsc_precise() - start;
}
LOOP_DISPATCH(produce)

LOOP_INLINE uint64_t consume(const struct bench_job *job, unsigned n, bool constant)
{
	LOOP_ARRAY(bufs, job);
	void *seat = job->seat;
	struct rte_ring *ring = job->ring;
	unsigned count = job->count;
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < count;) {
		unsigned got;

		LOOP_HIDE(n, constant);
		got = rte_ring_sc_dequeue_burst(ring, bufs, n, NULL);
		if (got == 0) {
			rte_pause();
			continue;
		}
		LOOP_BARRIER(bufs);
		if (likely(got == n))
			peer_put(seat, bufs, n);
		else
			peer_put(seat, bufs, got);
		LOOP_BARRIER(bufs);
		done += got;
	}
	return rte_rdtsc_precise() - start;
}
LOOP_DISPATCH(consume)

static uint64_t one_loop(const struct bench_job *job)
{
	void *seat = job->seat;
	unsigned count = job->count;
	void *aside[BENCH_ASIDE_MAX];
	uint64_t start, cycles;

	aside_take(seat, aside, job->aside);
	start = rte_rdtsc_precise();
	for (unsigned i = 0; i < count; i++) {
		void *buf = peer_get_one(seat);

		if (unlikely(!buf))
			bench_starved();
		__asm__ volatile("" : "+r"(buf) : : "memory");
		peer_put_one(seat, buf);
		__asm__ volatile("" : : : "memory");
	}
	cycles = rte_rdtsc_precise() - start;
	aside_put(seat, aside, job->aside);
	return cycles;
}

LOOP_INLINE void tail_count(uint32_t *histogram, uint64_t cycles)
{
	histogram[cycles < BENCH_TAIL_END ? cycles : BENCH_TAIL_END - 1]++;
}

static uint64_t tail_loop(const struct bench_job *job)
{
	void **bufs = job->bufs + job->shift;
	void *seat = job->seat;
	void *aside[BENCH_ASIDE_MAX];
	uint64_t begin, cycles;

	aside_take(seat, aside, job->aside);
	begin = rte_rdtsc_precise();
	for (unsigned lap = 0; lap < job->laps; lap++) {
		for (unsigned i = 0; i < job->held; i += 32) {
			uint64_t start = rte_rdtsc_precise();

			if (unlikely(peer_get(seat, bufs + i, 32) != 32))
				bench_starved();
			tail_count(job->tail_get, rte_rdtsc_precise() - start);
		}
		LOOP_BARRIER(bufs);
		for (unsigned i = 0; i < job->held; i += 32) {
			uint64_t start = rte_rdtsc_precise();

			peer_put(seat, bufs + i, 32);
			tail_count(job->tail_put, rte_rdtsc_precise() - start);
		}
		LOOP_BARRIER(bufs);
	}
	cycles = rte_rdtsc_precise() - begin;
	aside_put(seat, aside, job->aside);
	return cycles;
}

const struct bench_loops PEER_LOOPS = {
	.hot = hot_loop,
	.hold = hold_loop,
	.produce = produce_loop,
	.consume = consume_loop,
	.one = one_loop,
	.tail = tail_loop,
};
