/* SPDX-License-Identifier: BSD-3-Clause */
/* Sum: the Internet checksum's arithmetic, in words as the machine reads them (RFC 1071). */
#ifndef SUM_H
#define SUM_H

#include <stdint.h>
#include <string.h>

/*
 * Sums are 64 bits wide, of 16- or 32-bit words loaded from the packet as they
 * lie there: the order of bytes does not matter as long as it is one (RFC 1071,
 * 2.B). What varies is added to the sum of what does not, as in RFC 1624.
 */
static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* As it would be one byte further on. */
static inline uint16_t sum_shift(uint64_t sum)
{
	return __builtin_bswap16(sum_fold(sum));
}

/* Of bytes that begin at an even place. */
static inline uint64_t sum_bytes(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t sum = 0;
	uint32_t word;

	for (; n >= 4; n -= 4, at += 4) {
		memcpy(&word, at, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, at, n);
	return sum + word;
}

#endif
