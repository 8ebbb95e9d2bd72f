/* SPDX-License-Identifier: BSD-3-Clause */
/* Storm: see storm.h. */
#include "storm.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct storm *storm_make(void)
{
	struct storm *storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;

	MUST(storm != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	for (unsigned i = 0; i < STORM_MAILBOXES; i++)
		pthread_mutex_init(&storm->boxes[i].lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return storm;
}

void storm_free(struct storm *storm)
{
	munmap(storm, sizeof(*storm));
}

void storm_offer(struct storm *storm, const struct pp_pool *pool)
{
	pp_pool_fds(pool, storm->fds);
	atomic_store(&storm->ready, 1);
}

struct pp_pool *storm_attach(struct storm *storm, pid_t creator)
{
	struct pp_pool *pool = NULL;
	int fds[2];

	while (!atomic_load(&storm->ready))
		usleep(1000);
	for (unsigned i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", creator, storm->fds[i]);
		fds[i] = open(path, O_RDWR | O_CLOEXEC);
		MUST(fds[i] >= 0);
	}
	MUST(!pp_pool_attach(fds, &pool));
	close(fds[0]);
	close(fds[1]);
	return pool;
}

double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double storm_seconds(double seconds)
{
	const char *asked = getenv("PP_STRESS_SECONDS");

	return asked ? atof(asked) : seconds;
}

/* Written while held, at both ends and by plain stores: a buffer in two hands shows. */
static void stamp_write(const struct worker *w, void *buf)
{
	size_t size = 64;

	*(volatile uint32_t *)buf = w->id;
	*(volatile uint32_t *)((char *)buf + size - 4) = ~w->id;
}

static void stamp_check(const struct worker *w, void *buf)
{
	MUST(*(volatile uint32_t *)buf == w->id);
	MUST(*(volatile uint32_t *)((char *)buf + 60) == ~w->id);
}

void worker_begin(struct worker *w, struct storm *storm, struct pp_pool *pool,
		  struct pp_cache *cache, uint64_t seed)
{
	w->storm = storm;
	w->pool = pool;
	w->cache = cache;
	w->marks = (struct marks){ .of = storm->of, .count = STORM_MARKS };
	w->id = atomic_fetch_add(&storm->ids, 1) + 1;
	w->seed = seed * 0x9e3779b97f4a7c15ull + w->id;
	w->most = 1 + random_next(&w->seed) % 600;
	w->n = 0;
}

static void worker_take(struct worker *w, uint32_t got)
{
	void **bufs = w->held + w->n;

	marks_take(&w->marks, w->pool, bufs, got, w->id);
	for (uint32_t i = 0; i < got; i++)
		stamp_write(w, bufs[i]);
	w->n += got;
	atomic_fetch_add_explicit(&w->storm->moved, got, memory_order_relaxed);
}

static uint32_t worker_amount(struct worker *w)
{
	uint32_t r = random_next(&w->seed);

	return r % 4 == 0 ? 1 : r % 4 == 1 ? 1 + r / 4 % 32 : 1 + r / 4 % w->most;
}

static void worker_alloc(struct worker *w)
{
	uint32_t n = worker_amount(w), how = random_next(&w->seed) % 16;
	void **bufs = w->held + w->n;
	uint32_t got;

	if (w->n + n > STORM_HELD)
		return;
	if (!w->cache || how == 0)
		got = pp_pool_alloc_burst(w->pool, bufs, n);
	else if (how < 6)
		got = pp_alloc_burst(w->cache, bufs, n, 0);
	else if (how < 8)
		got = pp_alloc_burst(w->cache, bufs, n, PP_TRY);
	else if (how < 10)
		got = (bufs[0] = pp_alloc(w->cache, how == 8 ? PP_TRY : 0)) != NULL;
	else if (how < 12 && w->n + 32 <= STORM_HELD) {
		got = pp_alloc_bulk(w->cache, bufs, 32, 0);
		MUST(got == 32 || got == 0);
	} else {
		got = pp_alloc_bulk(w->cache, bufs, n, how == 15 ? PP_TRY : 0);
		MUST(got == n || got == 0);
	}
	worker_take(w, got);
}

/* The last n of what is held, after some have changed places. */
static void **worker_let_go(struct worker *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_next(&w->seed) % (w->n - i), k = w->n - 1 - i;
		void *buf = w->held[j];

		w->held[j] = w->held[k];
		w->held[k] = buf;
		stamp_check(w, buf);
	}
	w->n -= n;
	marks_drop(&w->marks, w->pool, w->held + w->n, n, w->id);
	return w->held + w->n;
}

static void worker_free(struct worker *w, uint32_t n)
{
	uint32_t how = random_next(&w->seed) % 16;
	void **bufs;

	if (n > w->n)
		n = w->n;
	bufs = worker_let_go(w, n);
	if (!w->cache || how == 0)
		pp_pool_free(w->pool, bufs, n);
	else if (how == 1)
		MUST(pp_free_any(bufs, n) == n);
	else if (how < 6)
		for (uint32_t i = 0; i < n; i++)
			pp_free(w->cache, bufs[i]);
	else
		pp_free_bulk(w->cache, bufs, n);
}

/* A buffer in a mailbox is in flight, and nobody's. */
static void worker_send(struct worker *w, uint32_t n)
{
	struct mailbox *box = &w->storm->boxes[random_next(&w->seed) % STORM_MAILBOXES];

	if (n > w->n)
		n = w->n;
	pthread_mutex_lock(&box->lock);
	if (n > STORM_LETTERS - box->n)
		n = STORM_LETTERS - box->n;
	memcpy(box->bufs + box->n, worker_let_go(w, n), n * sizeof(void *));
	box->n += n;
	pthread_mutex_unlock(&box->lock);
}

static void worker_receive(struct worker *w)
{
	struct mailbox *box = &w->storm->boxes[random_next(&w->seed) % STORM_MAILBOXES];
	uint32_t n;

	pthread_mutex_lock(&box->lock);
	n = box->n < STORM_HELD - w->n ? box->n : STORM_HELD - w->n;
	box->n -= n;
	memcpy(w->held + w->n, box->bufs + box->n, n * sizeof(void *));
	pthread_mutex_unlock(&box->lock);
	worker_take(w, n);
}

void worker_step(struct worker *w)
{
	switch (random_next(&w->seed) % 16) {
	case 0:
		worker_send(w, worker_amount(w));
		break;
	case 1:
		worker_receive(w);
		break;
	case 2 ... 8:
		worker_alloc(w);
		break;
	default:
		worker_free(w, worker_amount(w));
	}
}

void worker_end(struct worker *w)
{
	worker_free(w, w->n / 2);
	worker_send(w, w->n);
	worker_free(w, w->n);
	atomic_fetch_add(&w->storm->lives, 1);
}

void storm_settle(struct storm *storm, struct pp_pool *pool)
{
	for (unsigned i = 0; i < STORM_MAILBOXES; i++) {
		struct mailbox *box = &storm->boxes[i];

		pp_pool_free(pool, box->bufs, box->n);
		box->n = 0;
	}
	for (unsigned i = 0; i < STORM_MARKS; i++)
		MUST(!atomic_load(&storm->of[i]));
	books_hold(pool, 0);
	MUST(!stats_of(pool).collected);
	all_can_be_had(pool, pp_pool_cache(pool));
}

static void cache_look(const struct pp_cache_info *info, void *arg)
{
	(void)arg;
	MUST(info->cached <= STORM_MARKS && info->published <= STORM_MARKS);
}

void steward_step(struct storm *storm, struct pp_pool *pool, uint64_t *seed)
{
	uint32_t r = random_next(seed), n = r / 16 % 3000;
	struct marks marks = { .of = storm->of, .count = STORM_MARKS };
	void *bufs[200];
	struct pp_stats stats;
	int rc;

	switch (r % 8) {
	case 0:
	case 1:
		pp_pool_collect(pool);
		break;
	case 2:
		rc = pp_pool_grow(pool, n);
		MUST(rc > 0 || rc == -ENOSPC);
		break;
	case 3:
		rc = pp_pool_shrink(pool, n, r / 16 % 4 ? r / 64 % 3000 : 0);
		MUST(rc > 0 || rc == -EBUSY);
		break;
	case 4:
		pp_pool_stats(pool, &stats);
		MUST(stats.in_flight <= stats.total && stats.total <= STORM_MARKS);
		pp_pool_each_cache(pool, cache_look, NULL);
		break;
	default:
		n = pp_pool_alloc_burst(pool, bufs, 1 + n % 200);
		marks_take(&marks, pool, bufs, n, UINT32_MAX);
		marks_drop(&marks, pool, bufs, n, UINT32_MAX);
		pp_pool_free(pool, bufs, n);
	}
	if (r % 3)
		usleep(r / 16 % 500);
}
