/* SPDX-License-Identifier: BSD-3-Clause */
/* Shelf: see shelf.h. */
#include "shelf.h"

void shelf_make(struct shelf *shelf, uint32_t size)
{
	memset(shelf, 0, sizeof(*shelf));
	pthread_mutex_init(&shelf->lock, NULL);
	shelf->elems = calloc(size, 1);
	shelf->there = calloc(size, sizeof(*shelf->there));
	MUST(shelf->elems && shelf->there);
	for (uint32_t i = 0; i < size; i++)
		shelf->there[i] = i;
	shelf->size = shelf->left = size;
	shelf->seed = size;
}

void shelf_free(struct shelf *shelf)
{
	MUST(shelf->left == shelf->size);
	free(shelf->elems);
	free(shelf->there);
	pthread_mutex_destroy(&shelf->lock);
}

uint32_t shelf_out(struct shelf *shelf)
{
	uint32_t out;

	pthread_mutex_lock(&shelf->lock);
	out = shelf->size - shelf->left;
	pthread_mutex_unlock(&shelf->lock);
	return out;
}

void shelf_fails(struct shelf *shelf, uint32_t percent)
{
	pthread_mutex_lock(&shelf->lock);
	shelf->fail = percent;
	pthread_mutex_unlock(&shelf->lock);
}

uint64_t shelf_elem(const struct shelf *shelf, const void *elem)
{
	uint64_t number = (uint64_t)((const char *)elem - shelf->elems);

	MUST(number < shelf->size);
	return number;
}

static unsigned shelf_alloc_bulk(void *backing, void **elems, unsigned n, unsigned flags)
{
	struct shelf *shelf = backing;
	uint32_t left;

	MUST(n && (flags == 0 || flags == PP_GROW));
	pthread_mutex_lock(&shelf->lock);
	(*(flags ? &shelf->effort : &shelf->asked))++;
	left = shelf->left;
	if (!flags)
		left -= left < shelf->high ? left : shelf->high;
	if (n > left)
		n = left;
	if (n && random_next(&shelf->seed) % 100 < shelf->fail)
		n = shelf->fail == 100 ? 0 : random_next(&shelf->seed) % n;
	for (uint32_t i = 0; i < n; i++) {
		elems[i] = shelf->elems + shelf->there[--shelf->left];
		MUST(!*(char *)elems[i]);
		*(char *)elems[i] = 1;
	}
	pthread_mutex_unlock(&shelf->lock);
	return n;
}

static void shelf_free_bulk(void *backing, void *const *elems, unsigned n)
{
	struct shelf *shelf = backing;

	MUST(n);
	pthread_mutex_lock(&shelf->lock);
	shelf->given++;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = (uint32_t)shelf_elem(shelf, elems[i]);

		MUST(shelf->elems[number]);
		shelf->elems[number] = 0;
		shelf->there[shelf->left++] = number;
	}
	pthread_mutex_unlock(&shelf->lock);
}

const struct pp_mempool_ops shelf_ops = {
	.alloc_bulk = shelf_alloc_bulk,
	.free_bulk = shelf_free_bulk,
};

struct pp_mempool *mempool_on(struct shelf *shelf, uint32_t min_nr)
{
	struct pp_mempool_params params = {
		.sz = sizeof(params),
		.name = "shelf",
		.ops = &shelf_ops,
		.backing = shelf,
		.min_nr = min_nr,
	};
	struct pp_mempool *mempool = NULL;

	assert_ok(pp_mempool_create(&params, &mempool));
	assert_non_null(mempool);
	return mempool;
}

struct pp_mempool *mempool_begin(struct shelf *shelf, uint32_t size, uint32_t min_nr)
{
	shelf_make(shelf, size);
	return mempool_on(shelf, min_nr);
}

struct pp_mempool_stats mempool_stats(struct pp_mempool *mempool)
{
	struct pp_mempool_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	pp_mempool_stats(mempool, &stats);
	return stats;
}

void mempool_books(struct pp_mempool *mempool, struct shelf *shelf, uint64_t out)
{
	struct pp_mempool_stats stats = mempool_stats(mempool);

	assert_int_equal(stats.out, out);
	assert_int_equal(stats.kept + stats.out, shelf_out(shelf));
	assert_true(stats.kept <= stats.min_nr);
}

void mempool_end(struct pp_mempool *mempool, struct shelf *shelf)
{
	mempool_books(mempool, shelf, 0);
	assert_ok(pp_mempool_destroy(mempool));
	assert_int_equal(shelf_out(shelf), 0);
	shelf_free(shelf);
}
