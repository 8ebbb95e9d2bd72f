/* SPDX-License-Identifier: BSD-3-Clause */
/* Support: see support.h. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct pp_pool_params params_4k(uint32_t buffer_size, uint32_t buffers)
{
	return (struct pp_pool_params){
		.sz = sizeof(struct pp_pool_params),
		.name = "test",
		.buffer_size = buffer_size,
		.buffers = buffers,
		.pages = PP_PAGES_4K,
	};
}

struct pp_pool *pool_of(const struct pp_pool_params *params)
{
	struct pp_pool *pool = NULL;

	assert_ok(pp_pool_create(params, &pool));
	assert_non_null(pool);
	return pool;
}

struct pp_pool *pool_4k(uint32_t buffer_size, uint32_t buffers, uint32_t flags)
{
	struct pp_pool_params params = params_4k(buffer_size, buffers);

	params.flags = flags;
	return pool_of(&params);
}

struct pp_stats stats_of(const struct pp_pool *pool)
{
	struct pp_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	pp_pool_stats(pool, &stats);
	return stats;
}

void books_hold(struct pp_pool *pool, uint64_t in_flight)
{
	struct pp_stats s = stats_of(pool);

	assert_int_equal(s.in_flight, in_flight);
	assert_int_equal(s.fresh + s.cached + s.deques + s.depot + s.reserve + s.collected +
				 s.in_flight,
			 s.total);
	assert_ok(pp_pool_check(pool));
}

void pool_end(struct pp_pool *pool)
{
	books_hold(pool, 0);
	assert_ok(pp_pool_destroy(pool));
}

struct wanted {
	uint32_t id;
	bool found;
	struct pp_counters counters;
};

static void counters_seek(const struct pp_cache_info *info, void *arg)
{
	struct wanted *wanted = arg;

	if (info->id == wanted->id) {
		wanted->found = true;
		wanted->counters = info->counters;
	}
}

struct pp_counters counters_of(const struct pp_cache *cache)
{
	struct wanted wanted = { .id = cache->id };

	pp_pool_each_cache(pp_cache_pool(cache), counters_seek, &wanted);
	assert_true(wanted.found);
	return wanted.counters;
}

uint32_t take_all(struct pp_cache *cache, void **bufs, uint32_t most)
{
	const struct pp_region *region = pp_pool_region(pp_cache_pool(cache));
	uint32_t end = pp_buffer_index_end(region), n = 0, got;
	uint8_t *seen = calloc(end, 1);

	assert_non_null(seen);
	do {
		got = pp_alloc_burst(cache, bufs + n, most - n < 61 ? most - n : 61, 0);
		n += got;
	} while (got);
	for (uint32_t i = 0; i < n; i++) {
		int64_t index = pp_buffer_index(region, bufs[i]);

		assert_in_range(index, 0, end - 1);
		assert_ptr_equal(pp_buffer_at(region, (uint32_t)index), bufs[i]);
		assert_int_equal(seen[index]++, 0);
	}
	free(seen);
	return n;
}

void all_can_be_had(struct pp_pool *pool, struct pp_cache *cache)
{
	uint32_t total = (uint32_t)stats_of(pool).total;
	void **bufs = calloc(total + 1, sizeof(*bufs));

	assert_non_null(bufs);
	pp_pool_collect(pool);
	assert_int_equal(take_all(cache, bufs, total + 1), total);
	books_hold(pool, total);
	pp_free_bulk(cache, bufs, total);
	books_hold(pool, 0);
	free(bufs);
}

struct marks marks_make(const struct pp_pool *pool)
{
	struct marks marks = { .count = pp_buffer_index_end(pp_pool_region(pool)) };

	marks.of = mmap(NULL, marks.count * sizeof(*marks.of), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(marks.of != MAP_FAILED);
	return marks;
}

void marks_free(struct marks *marks)
{
	munmap(marks->of, marks->count * sizeof(*marks->of));
}

static void marks_change(struct marks *marks, const struct pp_pool *pool, const void *buf,
			 uint32_t from, uint32_t to)
{
	const struct pp_region *region = pp_pool_region(pool);
	int64_t index = pp_buffer_index(region, buf);
	uint32_t was;

	MUST(index >= 0 && index < marks->count);
	MUST(pp_buffer_at(region, (uint32_t)index) == buf);
	was = atomic_exchange(&marks->of[index], to);
	if (was != from) {
		fprintf(stderr, "buffer %lld went from holder %u to %u, but was with %u\n",
			(long long)index, from, to, was);
		abort();
	}
}

void marks_take(struct marks *marks, const struct pp_pool *pool, void *const *bufs, unsigned n,
		uint32_t who)
{
	for (unsigned i = 0; i < n; i++)
		marks_change(marks, pool, bufs[i], 0, who);
}

void marks_drop(struct marks *marks, const struct pp_pool *pool, void *const *bufs, unsigned n,
		uint32_t who)
{
	for (unsigned i = 0; i < n; i++)
		marks_change(marks, pool, bufs[i], who, 0);
}

static const char *const reserved_file = "/proc/sys/vm/nr_hugepages";

static long number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%ld", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

long hugepages_free(void)
{
	return number_in("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
}

long hugepages_free_1g(void)
{
	return number_in("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages");
}

static long raised;
static pid_t raiser;

/* Relative to what is there, as other programs may reserve theirs meanwhile. */
static bool reserve_by(long pages)
{
	int fd = open(reserved_file, O_RDWR | O_CLOEXEC);
	char text[32];
	long before;
	bool done;

	if (fd < 0)
		return false;
	flock(fd, LOCK_EX);
	before = number_in(reserved_file);
	snprintf(text, sizeof(text), "%ld", before + pages);
	done = write(fd, text, strlen(text)) > 0;
	if (done && pages > 0)
		raised += number_in(reserved_file) - before;
	close(fd);
	return done;
}

static void hugepages_return(void)
{
	if (raised > 0 && raiser == getpid())
		reserve_by(-raised);
	raised = 0;
}

void hugepages_need(long pages)
{
	long missing = pages - hugepages_free();

	if (missing <= 0)
		return;
	if (!raiser)
		atexit(hugepages_return);
	raiser = getpid();
	if (reserve_by(missing) && hugepages_free() >= pages)
		return;
	printf("skipped: %ld free hugepages of 2 MiB are needed, and %s could not be raised\n",
	       pages, reserved_file);
	exit(77);
}

void *thread_do(void *(*fn)(void *), void *arg)
{
	pthread_t thread;
	void *result = NULL;

	assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);
	pthread_join(thread, &result);
	return result;
}

int child_do(int (*fn)(void *), void *arg)
{
	pid_t pid;
	int status = 0;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

unsigned fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

unsigned maps_held(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned n = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

uint32_t random_next(uint64_t *seed)
{
	/* Marsaglia's xorshift, multiplied. */
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint32_t)(*seed * 0x2545f4914f6cdd1dull >> 32);
}
