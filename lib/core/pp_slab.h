/* SPDX-License-Identifier: BSD-3-Clause */
/* Slab: a buffer cut into objects of one kind, and the book of such buffers. */
#ifndef PP_SLAB_H
#define PP_SLAB_H

#include "pp_types.h"

/* How a buffer is cut. */
struct pp_slab_shape {
	uint32_t object_size; /* bytes from one object to the next */
	uint32_t align;
	uint32_t count; /* objects in a buffer */
};

/*
 * The head of a buffer. Free objects are remembered in bits, not in the
 * objects, which stay as their constructor left them.
 *
 *   | pp_slab, a bit an object | object 0 | object 1 | ...
 *
 * next, before, list, free, bits: under the lock of who keeps the book.
 * The rest is written once, before the first object is handed out.
 */
struct pp_slab {
	struct pp_slab *next;
	struct pp_slab *before;
	char *first;
	void *buffer; /* as it was handed out */
	uint32_t free;
	uint8_t list; /* enum pp_slab_list */
	bool critical;
	uint64_t bits[]; /* set: free */
};

enum pp_slab_list { PP_SLAB_FULL, PP_SLAB_PARTIAL, PP_SLAB_EMPTY, PP_SLAB_LISTS };

/* The slabs of one class, ordinary or critical, by how full they are. */
struct pp_slab_book {
	struct pp_slab *lists[PP_SLAB_LISTS];
	uint32_t slabs;
	uint32_t empty;
	uint64_t free; /* objects */
};

/* The shape for buffers of `bytes` that lie `lead` behind a line's start: 0, or
 * -EINVAL when no object fits. object_size and align are set. */
int pp_slab_plan(struct pp_slab_shape *shape, uint64_t object_size, uint32_t lead, uint32_t bytes);

/* Where the slab of a buffer is, made or not. */
static inline struct pp_slab *pp_slab_of(void *buffer)
{
	return (struct pp_slab *)(((uintptr_t)buffer + 7) & ~(uintptr_t)7);
}

/* Every object free, in no book. */
struct pp_slab *pp_slab_make(const struct pp_slab_shape *shape, void *buffer, bool critical);

static inline void *pp_slab_object(const struct pp_slab_shape *shape, const struct pp_slab *slab,
				   uint32_t i)
{
	return slab->first + (size_t)i * shape->object_size;
}

/* The number of the object that begins at `obj`, or -EINVAL: none does. */
int64_t pp_slab_index(const struct pp_slab_shape *shape, const struct pp_slab *slab,
		      const void *obj);

void pp_slab_enter(struct pp_slab_book *book, struct pp_slab *slab, const struct pp_slab_shape *);
void pp_slab_leave(struct pp_slab_book *book, struct pp_slab *slab);

/* Up to n free objects, out of slabs in use before empty ones. Returns how many. */
uint32_t pp_slab_take(struct pp_slab_book *book, const struct pp_slab_shape *shape, void **objs,
		      uint32_t n);

/* Object i is free again; false if it was. */
bool pp_slab_put(struct pp_slab_book *book, const struct pp_slab_shape *shape, struct pp_slab *slab,
		 uint32_t i);

static inline bool pp_slab_is_free(const struct pp_slab *slab, uint32_t i)
{
	return slab->bits[i / 64] >> i % 64 & 1;
}

#endif
