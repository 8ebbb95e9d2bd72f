/* SPDX-License-Identifier: BSD-3-Clause */
/* Seats: see storm_seats.h. */
#include "storm_seats.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void seat_free(struct pp_pool *pool, struct pp_cache *cache, void **bufs, uint32_t n,
	       enum seat_way way)
{
	switch (way) {
	case WAY_SINGLY:
		for (uint32_t i = 0; i < n; i++)
			pp_free(cache, bufs[i]);
		break;
	case WAY_POOL:
		pp_pool_free(pool, bufs, n);
		break;
	case WAY_NOLOCK:
		pp_free_nolock(cache, bufs, n);
		break;
	case WAY_NOWHERE:
		pp_free_nolock(NULL, bufs, n);
		break;
	default:
		pp_free_bulk(cache, bufs, n);
	}
}

/* Until told to end. */
static void seat_life(struct seat *seat)
{
	struct pp_cache *cache = pp_pool_cache(seat->seats->pool);

	MUST(cache);
	seat->cache = cache->id;
	for (;;) {
		while (sem_wait(&seat->go))
			;
		if (seat->task == SEAT_END)
			return;
		if (seat->task == SEAT_FREE) {
			seat_free(seat->seats->pool, cache, seat->held, seat->n, seat->way);
			seat->got = 0;
		} else {
			errno = 0;
			seat->got = pp_alloc_bulk_wait(cache, seat->held, seat->n, seat->flags,
						       &seat->wait);
			seat->error = errno;
		}
		atomic_store(&seat->done, 1);
	}
}

static void *seat_run(void *arg)
{
	seat_life(arg);
	return NULL;
}

static void seat_tell(struct seat *seat, int task)
{
	seat->task = task;
	atomic_store(&seat->done, 0);
	MUST(!sem_post(&seat->go));
}

static void seat_begin(struct seats *seats, struct seat *seat, bool foreign)
{
	seat->seats = seats;
	MUST(!sem_init(&seat->go, 1, 0));
	if (!foreign) {
		MUST(!pthread_create(&seat->thread, NULL, seat_run, seat));
		return;
	}
	fflush(NULL);
	seat->pid = fork();
	MUST(seat->pid >= 0);
	if (seat->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seat_life(seat);
	/* Of the exit handlers only the pool's matter here. */
	exit(0);
}

struct seats *seats_make(struct pp_pool *pool, unsigned foreign)
{
	struct seats *seats = mmap(NULL, sizeof(*seats), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(seats != MAP_FAILED);
	seats->pool = pool;
	/* Processes before threads, and none with a sanitizer that does not see what they order. */
	seat_begin(seats, &seats->helper, !WITH_TSAN);
	for (unsigned i = SEATS; i-- > 0;)
		seat_begin(seats, &seats->seat[i], i >= SEATS - foreign);
	return seats;
}

static void seat_end(struct seat *seat)
{
	int status;

	seat_tell(seat, SEAT_END);
	if (seat->pid)
		MUST(waitpid(seat->pid, &status, 0) == seat->pid && !status);
	else
		pthread_join(seat->thread, NULL);
	sem_destroy(&seat->go);
}

void seats_end(struct seats *seats)
{
	for (unsigned i = 0; i < SEATS; i++)
		seat_end(&seats->seat[i]);
	seat_end(&seats->helper);
	munmap(seats, sizeof(*seats));
}

void seat_ask(struct seat *seat, uint32_t n, unsigned flags, uint64_t timeout_us)
{
	MUST(n <= SEAT_MOST);
	seat->n = n;
	seat->flags = flags;
	pp_wait_for(&seat->wait, timeout_us);
	seat_tell(seat, SEAT_WAIT);
}

bool seat_is_done(const struct seat *seat)
{
	return atomic_load(&seat->done);
}

struct sought {
	uint32_t cache;
	uint64_t in_flight;
};

static void in_flight_seek(const struct pp_cache_info *info, void *arg)
{
	struct sought *sought = arg;

	if (info->id == sought->cache)
		sought->in_flight = info->in_flight;
}

uint64_t seat_in_flight(const struct pp_pool *pool, const struct seat *seat)
{
	struct sought sought = { seat->cache, UINT64_MAX };

	pp_pool_each_cache(pool, in_flight_seek, &sought);
	return sought.in_flight;
}

void seats_empty(struct seats *seats)
{
	bool told[SEATS];

	for (unsigned i = 0; i < SEATS; i++) {
		struct seat *seat = &seats->seat[i];

		told[i] = seat->got;
		seat->way = seat->n % WAYS;
		if (told[i])
			seat_tell(seat, SEAT_FREE);
	}
	for (unsigned i = 0; i < SEATS; i++)
		SEAT_SOON(!told[i] || seat_is_done(&seats->seat[i]));
}

struct exiting {
	struct pp_pool *pool;
	void **bufs;
	uint32_t n;
};

static void *exiting_run(void *arg)
{
	struct exiting *exiting = arg;

	pp_free_bulk(pp_pool_cache(exiting->pool), exiting->bufs, exiting->n);
	return NULL;
}

void seats_free(struct seats *seats, void **bufs, uint32_t n, enum seat_way way)
{
	struct exiting exiting = { seats->pool, bufs, n };
	struct pp_cache *cache;

	switch (way) {
	case WAY_EXIT:
		thread_do(exiting_run, &exiting);
		break;
	case WAY_HANDLE:
		cache = pp_cache_create(seats->pool, "passer-by");
		MUST(cache);
		pp_free_bulk(cache, bufs, n);
		pp_cache_destroy(cache);
		break;
	case WAY_PROCESS:
		MUST(n <= SEAT_MOST);
		memcpy(seats->helper.held, bufs, n * sizeof(*bufs));
		seats->helper.n = n;
		seats->helper.way = n % 2 ? WAY_POOL : WAY_BULK;
		seat_tell(&seats->helper, SEAT_FREE);
		SEAT_SOON(seat_is_done(&seats->helper));
		break;
	default:
		seat_free(seats->pool, pp_pool_cache(seats->pool), bufs, n, way);
	}
}
