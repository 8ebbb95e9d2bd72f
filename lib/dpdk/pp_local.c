/* SPDX-License-Identifier: BSD-3-Clause */
/* Local: remembering a thread's caches, and forgetting them in time. */
#include "pp_local.h"

#include <pthread.h>
#include <string.h>

/* Of the C library, for C++'s thread_local; what it is told of runs before any
 * pthread key's destructor, so before pp_pool_cache()'s gives the caches back. */
extern int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso);
extern void *__dso_handle;

__thread struct pp_local pp_locals[PP_LOCALS];
/* The end is told of; or has come, and nothing is remembered any more. */
static __thread enum {
	LOCAL_NEW,
	LOCAL_TOLD,
	LOCAL_ENDED
} local_state __attribute__((tls_model("initial-exec")));

static void local_forget(void)
{
	memset(pp_locals, 0, sizeof(pp_locals));
}

static void local_end(void *arg)
{
	(void)arg;
	local_state = LOCAL_ENDED;
	local_forget();
}

/* The parent's caches are not the child's. */
__attribute__((constructor)) static void local_prepare(void)
{
	pthread_atfork(NULL, NULL, local_forget);
}

uint64_t pp_local_id(void)
{
	static uint64_t last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

struct pp_cache *pp_local_find(uint64_t id, struct pp_pool *pool)
{
	struct pp_cache *cache = pp_pool_cache(pool);

	if (local_state == LOCAL_NEW && !__cxa_thread_atexit_impl(local_end, NULL, &__dso_handle))
		local_state = LOCAL_TOLD;
	if (local_state == LOCAL_TOLD && cache)
		pp_locals[id % PP_LOCALS] = (struct pp_local){ .id = id, .cache = cache };
	return cache;
}
