/* SPDX-License-Identifier: BSD-3-Clause */
/* Signature: the last 16 bytes of a frame, that say whose it is, which one, and since when. */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdint.h>
#include <string.h>

/*
 * At the end, where it stays when a forwarder adds or takes a tag or header,
 * and where an echo of the payload has it too:
 *
 *	bytes 0..3    whose: differs between trials, runs and directions
 *	      4..7    number in its flow
 *	      8       check over the rest
 *	      9..10   flow
 *	     11..15   time stamp counter when it was built, its lower 40 bits
 */
#define SIGNATURE_BYTES 16
#define SIGNATURE_TIME_BITS 40
#define SIGNATURE_TIME_MASK ((1ULL << SIGNATURE_TIME_BITS) - 1)
#define SIGNATURE_FLOWS 65536

struct signature {
	uint64_t who;  /* and which */
	uint64_t when; /* and check and flow */
};

static inline uint8_t signature_check(uint64_t who, uint64_t when)
{
	return (uint8_t)(((who ^ (when >> 8)) * 0x9e3779b97f4a7c15ULL) >> 56);
}

static inline struct signature signature_make(uint32_t key, uint32_t number, uint32_t flow,
					      uint64_t tsc)
{
	struct signature s = {
		.who = key | (uint64_t)number << 32,
		.when = tsc << 24 | (uint64_t)flow << 8,
	};

	s.when |= signature_check(s.who, s.when);
	return s;
}

static inline struct signature signature_read(const void *at)
{
	struct signature s;

	memcpy(&s, at, sizeof(s));
	return s;
}

static inline void signature_write(struct signature s, void *at)
{
	memcpy(at, &s, sizeof(s));
}

static inline uint32_t signature_key(struct signature s)
{
	return (uint32_t)s.who;
}

static inline uint32_t signature_number(struct signature s)
{
	return (uint32_t)(s.who >> 32);
}

static inline uint32_t signature_flow(struct signature s)
{
	return (uint16_t)(s.when >> 8);
}

static inline int signature_right(struct signature s)
{
	return (uint8_t)s.when == signature_check(s.who, s.when & ~0xffULL);
}

/* Ticks of the counter between then and now. */
static inline uint64_t signature_age(struct signature s, uint64_t tsc)
{
	return (tsc - (s.when >> 24)) & SIGNATURE_TIME_MASK;
}

/* To be added to the sum of 16-bit words that it stands in, at an even place. */
static inline uint64_t signature_sum(struct signature s)
{
	return (uint32_t)s.who + (s.who >> 32) + (uint32_t)s.when + (s.when >> 32);
}

#endif
