/* SPDX-License-Identifier: BSD-3-Clause */
/* Note: of each buffer in flight, in debug mode: under which tag it was taken, and when. */
#ifndef PP_NOTE_H
#define PP_NOTE_H

#include "pp_store.h"

/* Names of tags: bytes, the ending 0 included; and how many a pool can have. */
#define PP_TAG_NAME 32
#define PP_TAGS_MAX 255

/*
 * In control memory, in debug mode only.
 *
 * field  written by                            read by
 * names  who adds one, under lock              anyone, below n (acquire)
 * n      the same, after the name (release)    anyone
 * now    whose cache it is                     the same
 */
struct pp_tags {
	pp_lock_word lock;
	_Atomic uint32_t n;
	_Atomic uint8_t now[PP_HOLDER_NOBODY + 1]; /* by holder: 0, or a tag's number */
	char names[PP_TAGS_MAX][PP_TAG_NAME];
};

/* What is noted of all that a call hands out: milliseconds since boot, and the tag. */
uint64_t pp_note_make(const struct pp_store *store, uint32_t holder);

/* Of a buffer in flight; 0 where nothing is noted. */
static inline uint64_t pp_note_of(const struct pp_store *store, uint32_t key)
{
	return store->notes ? atomic_load_explicit(&store->notes[key], memory_order_relaxed) : 0;
}

static inline uint32_t pp_note_tag(uint64_t note)
{
	return (uint32_t)note & 0xff;
}

/* Milliseconds since `note` was made, by the clock of pp_note_clock(). */
static inline uint64_t pp_note_age(uint64_t note, uint64_t now)
{
	return now > note >> 8 ? now - (note >> 8) : 0;
}
uint64_t pp_note_clock(void);

/* A cache that another thread has now has no tag. */
static inline void pp_note_reset(const struct pp_store *store, uint32_t holder)
{
	if (store->tags)
		atomic_store_explicit(&store->tags->now[holder], 0, memory_order_relaxed);
}

/* "" for none; it stays where it is as long as the pool. */
const char *pp_note_tag_name(const struct pp_store *store, uint32_t tag);

#endif
