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

/* As many as there can be pools in a process. */
#define IDS_MAX 256

/* In use; 0 is a free place. */
static uint64_t ids[IDS_MAX];
static uint64_t ids_ended;

static bool id_replace(uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < IDS_MAX; i++) {
		uint64_t at = from;

		if (__atomic_compare_exchange_n(&ids[i], &at, to, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

uint64_t pp_local_id(void)
{
	static uint64_t last;
	uint64_t id = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);

	id_replace(0, id);
	return id;
}

void pp_local_id_end(uint64_t id)
{
	id_replace(id, 0);
	__atomic_fetch_add(&ids_ended, 1, __ATOMIC_RELEASE);
}

bool pp_local_id_lives(uint64_t id)
{
	return id_replace(id, id);
}

uint64_t pp_local_ids_ended(void)
{
	return __atomic_load_n(&ids_ended, __ATOMIC_ACQUIRE);
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
