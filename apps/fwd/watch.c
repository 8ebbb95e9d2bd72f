/* SPDX-License-Identifier: BSD-3-Clause */
/* Watch: the thread beside the lcores: draws the table, misses interfaces, ends in time. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <rte_lcore.h>

#include "app.h"
#include "host.h"
#include "watch.h"

/* How late app_stop is noticed and --seconds kept at most. */
#define NAP_NS (20 * 1000 * 1000)
/* Seconds since the last drawing that are worth another one at the end. */
#define LAST_SPAN 0.1

static double clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* That the pool runs dry is worth a word; once. */
static void watch_buffers(struct watch *watch)
{
	unsigned burst = watch->o->burst;
	uint64_t now;

	if (!options_judge(watch->o))
		return;
	now = buffers_free(watch->buffers);
	if (now < burst && watch->min_free >= burst)
		complain("the pool is empty: %" PRIu64 " of %" PRIu32 " buffers are free, beside a "
			 "reserve of %" PRIu32,
			 now, watch->o->buffers.buffers, watch->o->buffers.reserve);
	if (now < watch->min_free)
		watch->min_free = now;
	level_note(watch->level, &(struct level_point){
					 .seconds = watch->elapsed,
					 .free = now,
					 .reserve = buffers_reserve(watch->buffers),
				 });
}

static void *watch_run(void *arg)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	struct watch *watch = arg;
	double start = clock_read();
	double next = 1;

	/* There from the start, so that what is said above it knows how long it is. */
	if (watch->table->terminal)
		table_draw(watch->table, 0.001);
	while (!app_stop) {
		nanosleep(&nap, NULL);
		watch->elapsed = clock_read() - start;
		watch_buffers(watch);
		if (watch->o->seconds != 0 && watch->elapsed >= (double)watch->o->seconds)
			app_stop = true;
		if (watch->elapsed < next)
			continue;
		table_draw(watch->table, watch->elapsed);
		ports_watch(watch->ports);
		host_refresh();
		next = (double)(uint64_t)watch->elapsed + 1;
	}
	watch->elapsed = clock_read() - start;
	if (watch->elapsed - watch->table->last > LAST_SPAN)
		table_draw(watch->table, watch->elapsed);
	return NULL;
}

int watch_start(struct watch *watch)
{
	/* EAL puts it on a CPU that no lcore polls on, where there is one. */
	int err = rte_ctrl_thread_create(&watch->thread, "fwd-watch", NULL, watch_run, watch);

	if (err == 0)
		return APP_OK;
	complain("no thread to watch the lcores: %s", strerror(-err));
	return APP_ENVIRONMENT;
}

void watch_end(struct watch *watch)
{
	pthread_join(watch->thread, NULL);
}
