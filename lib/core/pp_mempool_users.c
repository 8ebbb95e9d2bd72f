/* SPDX-License-Identifier: BSD-3-Clause */
/* Users: which threads drew from a mempool's reserve. */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pp_mempool_line.h"
#include "pp_sleep.h"

int pp_mempool_tid(void)
{
	static __thread int tid;

	if (!tid)
		tid = gettid();
	return tid;
}

/* The thread's own record, or one that is free, or whose thread drew longest ago. The first
 * is for all who made room. */
static struct pp_mempool_user *user_find(struct pp_mempool *mp, int tid)
{
	struct pp_mempool_user *user, *oldest = NULL;

	for (unsigned i = 1; i < PP_MEMPOOL_USERS_MAX; i++) {
		user = &mp->users[i];
		if (user->tid == tid)
			return user;
		if (!oldest || user->last < oldest->last)
			oldest = user;
	}
	return oldest;
}

static void user_make_room(struct pp_mempool *mp, struct pp_mempool_user *user)
{
	struct pp_mempool_user *others = &mp->users[0];

	others->drawn += user->drawn;
	if (others->last < user->last)
		others->last = user->last;
	memset(user, 0, sizeof(*user));
}

void pp_mempool_note(struct pp_mempool *mp, int tid, const char *name, unsigned n)
{
	struct pp_mempool_user *user = user_find(mp, tid);

	if (user->tid != tid) {
		user_make_room(mp, user);
		user->tid = tid;
		if (name)
			memcpy(user->name, name, sizeof(user->name));
		else
			prctl(PR_GET_NAME, user->name);
	}
	user->drawn += n;
	user->last = pp_sleep_now();
	mp->drawn += n;
}

PP_API unsigned pp_mempool_each_user(struct pp_mempool *mp,
				     void (*fn)(const struct pp_mempool_user *user, void *arg),
				     void *arg)
{
	struct pp_mempool_user users[PP_MEMPOOL_USERS_MAX];
	unsigned n = 0;

	pthread_mutex_lock(&mp->lock);
	memcpy(users, mp->users, sizeof(users));
	pthread_mutex_unlock(&mp->lock);
	for (;; n++) {
		struct pp_mempool_user *latest = &users[0];

		for (unsigned i = 1; i < PP_MEMPOOL_USERS_MAX; i++)
			if (users[i].last > latest->last)
				latest = &users[i];
		if (!latest->last)
			return n;
		fn(latest, arg);
		latest->last = 0;
	}
}
