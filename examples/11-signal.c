/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal: a buffer in a signal handler, whatever the thread was about to do with the pool. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include <pktpool.h>

static struct pp_cache *cache;
static volatile sig_atomic_t ticks, samples;

/* PP_TRY takes no lock, waits for nothing, and gives none while the thread is in
 * the middle of a call. Then the sample is lost, and nothing else. */
static void on_tick(int sig)
{
	void *buf;

	ticks++;
	if (!pp_alloc_bulk(cache, &buf, 1, PP_TRY))
		return;
	memcpy(buf, &sig, sizeof(sig));
	samples++;
	pp_free_nolock(cache, &buf, 1);
}

int main(void)
{
	struct pp_pool_params params = { .sz = sizeof(params),
					 .buffer_size = 2048,
					 .buffers = 4096 };
	const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_tick };
	struct pp_stats stats;
	struct pp_pool *pool;
	uint64_t bursts = 0;
	void *bufs[32];
	int rc = pp_pool_create(&params, &pool);

	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	cache = pp_pool_cache(pool);
	if (!cache || sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL))
		return 1;
	/* Packets, while a profiler samples. */
	for (; ticks < 200 || !samples; bursts++) {
		if (pp_alloc_bulk(cache, bufs, 32, 0) != 32)
			return 1;
		pp_free_bulk(cache, bufs, 32);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	pp_pool_stats(pool, &stats);
	printf("200 ticks or more, samples: %s; in flight %u\n", samples ? "yes" : "no",
	       (unsigned)stats.in_flight);
	return !bursts || stats.in_flight || pp_pool_destroy(pool);
}
