/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeds-loops: redirecting and handing over, compiled for each peer after its four calls. */

/* No include guard: as in bench_loops.h, with PEER_SEEDS for the name of the table. */
#include "bench_parts.h"
#include "seeds.h"

/* A frame is a cache line of its number: who reads another was given a buffer
 * that somebody else was given, too. */
#define FRAME_WORDS 8

LOOP_INLINE void frame_write(void *buf, uint64_t number)
{
	uint64_t *words = buf;

	for (unsigned i = 0; i < FRAME_WORDS; i++)
		words[i] = number + i;
}

LOOP_INLINE uint64_t frame_differs(const void *buf, uint64_t number)
{
	const uint64_t *words = buf;
	uint64_t bits = 0;

	for (unsigned i = 0; i < FRAME_WORDS; i++)
		bits |= words[i] ^ (number + i);
	return bits;
}

LOOP_INLINE void *one_get(void *seat)
{
	unsigned spins = 0;
	void *buf;

	while (unlikely(!(buf = peer_get_one(seat)))) {
		if (++spins == LOOP_SPINS_MAX)
			bench_starved();
		rte_pause();
	}
	return buf;
}

/*
 * The receiver: a frame is written into a buffer of a small cache, which is
 * refilled with 64 when it is empty; or of none, one buffer a frame. Frames go
 * on by sixteens and are never seen again.
 */
LOOP_INLINE uint64_t receive(const struct bench_job *job, bool bulk)
{
	void *frames[SEEDS_FLUSH], *cache[SEEDS_REFILL];
	void *seat = job->seat;
	unsigned cached = 0;
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < job->count; done += SEEDS_FLUSH) {
		unsigned sent = 0;

		for (unsigned i = 0; i < SEEDS_FLUSH; i++) {
			if (!bulk) {
				frames[i] = one_get(seat);
			} else {
				if (cached == 0) {
					LOOP_GET(seat, cache, SEEDS_REFILL);
					LOOP_BARRIER(cache);
					cached = SEEDS_REFILL;
				}
				frames[i] = cache[--cached];
			}
			frame_write(frames[i], done + i);
		}
		LOOP_BARRIER(frames);
		while ((sent += rte_ring_sp_enqueue_burst(job->ring, frames + sent,
							  SEEDS_FLUSH - sent, NULL)) < SEEDS_FLUSH)
			rte_pause();
	}
	return rte_rdtsc_precise() - start;
}

static uint64_t receive_bulk_loop(const struct bench_job *job)
{
	return receive(job, true);
}

static uint64_t receive_one_loop(const struct bench_job *job)
{
	return receive(job, false);
}

/* Who the frames go to: reads each, and frees what came at once. */
static uint64_t transmit_loop(const struct bench_job *job)
{
	void *frames[SEEDS_REFILL];
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < job->count;) {
		unsigned got = rte_ring_sc_dequeue_burst(job->ring, frames, SEEDS_REFILL, NULL);
		uint64_t differs = 0;

		if (got == 0) {
			rte_pause();
			continue;
		}
		for (unsigned i = 0; i < got; i++)
			differs |= frame_differs(frames[i], done + i);
		if (unlikely(differs))
			seeds_damaged("refill");
		LOOP_BARRIER(frames);
		peer_put(job->seat, frames, got);
		done += got;
	}
	return rte_rdtsc_precise() - start;
}

/* Back through a ring that any thread could have put it into, by one lcore: what
 * the kernel's bench does. The ring goes back by 64, as page_pool's does. */
static uint64_t ring_loop(const struct bench_job *job)
{
	void *bufs[SEEDS_REFILL];
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < job->count; done += SEEDS_REFILL) {
		for (unsigned i = 0; i < SEEDS_REFILL; i++)
			if (unlikely(rte_ring_mp_enqueue(job->ring, one_get(job->seat))))
				bench_starved();
		if (unlikely(!rte_ring_sc_dequeue_bulk(job->ring, bufs, SEEDS_REFILL, NULL)))
			bench_starved();
		LOOP_BARRIER(bufs);
		peer_put(job->seat, bufs, SEEDS_REFILL);
	}
	return rte_rdtsc_precise() - start;
}

/* Through the other lcore: one is taken and handed over, one by one. */
static uint64_t give_loop(const struct bench_job *job)
{
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < job->count; done++) {
		void *buf = one_get(job->seat);

		while (rte_ring_sp_enqueue(job->ring, buf))
			rte_pause();
	}
	return rte_rdtsc_precise() - start;
}

static uint64_t take_loop(const struct bench_job *job)
{
	void *bufs[SEEDS_REFILL];
	uint64_t start = rte_rdtsc_precise();

	for (unsigned done = 0; done < job->count;) {
		unsigned got = rte_ring_sc_dequeue_burst(job->ring, bufs, SEEDS_REFILL, NULL);

		if (got == 0)
			rte_pause();
		for (unsigned i = 0; i < got; i++)
			peer_put_one(job->seat, bufs[i]);
		done += got;
	}
	return rte_rdtsc_precise() - start;
}

const struct seeds_loops PEER_SEEDS = {
	.receive_bulk = receive_bulk_loop,
	.receive_one = receive_one_loop,
	.transmit = transmit_loop,
	.ring = ring_loop,
	.give = give_loop,
	.take = take_loop,
};
