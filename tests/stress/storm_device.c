/* SPDX-License-Identifier: BSD-3-Clause */
/* Device: a storm of devices that come, refuse and go, over a pool that grows and shrinks while
 * others allocate; every hugepage is mapped and unmapped once, and every buffer had is mapped. */
#include "storm.h"

#include <time.h>

#define WORKERS 2
#define GUESTS 2 /* devices that come and go; one more stays */
#define PAGES_MOST 24

struct stage;

/* A device: trips over any second mapping, refuses at random, leaves at random. */
struct guest {
	struct stage *stage;
	_Atomic bool mapped[PAGES_MOST];
	_Atomic uint64_t maps, unmaps, refusals;
	uint64_t seed;      /* changed under the page lock only */
	uint32_t refuses;   /* one of so many; 0: none */
	uint32_t leaves;    /* in one of so many of its callbacks; 0: never */
	_Atomic int number; /* -1: not attached, or nobody knows yet */
	_Atomic bool gone;  /* has detached itself */
};

struct stage {
	struct pp_pool *pool;
	struct marks marks;
	struct pp_extent extent;
	struct guest stays, guests[GUESTS];
	_Atomic bool stop;
	_Atomic uint64_t turns, quits;
};

static uint32_t page_of(const struct guest *guest, const void *va)
{
	size_t at = (size_t)((const char *)va - (const char *)guest->stage->extent.base);

	MUST(at / guest->stage->extent.page < PAGES_MOST);
	return (uint32_t)(at / guest->stage->extent.page);
}

/* In the middle of whatever the pool is at. */
static void guest_may_leave(struct guest *guest)
{
	int number = atomic_load(&guest->number);

	if (number < 0 || !guest->leaves || random_next(&guest->seed) % guest->leaves)
		return;
	if (pp_pool_unmap_device(guest->stage->pool, (unsigned)number) < 0)
		return;
	atomic_store(&guest->number, -1);
	atomic_store(&guest->gone, true);
	atomic_fetch_add(&guest->stage->quits, 1);
}

static int guest_map(void *device, void *va, size_t bytes, struct pp_mapping *mapping)
{
	struct guest *guest = device;
	uint32_t p = page_of(guest, va);

	(void)bytes;
	MUST(!atomic_load(&guest->gone));
	if (guest->refuses && random_next(&guest->seed) % guest->refuses == 0) {
		atomic_fetch_add(&guest->refusals, 1);
		guest_may_leave(guest);
		return -ENOSPC;
	}
	MUST(!atomic_exchange(&guest->mapped[p], true));
	atomic_fetch_add(&guest->maps, 1);
	mapping->iova = (uintptr_t)va;
	guest_may_leave(guest);
	return 0;
}

static int guest_unmap(void *device, void *va, size_t bytes, const struct pp_mapping *mapping)
{
	struct guest *guest = device;

	(void)bytes;
	MUST(mapping->iova == (uintptr_t)va);
	MUST(atomic_exchange(&guest->mapped[page_of(guest, va)], false));
	atomic_fetch_add(&guest->unmaps, 1);
	guest_may_leave(guest);
	return 0;
}

static const struct pp_dma_ops guest_ops = {
	.name = "guest",
	.map = guest_map,
	.unmap = guest_unmap,
};

static void *worker_run(void *arg)
{
	struct stage *stage = arg;
	struct pp_cache *cache = pp_pool_cache(stage->pool);
	const struct pp_region *region = pp_pool_region(stage->pool);
	uint32_t id = (uint32_t)(uintptr_t)pthread_self() | 1;
	uint64_t seed = id;
	void *bufs[64];

	while (!atomic_load(&stage->stop)) {
		uint32_t r = random_next(&seed);
		unsigned n = pp_alloc_burst(cache, bufs, 1 + r / 4 % 64, r % 4 ? 0 : PP_GROW);

		marks_take(&stage->marks, stage->pool, bufs, n, id);
		for (unsigned i = 0; i < n; i++) {
			MUST(pp_buffer_iova(region, 0, bufs[i]) == (uintptr_t)bufs[i]);
			*(volatile uint32_t *)bufs[i] = id;
		}
		marks_drop(&stage->marks, stage->pool, bufs, n, id);
		pp_free_bulk(cache, bufs, n);
		atomic_fetch_add(&stage->turns, 1);
	}
	return NULL;
}

/* Grows and shrinks. */
static void *pager_run(void *arg)
{
	struct stage *stage = arg;
	uint64_t seed = 5;

	while (!atomic_load(&stage->stop)) {
		uint32_t n = 1 + random_next(&seed) % 60;
		int rc;

		if (random_next(&seed) % 2) {
			rc = pp_pool_grow(stage->pool, n);
			MUST(rc > 0 || rc == -ENOSPC || rc == -EIO);
		} else {
			rc = pp_pool_shrink(stage->pool, n, 2000);
			MUST(rc > 0 || rc == -EBUSY);
		}
	}
	return NULL;
}

static void guest_end(struct guest *guest)
{
	for (unsigned p = 0; p < PAGES_MOST; p++)
		MUST(!guest->mapped[p]);
	MUST(guest->maps == guest->unmaps);
}

/* Comes, stays a little, goes, unless it has gone by itself. */
static void *guest_run(void *arg)
{
	struct guest *guest = arg;
	struct stage *stage = guest->stage;
	struct timespec pause = { .tv_nsec = 500 * 1000 };

	while (!atomic_load(&stage->stop)) {
		struct pp_device_info info;
		int rc;

		atomic_store(&guest->gone, false);
		rc = pp_pool_map_device(stage->pool, &guest_ops, guest);
		/* Refused where somebody uses the hugepage. */
		MUST(rc >= 1 || rc == -ENOSPC);
		if (rc < 0) {
			guest_end(guest);
			continue;
		}
		atomic_store(&guest->number, rc);
		nanosleep(&pause, NULL);
		if (!pp_pool_device(stage->pool, (unsigned)rc, &info))
			MUST(info.mapped <= PAGES_MOST && info.error != EIO);
		rc = atomic_exchange(&guest->number, -1);
		if (rc >= 0)
			rc = (int)pp_pool_unmap_device(stage->pool, (unsigned)rc);
		/* It may be leaving by itself, in a call that another thread is in. */
		while (rc < 0 && !atomic_load(&guest->gone))
			nanosleep(&pause, NULL);
		guest_end(guest);
	}
	return NULL;
}

static struct guest guest_for(struct stage *stage, uint32_t refuses, uint32_t leaves, uint64_t seed)
{
	return (struct guest){
		.stage = stage, .seed = seed, .refuses = refuses, .leaves = leaves, .number = -1
	};
}

static void test_devices_come_refuse_and_go_under_load(void **state)
{
	struct pp_pool_params params = params_4k(131072 - 64, 16 * 12);
	pthread_t threads[WORKERS + GUESTS + 1];
	static struct stage stage;
	struct pp_stats s;
	double end;
	unsigned t = 0;

	(void)state;
	params.buffers_max = 16 * PAGES_MOST;
	stage.pool = pool_of(&params);
	pp_region_extent(pp_pool_region(stage.pool), &stage.extent);
	stage.marks = marks_make(stage.pool);
	stage.stays = guest_for(&stage, 0, 0, 1);
	assert_int_equal(pp_pool_map_device(stage.pool, &guest_ops, &stage.stays), 0);
	stage.stays.refuses = 3;
	for (uint32_t g = 0; g < GUESTS; g++)
		stage.guests[g] = guest_for(&stage, 10, 12, g + 2);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_create(&threads[t++], NULL, worker_run, &stage);
	for (unsigned i = 0; i < GUESTS; i++)
		pthread_create(&threads[t++], NULL, guest_run, &stage.guests[i]);
	pthread_create(&threads[t++], NULL, pager_run, &stage);
	end = seconds_now() + storm_seconds(2);
	while (seconds_now() < end || !stage.quits || !stage.stays.refusals ||
	       stage.stays.unmaps < 10)
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	atomic_store(&stage.stop, true);
	while (t)
		pthread_join(threads[--t], NULL);
	s = stats_of(stage.pool);
	printf("%llu turns; %llu hugepages mapped, %llu refused, %llu devices left by themselves\n",
	       (unsigned long long)stage.turns, (unsigned long long)stage.stays.maps,
	       (unsigned long long)s.pages_lost, (unsigned long long)stage.quits);
	assert_int_equal(stage.stays.maps - stage.stays.unmaps, s.pages);
	assert_int_equal(s.lost_error, ENOSPC);
	books_hold(stage.pool, 0);
	all_can_be_had(stage.pool, pp_pool_cache(stage.pool));
	pool_end(stage.pool);
	guest_end(&stage.stays);
	marks_free(&stage.marks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices_come_refuse_and_go_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
