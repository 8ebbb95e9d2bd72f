/* SPDX-License-Identifier: BSD-3-Clause */
/* Field: a part of a packet's headers, and the values it takes in turn. */
#ifndef FIELD_H
#define FIELD_H

#include <stdint.h>

#include "wrong.h"

enum field_kind {
	FIELD_SRC_MAC,
	FIELD_DST_MAC,
	FIELD_VLAN,
	FIELD_SRC_IP,
	FIELD_DST_IP,
	FIELD_SRC_PORT,
	FIELD_DST_PORT,
	FIELD_KINDS,
};

enum field_way {
	FIELD_ABSENT,
	FIELD_FIXED,
	FIELD_RANGE,  /* first, first + step, ... and again */
	FIELD_LIST,   /* one after the other, and again */
	FIELD_RANDOM, /* of first .. first + count - 1 */
};

#define FIELD_LIST_MAX 1024

/* A number of the field's bits; hi only of an IPv6 address, its upper 64. */
struct field_value {
	uint64_t hi, lo;
};

struct field {
	enum field_way way;
	unsigned family; /* of an address: 4 or 6 */
	struct field_value first;
	uint64_t step;
	uint64_t count; /* values; 0 for 2^64 */
	struct field_value *list;
};

/* "src-mac", ... */
const char *field_name(enum field_kind kind);
/* FIELD_KINDS if there is none of that name. */
enum field_kind field_find(const char *name);
/* All of them, with commas. */
const char *field_names(void);

/*
 * "V", "V-V", "V-V/STEP", "V,V,..." or "random:V-V", where V is a MAC address, a
 * VLAN id, an IPv4 or IPv6 address or a port. 0, -EINVAL or -ENOMEM; after an
 * error the field is absent.
 */
int field_parse(struct field *f, enum field_kind kind, const char *text, struct wrong *wrong);
void field_end(struct field *f);

/* The value of turn n; random ones are the same for the same seed and turn. */
struct field_value field_at(const struct field *f, uint64_t turn, uint64_t seed);

/* A number as good as random, from any (Steele, Lea and Flood's SplitMix64, 2014). */
static inline uint64_t number_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

#endif
