/* SPDX-License-Identifier: BSD-3-Clause */
/* Objcache: a storm over three caches before one critical mempool, in a pool that runs dry. */
#include "storm.h"

#include <unistd.h>

#define RUNNERS 4
#define CACHES 3
#define BUFFERS 150u
#define CRITICAL 5u
#define LETTERS 256
#define HELD 400

/* How an object knows who has it: exactly one, or nobody. */
struct object {
	_Atomic uint32_t owner;
	uint32_t magic;
};

struct box {
	pthread_mutex_t lock;
	uint32_t n;
	void *objs[LETTERS];
};

struct weather {
	struct pp_pool *pool;
	struct pp_mempool *mempool;
	struct pp_objcache *caches[CACHES];
	struct box boxes[CACHES];
	_Atomic int64_t alive; /* objects that are constructed */
	_Atomic uint64_t luck; /* of constructors */
	_Atomic uint64_t moved, critical, waited, failed, cancelled;
	_Atomic uint32_t ids;
	pthread_mutex_t wait_lock;
	struct pp_wait *wait; /* of somebody, to be cancelled perhaps */
	double end;
};

static int object_ctor(void *obj, void *arg)
{
	struct weather *weather = arg;
	struct object *object = obj;

	if (atomic_fetch_add(&weather->luck, 1) % 4999 == 4998)
		return -EIO;
	atomic_store_explicit(&object->owner, 0, memory_order_relaxed);
	object->magic = 0xfeed;
	atomic_fetch_add(&weather->alive, 1);
	return 0;
}

static void object_dtor(void *obj, void *arg)
{
	struct weather *weather = arg;
	struct object *object = obj;

	MUST(object->magic == 0xfeed && !atomic_load(&object->owner));
	object->magic = 0;
	atomic_fetch_sub(&weather->alive, 1);
}

struct life {
	struct weather *weather;
	uint64_t seed;
	double end;
	uint32_t id;
	unsigned which; /* cache: one at a time is enough, lives are short */
	uint32_t n;
	struct object *held[HELD];
};

static void life_free(struct life *life, uint32_t n)
{
	struct pp_objcache *oc = life->weather->caches[life->which];

	life->n -= n;
	for (uint32_t i = 0; i < n; i++)
		MUST(atomic_exchange(&life->held[life->n + i]->owner, 0) == life->id);
	if (n == 1)
		pp_objcache_free(oc, life->held[life->n]);
	else
		MUST(pp_objcache_free_bulk(oc, (void **)&life->held[life->n], n) == n);
}

static void life_alloc(struct life *life)
{
	static const unsigned flags[] = { 0,           0,
					  PP_TRY,      PP_GROW,
					  PP_CRITICAL, PP_CRITICAL | PP_GROW,
					  PP_WAIT,     PP_WAIT | PP_CRITICAL };
	struct weather *weather = life->weather;
	struct pp_objcache *oc = weather->caches[life->which];
	uint32_t r = random_next(&life->seed), n = r % 4 ? 1 + r / 4 % 8 : 1 + r / 4 % 100;
	unsigned flag = flags[random_next(&life->seed) % 8], got;
	void **objs = (void **)&life->held[life->n];
	struct pp_wait wait;
	bool shown = flag & PP_WAIT && r / 512 % 4 == 0;

	if (n > HELD - life->n)
		return;
	pp_wait_for(&wait, random_next(&life->seed) % 3000);
	if (shown) {
		pthread_mutex_lock(&weather->wait_lock);
		shown = !weather->wait;
		if (shown)
			weather->wait = &wait;
		pthread_mutex_unlock(&weather->wait_lock);
	}
	errno = 0;
	got = pp_objcache_alloc_bulk(oc, objs, n, flag, &wait);
	if (!got) {
		/* EINVAL: more than the mempool can ever have. */
		MUST(errno == ENOMEM || errno == EIO || errno == EAGAIN || errno == ETIMEDOUT ||
		     errno == ECANCELED || (errno == EINVAL && flag & PP_CRITICAL && n > 2));
		atomic_fetch_add(&weather->failed, 1);
	}
	if (shown) {
		pthread_mutex_lock(&weather->wait_lock);
		weather->wait = NULL;
		pthread_mutex_unlock(&weather->wait_lock);
	}
	MUST(got == n || !got);
	for (uint32_t i = 0; i < got; i++) {
		struct object *object = life->held[life->n + i];

		MUST(!atomic_exchange(&object->owner, life->id));
		MUST(object->magic == 0xfeed);
	}
	/* Costs a lock: of the last one only. */
	if (got && pp_objcache_is_critical(oc, objs[got - 1])) {
		MUST(flag & PP_CRITICAL);
		atomic_fetch_add(&weather->critical, 1);
	}
	if (flag & PP_WAIT && got)
		atomic_fetch_add(&weather->waited, 1);
	atomic_fetch_add(&weather->moved, got);
	life->n += got;
}

/* Some are left for others to free, some of others' are freed. */
static void life_mail(struct life *life)
{
	struct box *box = &life->weather->boxes[life->which];
	struct pp_objcache *oc = life->weather->caches[life->which];
	void *objs[32];
	uint32_t n = 0;

	pthread_mutex_lock(&box->lock);
	while (life->n && box->n < LETTERS && n < 16) {
		struct object *object = life->held[--life->n];

		MUST(atomic_exchange(&object->owner, UINT32_MAX) == life->id);
		box->objs[box->n++] = object;
		n++;
	}
	/* From the other end. */
	for (n = 0; n < 32 && box->n; n++) {
		objs[n] = box->objs[0];
		box->objs[0] = box->objs[--box->n];
		MUST(atomic_exchange(&((struct object *)objs[n])->owner, 0) == UINT32_MAX);
	}
	pthread_mutex_unlock(&box->lock);
	MUST(pp_objcache_free_bulk(oc, objs, n) == n);
}

static void *life_run(void *arg)
{
	struct life *life = arg;

	while (seconds_now() < life->end)
		for (unsigned i = 0; i < 20; i++) {
			uint32_t r = random_next(&life->seed);

			if (r % 8 < 4)
				life_alloc(life);
			else if (r % 8 < 7 && life->n)
				life_free(life, 1 + r / 8 % (life->n < 20 ? life->n : 20));
			else
				life_mail(life);
		}
	while (life->n)
		life_free(life, life->n < 50 ? life->n : 50);
	return NULL;
}

/* Lives, one after another: threads end with objects in their magazines. */
static void *runner_run(void *arg)
{
	struct weather *weather = arg;
	uint64_t seed = atomic_fetch_add(&weather->ids, 1) + (uint64_t)getpid() * 7919;

	while (seconds_now() < weather->end) {
		struct life *life = calloc(1, sizeof(*life));
		pthread_t thread;

		MUST(life);
		life->weather = weather;
		life->seed = random_next(&seed) + 1ull;
		life->id = 1 + atomic_fetch_add(&weather->ids, 1);
		life->which = random_next(&seed) % CACHES;
		life->end = seconds_now() + (random_next(&seed) % 50) / 1000.0;
		MUST(!pthread_create(&thread, NULL, life_run, life));
		pthread_join(thread, NULL);
		free(life);
	}
	return NULL;
}

/* Makes buffers scarce, and looks at everything. */
static void *steward_run(void *arg)
{
	struct weather *weather = arg;
	uint64_t seed = 4711;
	void *hoard[BUFFERS];
	uint32_t n = 0;

	while (seconds_now() < weather->end) {
		uint32_t r = random_next(&seed);
		struct pp_objcache *oc = weather->caches[r / 16 % CACHES];
		struct pp_objcache_stats stats;

		switch (r % 5) {
		case 0:
			n += pp_pool_alloc_burst(weather->pool, hoard + n, BUFFERS - n);
			break;
		case 1:
			pp_pool_free(weather->pool, hoard, n);
			n = 0;
			break;
		case 2:
			pp_objcache_shrink(oc);
			break;
		case 3:
			pp_objcache_stats(oc, &stats);
			MUST(!stats.faults && stats.buffers <= BUFFERS);
			MUST(stats.critical <= BUFFERS && stats.empty <= stats.buffers);
			break;
		default:
			pthread_mutex_lock(&weather->wait_lock);
			if (weather->wait) {
				pp_wait_cancel(weather->wait);
				atomic_fetch_add(&weather->cancelled, 1);
			}
			pthread_mutex_unlock(&weather->wait_lock);
		}
		usleep(r / 64 % 800);
	}
	pp_pool_free(weather->pool, hoard, n);
	return NULL;
}

static struct weather *weather_make(uint32_t flags, double seconds)
{
	static const uint32_t sizes[CACHES] = { 40, 130, 1000 };
	struct weather *weather = calloc(1, sizeof(*weather));
	struct pp_mempool_params critical = { .sz = sizeof(critical),
					      .ops = &pp_mempool_pool,
					      .min_nr = CRITICAL };
	struct pp_pool_params params = params_4k(2048, BUFFERS);

	assert_non_null(weather);
	/* Not enough caches for all threads: some wait without one. */
	params.owners = RUNNERS;
	weather->pool = pool_of(&params);
	critical.backing = weather->pool;
	assert_ok(pp_mempool_create(&critical, &weather->mempool));
	pthread_mutex_init(&weather->wait_lock, NULL);
	for (unsigned i = 0; i < CACHES; i++) {
		struct pp_objcache_params kind = { .sz = sizeof(kind),
						   .object_size = sizes[i],
						   .ctor = object_ctor,
						   .dtor = object_dtor,
						   .arg = weather,
						   .pool = weather->pool,
						   .critical = weather->mempool,
						   .flags = flags };

		assert_ok(pp_objcache_create(&kind, &weather->caches[i]));
		pthread_mutex_init(&weather->boxes[i].lock, NULL);
	}
	weather->end = seconds_now() + seconds;
	return weather;
}

/* Nothing is out, so everything is where it came from. */
static void weather_settle(struct weather *weather)
{
	struct pp_mempool_stats stats;

	for (unsigned i = 0; i < CACHES; i++) {
		struct pp_objcache_stats books;
		struct box *box = &weather->boxes[i];

		for (uint32_t k = 0; k < box->n; k++)
			atomic_store(&((struct object *)box->objs[k])->owner, 0);
		assert_int_equal(pp_objcache_free_bulk(weather->caches[i], box->objs, box->n),
				 box->n);
		pp_objcache_stats(weather->caches[i], &books);
		assert_int_equal(books.out + books.critical + books.waiters + books.faults, 0);
		assert_int_equal(books.free + books.cached, books.buffers * books.per_buffer);
		assert_ok(pp_objcache_destroy(weather->caches[i]));
	}
	assert_int_equal(atomic_load(&weather->alive), 0);
	pp_mempool_stats(weather->mempool, &stats);
	assert_int_equal(stats.out + stats.waiters, 0);
	assert_int_equal(stats.kept, CRITICAL);
	assert_ok(pp_mempool_destroy(weather->mempool));
	pool_end(weather->pool);
	printf("%llu objects, %llu calls critical, %llu with a wait, %llu failed, %llu cancelled\n",
	       (unsigned long long)weather->moved, (unsigned long long)weather->critical,
	       (unsigned long long)weather->waited, (unsigned long long)weather->failed,
	       (unsigned long long)weather->cancelled);
	assert_true(weather->moved > 1000 && weather->critical && weather->waited);
	free(weather);
}

static void storm_over(uint32_t flags, double seconds)
{
	struct weather *weather = weather_make(flags, seconds);
	pthread_t runners[RUNNERS], steward;

	for (unsigned i = 0; i < RUNNERS; i++)
		pthread_create(&runners[i], NULL, runner_run, weather);
	pthread_create(&steward, NULL, steward_run, weather);
	for (unsigned i = 0; i < RUNNERS; i++)
		pthread_join(runners[i], NULL);
	pthread_join(steward, NULL);
	weather_settle(weather);
}

static void test_objects_and_buffers_are_conserved_and_critical_ones_stay_apart(void **state)
{
	(void)state;
	storm_over(0, storm_seconds(6));
}

static void test_the_same_without_magazines(void **state)
{
	(void)state;
	storm_over(PP_OBJCACHE_DEBUG, storm_seconds(6) / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_objects_and_buffers_are_conserved_and_critical_ones_stay_apart),
		cmocka_unit_test(test_the_same_without_magazines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
