/* SPDX-License-Identifier: BSD-3-Clause */
/* Level: how full the pool was over a run, in constant memory however long that is. */
#include "level.h"

void level_note(struct level *l, const struct level_point *point)
{
	if (l->skip > 0) {
		l->skip--;
		return;
	}
	if (l->n == LEVEL_POINTS) {
		for (unsigned i = 0; i < LEVEL_POINTS / 2; i++)
			l->points[i] = l->points[2 * i];
		l->n = LEVEL_POINTS / 2;
		l->stride++;
	}
	l->points[l->n++] = *point;
	l->skip = (1u << l->stride) - 1;
}

json_t *level_json(const struct level *l)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < l->n; i++) {
		const struct level_point *point = &l->points[i];

		json_array_append_new(array, json_pack("[f, I, I]", point->seconds,
						       (json_int_t)point->free,
						       (json_int_t)point->reserve));
	}
	return array;
}
