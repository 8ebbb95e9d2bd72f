/* SPDX-License-Identifier: BSD-3-Clause */
/* Guard: notes of holders, poison, and what sanitizers are told. */
#include "pp_guard.h"

#include <string.h>

#include "pp_buffer.h"
#include "pp_note.h"

#if defined(__SANITIZE_ADDRESS__)
#define PP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PP_ASAN 1
#endif
#endif

#ifdef PP_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define POISON 0x5a

static void memory_forbid(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
#ifdef PP_ASAN
	ASAN_POISON_MEMORY_REGION(start, bytes);
#endif
#ifdef HAVE_VALGRIND
	VALGRIND_MAKE_MEM_NOACCESS(start, bytes);
#endif
}

static void memory_allow(void *start, size_t bytes)
{
	(void)start;
	(void)bytes;
#ifdef PP_ASAN
	ASAN_UNPOISON_MEMORY_REGION(start, bytes);
#endif
#ifdef HAVE_VALGRIND
	VALGRIND_MAKE_MEM_DEFINED(start, bytes);
#endif
}

/* The part of a buffer that is poisoned: all but what the user asked to keep. */
static char *guarded(const struct pp_store *store, const void *buf, size_t *bytes)
{
	*bytes = store->region.buffer_size - store->shared->facts.keep;
	return (char *)buf - store->region.lead + store->shared->facts.keep;
}

static void guard_fault(struct pp_store *store, const char *what, const void *buf, uint32_t holder)
{
	__atomic_fetch_add(&store->shared->past.fault, 1, __ATOMIC_RELAXED);
	store->fault(store, what, buf, holder);
}

static void poison_set(struct pp_store *store, void *buf)
{
	size_t bytes;
	char *start = guarded(store, buf, &bytes);

	memset(start, POISON, bytes);
	memory_forbid(start, bytes);
}

/* True if every byte is still what poison_set() left. */
static bool poison_intact(struct pp_store *store, void *buf)
{
	size_t bytes;
	char *start = guarded(store, buf, &bytes);

	memory_allow(start, bytes);
	return !bytes || (*start == POISON && !memcmp(start, start + 1, bytes - 1));
}

/* In debug mode: the holder exchanged, the poison looked at. */
static void guard_out_one(struct pp_store *store, uint32_t holder, void *buf, uint64_t note)
{
	const struct pp_region *region = &store->region;
	uint32_t index = pp_place_index(region, pp_place_to_offset(region, buf));
	uint32_t key = pp_place_key(region, buf);
	uint8_t old, marks;

	/* First: who sees the holder sees since when, or a little more. */
	atomic_store_explicit(&store->notes[key], note, memory_order_relaxed);
	old = atomic_exchange_explicit(&store->holders[key], (uint8_t)holder, memory_order_release);

	/* An earlier free was forgotten, or books are corrupt: never silently. */
	if (old)
		guard_fault(store, "handed out twice", buf, old);
	marks = atomic_fetch_and_explicit(&store->marks[index], (uint8_t)~PP_MARK_POISONED,
					  memory_order_acquire);
	if ((marks & PP_MARK_POISONED) && !poison_intact(store, buf))
		guard_fault(store, "written after free", buf, 0);
}

static void holders_note(struct pp_store *store, uint8_t holder, void *const *bufs, uint32_t n)
{
	_Atomic uint8_t *holders = store->holders;
	uintptr_t base = store->region.base;
	unsigned shift = store->region.key_shift;

	if (store->region.tracts) {
		for (uint32_t i = 0; i < n; i++)
			atomic_store_explicit(&holders[pp_place_key(&store->region, bufs[i])],
					      holder, memory_order_relaxed);
		return;
	}
	/* pp_place_key(), with what does not change kept out of the loop. */
	for (uint32_t i = 0; i < n; i++)
		atomic_store_explicit(&holders[((uintptr_t)bufs[i] - base) >> shift], holder,
				      memory_order_relaxed);
}

void pp_guard_out(struct pp_store *store, uint32_t holder, void *const *bufs, uint32_t n)
{
	uint64_t note;

	if (!(store->shared->facts.mode & PP_MODE_DEBUG)) {
		holders_note(store, (uint8_t)holder, bufs, n);
		return;
	}
	note = pp_note_make(store, holder);
	for (uint32_t i = 0; i < n; i++)
		guard_out_one(store, holder, bufs[i], note);
}

/* The number of a buffer that begins there, or -1. */
static int64_t guard_index(const struct pp_region *region, const void *buf)
{
	int64_t index;

	if (region->tracts)
		return pp_tracts_find(region->tracts, (uintptr_t)buf);
	index = pp_buffer_index(region, buf);
	return index < 0 || pp_buffer_at(region, (uint32_t)index) != buf ? -1 : index;
}

static bool guard_in_one(struct pp_store *store, uint32_t holder, void *buf)
{
	int64_t index = guard_index(&store->region, buf);

	if (index < 0) {
		guard_fault(store, "foreign free", buf, holder);
		return false;
	}
	if (!atomic_exchange_explicit(&store->holders[pp_place_key(&store->region, buf)], 0,
				      memory_order_relaxed)) {
		guard_fault(store, "double free", buf, holder);
		return false;
	}
	poison_set(store, buf);
	atomic_fetch_or_explicit(&store->marks[index], PP_MARK_POISONED, memory_order_release);
	return true;
}

uint32_t pp_guard_in(struct pp_store *store, uint32_t holder, void *const *bufs, uint32_t n,
		     void **kept)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (guard_in_one(store, holder, bufs[i]))
			kept[k++] = bufs[i];
	return k;
}

void pp_guard_home(struct pp_store *store, void *const *bufs, uint32_t n)
{
	holders_note(store, 0, bufs, n);
}

void pp_guard_forget(struct pp_store *store, uint32_t p)
{
	const struct pp_page *page = &store->region.pages[p];

	memory_allow(pp_region_page_start(&store->region, p), store->region.page);
	for (uint32_t i = 0; i < page->count; i++)
		atomic_store_explicit(&store->marks[page->first + i], 0, memory_order_relaxed);
}
