/* SPDX-License-Identifier: BSD-3-Clause */
/* Hands: see storm_hands.h. */
#include "storm_hands.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HANDFUL 24
#define PERIOD_NS 40000
#define LATE 48

/* What a handler of a thread holds from one signal to the next. */
struct hand {
	struct stage *stage;
	struct pp_cache *cache;
	struct marks marks;
	uint64_t seed;
	uint32_t id;
	uint32_t n;
	void *held[HANDFUL];
};

/* One handler may interrupt the other: each has a hand of its own. */
static __thread struct hand hands[2];
static __thread volatile bool ready;
static __thread timer_t timer;

/*
 * Stores that miss every cache: what is stored next waits behind them, while
 * loads do not. Only a taker's barrier makes up for that.
 */
static void stores_pile_up(volatile char *cold, uint64_t *seed)
{
	for (unsigned i = 0; cold && i < LATE; i++)
		__atomic_store_n(&cold[(size_t)random_next(seed) * 64 % COLD], 1, __ATOMIC_RELAXED);
}

static void hand_take(struct hand *hand, uint32_t most)
{
	uint32_t n = 1 + random_next(&hand->seed) % most, got;
	void **bufs = hand->held + hand->n;

	stores_pile_up(hand->stage->cold, &hand->seed);
	if (n == 1)
		got = (bufs[0] = pp_alloc(hand->cache, PP_TRY)) != NULL;
	else if (n % 2)
		got = pp_alloc_bulk(hand->cache, bufs, n, PP_TRY);
	else
		got = pp_alloc_burst(hand->cache, bufs, n, PP_TRY);
	MUST(got <= n);
	marks_take(&hand->marks, hand->stage->pool, bufs, got, hand->id);
	hand->n += got;
	atomic_fetch_add_explicit(&hand->stage->got, got, memory_order_relaxed);
}

static void hand_give(struct hand *hand, uint32_t most)
{
	uint32_t r = random_next(&hand->seed), n = 1 + r % most;
	void **bufs = hand->held + hand->n - n;

	marks_drop(&hand->marks, hand->stage->pool, bufs, n, hand->id);
	hand->n -= n;
	stores_pile_up(hand->stage->cold, &hand->seed);
	pp_free_nolock(r / 64 % 8 ? hand->cache : NULL, bufs, n);
	atomic_fetch_add_explicit(&hand->stage->freed, n, memory_order_relaxed);
}

/* Once, and counted from the end of a handler, so that the thread gets on between two. */
static void timer_arm(void)
{
	struct itimerspec once = { .it_value = { 0, PERIOD_NS } };

	MUST(!timer_settime(timer, 0, &once, NULL));
}

static void handler(int number)
{
	struct hand *hand = &hands[number == SIGUSR2];
	int before = errno;

	if (!ready)
		return;
	for (unsigned i = 0; i < 3; i++)
		if (hand->n == HANDFUL || (hand->n && random_next(&hand->seed) % 2))
			hand_give(hand, hand->n);
		else
			hand_take(hand, HANDFUL - hand->n);
	atomic_fetch_add_explicit(&hand->stage->signals, 1, memory_order_relaxed);
	if (number == SIGUSR1)
		timer_arm();
	errno = before;
}

static void hands_make(struct stage *stage, struct pp_cache *cache)
{
	for (unsigned i = 0; i < 2; i++) {
		uint32_t id = atomic_fetch_add(&stage->storm->ids, 1) + 1;

		hands[i] = (struct hand){
			.stage = stage,
			.cache = cache,
			.marks = { .of = stage->storm->of, .count = STORM_MARKS },
			.seed = id,
			.id = id,
		};
	}
	ready = true;
}

/* SIGUSR1 for this thread. */
static void timer_begin(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	MUST(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	timer_arm();
}

void hands_ready(struct stage *stage, struct pp_cache *cache)
{
	hands_make(stage, cache);
	timer_begin();
}

void hands_empty(void)
{
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &both, NULL);
	timer_delete(timer);
	ready = false;
	for (unsigned i = 0; i < 2; i++)
		while (hands[i].n)
			hand_give(&hands[i], hands[i].n);
}

void hands_listen(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	/* The second comes into the first, and not the other way round. */
	sigaddset(&action.sa_mask, SIGUSR1);
	sigaction(SIGUSR2, &action, NULL);
}
