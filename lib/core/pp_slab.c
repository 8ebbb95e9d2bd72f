/* SPDX-License-Identifier: BSD-3-Clause */
/* Slab: see pp_slab.h. */
#include "pp_slab.h"

#include <errno.h>

static uint64_t align_up(uint64_t at, uint64_t align)
{
	return (at + align - 1) & ~(align - 1);
}

static uint64_t slab_head(uint64_t count)
{
	return sizeof(struct pp_slab) + (count + 63) / 64 * sizeof(uint64_t);
}

/* From the buffer's address to its first object, at worst: what lies within a
 * line is the same for all buffers, what lies beyond is not. */
static uint64_t slab_first(uint64_t count, uint32_t lead, uint32_t align)
{
	uint64_t in = lead % PP_LINE, at = align_up(in, 8) + slab_head(count);

	if (align <= PP_LINE)
		return align_up(at, align) - in;
	return align_up(at, PP_LINE) - in + align - PP_LINE;
}

int pp_slab_plan(struct pp_slab_shape *shape, uint64_t object_size, uint32_t lead, uint32_t bytes)
{
	uint64_t size = align_up(object_size, shape->align);
	/* More than fit: an object costs its bytes and a bit. */
	uint64_t count = (uint64_t)bytes * 8 / (size * 8 + 1) + 1;

	while (count && slab_first(count, lead, shape->align) + count * size > bytes)
		count--;
	shape->object_size = (uint32_t)size;
	shape->count = (uint32_t)count;
	return count ? 0 : -EINVAL;
}

struct pp_slab *pp_slab_make(const struct pp_slab_shape *shape, void *buffer, bool critical)
{
	struct pp_slab *slab = pp_slab_of(buffer);
	uintptr_t head = (uintptr_t)slab + slab_head(shape->count);

	slab->next = slab->before = NULL;
	slab->first = (char *)align_up(head, shape->align);
	slab->buffer = buffer;
	slab->free = shape->count;
	slab->list = PP_SLAB_EMPTY;
	slab->critical = critical;
	for (uint32_t i = 0; i < shape->count; i += 64)
		slab->bits[i / 64] =
			shape->count - i < 64 ? (1ull << (shape->count - i)) - 1 : UINT64_MAX;
	return slab;
}

int64_t pp_slab_index(const struct pp_slab_shape *shape, const struct pp_slab *slab,
		      const void *obj)
{
	uint64_t at = (uint64_t)((uintptr_t)obj - (uintptr_t)slab->first);
	uint32_t i;

	/* Narrow, as a division of 64 bits costs twice as much. */
	if (at >= (uint64_t)shape->count * shape->object_size)
		return -EINVAL;
	i = (uint32_t)at / shape->object_size;
	return i * shape->object_size == (uint32_t)at ? (int64_t)i : -EINVAL;
}

static void list_add(struct pp_slab_book *book, struct pp_slab *slab,
		     const struct pp_slab_shape *shape)
{
	struct pp_slab **head;

	slab->list = !slab->free                 ? PP_SLAB_FULL
		     : slab->free < shape->count ? PP_SLAB_PARTIAL
						 : PP_SLAB_EMPTY;
	head = &book->lists[slab->list];
	slab->before = NULL;
	slab->next = *head;
	if (*head)
		(*head)->before = slab;
	*head = slab;
	book->empty += slab->list == PP_SLAB_EMPTY;
}

static void list_remove(struct pp_slab_book *book, struct pp_slab *slab)
{
	if (slab->before)
		slab->before->next = slab->next;
	else
		book->lists[slab->list] = slab->next;
	if (slab->next)
		slab->next->before = slab->before;
	book->empty -= slab->list == PP_SLAB_EMPTY;
}

void pp_slab_enter(struct pp_slab_book *book, struct pp_slab *slab,
		   const struct pp_slab_shape *shape)
{
	list_add(book, slab, shape);
	book->slabs++;
	book->free += slab->free;
}

void pp_slab_leave(struct pp_slab_book *book, struct pp_slab *slab)
{
	list_remove(book, slab);
	book->slabs--;
	book->free -= slab->free;
}

static uint32_t slab_take(const struct pp_slab_shape *shape, struct pp_slab *slab, void **objs,
			  uint32_t n)
{
	uint32_t got = 0;

	for (uint32_t w = 0; got < n && got < slab->free; w++)
		for (; slab->bits[w] && got < n; slab->bits[w] &= slab->bits[w] - 1)
			objs[got++] =
				pp_slab_object(shape, slab,
					       w * 64 + (uint32_t)__builtin_ctzll(slab->bits[w]));
	slab->free -= got;
	return got;
}

uint32_t pp_slab_take(struct pp_slab_book *book, const struct pp_slab_shape *shape, void **objs,
		      uint32_t n)
{
	uint32_t got = 0;

	while (got < n) {
		struct pp_slab *slab = book->lists[PP_SLAB_PARTIAL];
		uint32_t k;

		if (!slab)
			slab = book->lists[PP_SLAB_EMPTY];
		if (!slab)
			break;
		list_remove(book, slab);
		k = slab_take(shape, slab, objs + got, n - got);
		list_add(book, slab, shape);
		book->free -= k;
		got += k;
	}
	return got;
}

bool pp_slab_put(struct pp_slab_book *book, const struct pp_slab_shape *shape, struct pp_slab *slab,
		 uint32_t i)
{
	if (pp_slab_is_free(slab, i))
		return false;
	slab->bits[i / 64] |= 1ull << i % 64;
	book->free++;
	/* Only one that is full or becomes empty changes its list. */
	if (slab->free && slab->free + 1 < shape->count) {
		slab->free++;
		return true;
	}
	list_remove(book, slab);
	slab->free++;
	list_add(book, slab, shape);
	return true;
}
