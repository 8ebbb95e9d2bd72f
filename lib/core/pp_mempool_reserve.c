/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserve: the elements that a mempool keeps, all under its lock. */
#include <string.h>

#include "pp_mempool_line.h"

void pp_mempool_reserve_draw(struct pp_mempool *mp, void **elems, unsigned n,
			     const struct pp_mempool_drawer *drawer)
{
	if (!n)
		return;
	mp->kept -= n;
	memcpy(elems, mp->elems + mp->kept, n * sizeof(*elems));
	pp_mempool_note(mp, drawer, n);
}

uint32_t pp_mempool_reserve_fill(struct pp_mempool *mp, void *const *elems, uint32_t n)
{
	uint32_t k = mp->kept < mp->min_nr ? mp->min_nr - mp->kept : 0;

	if (k > n)
		k = n;
	if (k)
		memcpy(mp->elems + mp->kept, elems + n - k, k * sizeof(*elems));
	mp->kept += k;
	return n - k;
}

static bool elems_have(void *const *elems, uint32_t n, const void *elem)
{
	while (n)
		if (elems[--n] == elem)
			return true;
	return false;
}

const void *pp_mempool_reserve_finds(struct pp_mempool *mp, void *const *elems, uint32_t n)
{
	const void *found = NULL;

	pthread_mutex_lock(&mp->lock);
	for (uint32_t i = 0; i < n && !found; i++)
		if (elems_have(elems, i, elems[i]) || elems_have(mp->elems, mp->kept, elems[i]))
			found = elems[i];
	mp->doubled += found != NULL;
	pthread_mutex_unlock(&mp->lock);
	return found;
}
