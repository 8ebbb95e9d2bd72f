/* SPDX-License-Identifier: BSD-3-Clause */
/* Support: what the tests share: pools, books, marks, hugepages, threads, processes. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>
#include <pktpool.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#else
#define WITH_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#else
#define WITH_TSAN 0
#endif

/* For threads and children, where cmocka's jump out of a test does not work. */
#define MUST(x)                                                                             \
	do {                                                                                \
		if (!(x)) {                                                                 \
			fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #x, \
				pp_error());                                                \
			abort();                                                            \
		}                                                                           \
	} while (0)

/* The call must succeed; what it complains of is printed if not. */
#define assert_ok(rc)                                                              \
	do {                                                                       \
		int64_t rc_ = (rc);                                                \
		if (rc_ < 0)                                                       \
			fail_msg("%s: %lld: %s", #rc, (long long)rc_, pp_error()); \
	} while (0)

#define assert_error_names(word) assert_non_null(strstr(pp_error(), word))

/* Ordinary pages: what most claims are about holds on them too. */
struct pp_pool_params params_4k(uint32_t buffer_size, uint32_t buffers);
struct pp_pool *pool_of(const struct pp_pool_params *params);
struct pp_pool *pool_4k(uint32_t buffer_size, uint32_t buffers, uint32_t flags);
/* Every invariant and the sums hold, so many are in flight, and it can be destroyed. */
void pool_end(struct pp_pool *pool);
void books_hold(struct pp_pool *pool, uint64_t in_flight);
struct pp_stats stats_of(const struct pp_pool *pool);
struct pp_counters counters_of(const struct pp_cache *cache);

/* Takes until there is no more; every one must be the pool's and come once. */
uint32_t take_all(struct pp_cache *cache, void **bufs, uint32_t most);
/* Every buffer can be had by this cache alone, once the others' idle ones are collected. */
void all_can_be_had(struct pp_pool *pool, struct pp_cache *cache);

/* Exactly once: a mark for each buffer number, changed by atomic exchange. */
struct marks {
	_Atomic uint32_t *of;
	uint32_t count;
};
struct marks marks_make(const struct pp_pool *pool); /* shared with children */
void marks_free(struct marks *marks);
void marks_take(struct marks *marks, const struct pp_pool *pool, void *const *bufs, unsigned n,
		uint32_t who);
void marks_drop(struct marks *marks, const struct pp_pool *pool, void *const *bufs, unsigned n,
		uint32_t who);

/* At least so many free 2 MiB hugepages until the process ends: ends it with 77 if it can't be. */
void hugepages_need(long pages);
long hugepages_free(void);
long hugepages_free_1g(void);

void *thread_do(void *(*fn)(void *), void *arg);
/* In a forked child: its exit status, or 256 + the signal that ended it. */
int child_do(int (*fn)(void *), void *arg);

/* How many descriptors and mappings this process has. */
unsigned fds_open(void);
unsigned maps_held(void);

uint32_t random_next(uint64_t *seed);

#endif
