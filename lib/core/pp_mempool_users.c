/* SPDX-License-Identifier: BSD-3-Clause */
/* Users: which threads drew from a mempool's reserve. */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_mempool_line.h"
#include "pp_sleep.h"

struct pp_mempool_drawer pp_mempool_drawer(void)
{
	static uint64_t serials;
	static __thread struct pp_mempool_drawer self;

	if (!self.serial) {
		self.tid = gettid();
		self.serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
	}
	return self;
}

void pp_mempool_drawer_name(struct pp_mempool_drawer *drawer)
{
	prctl(PR_GET_NAME, drawer->name);
}

/* The thread's own record, or one that is free, or whose thread drew longest ago. The first
 * is for all who made room. */
static struct pp_mempool_user *user_find(struct pp_mempool *mp, uint64_t serial)
{
	struct pp_mempool_user *user, *oldest = NULL;

	for (unsigned i = 1; i < PP_MEMPOOL_USERS_MAX; i++) {
		user = &mp->users[i];
		if (mp->serials[i] == serial)
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

void pp_mempool_note(struct pp_mempool *mp, const struct pp_mempool_drawer *drawer, unsigned n)
{
	struct pp_mempool_user *user = user_find(mp, drawer->serial);
	struct pp_mempool_drawer named = *drawer;

	if (mp->serials[user - mp->users] != drawer->serial) {
		user_make_room(mp, user);
		mp->serials[user - mp->users] = drawer->serial;
		user->tid = drawer->tid;
		if (!named.name[0])
			pp_mempool_drawer_name(&named);
		memcpy(user->name, named.name, sizeof(user->name));
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

	if (!fn || pp_mempool_gone(mp)) {
		errno = fn ? EINVAL : -pp_fail(-EINVAL, "nobody to show users to: NULL");
		return 0;
	}
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
