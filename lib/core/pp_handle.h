/* SPDX-License-Identifier: BSD-3-Clause */
/* Handle: memory of handles that is never given back, so that one that has ended is known to have. */
#ifndef PP_HANDLE_H
#define PP_HANDLE_H

#include <stdatomic.h>

#include "pp_types.h"

/*
 * In an object that is created and destroyed. Its memory is used again, for the next of its kind,
 * and by nobody else: until then a call with the old address finds that it has ended, and after that
 * it is a call with the new one. So there is as much memory as there were objects at a time.
 */
struct pp_handle {
	void *next; /* object that has ended */
	_Atomic bool lives;
};

/* One kind: how large an object is, and where in it the handle. */
struct pp_handles {
	size_t bytes, at;
	_Atomic(void *) ended;
};
#define PP_HANDLES(type, member)                                    \
	{                                                           \
		.bytes = sizeof(type), .at = offsetof(type, member) \
	}

/* Zero but for the handle, which lives; NULL when there is no memory. On two lines. */
void *pp_handle_new(struct pp_handles *kind);
void pp_handle_end(struct pp_handles *kind, void *object);

static inline bool pp_handle_lives(const struct pp_handle *handle)
{
	return PP_LIKELY(atomic_load_explicit(&handle->lives, memory_order_relaxed));
}

#endif
