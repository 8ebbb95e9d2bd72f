/* SPDX-License-Identifier: BSD-3-Clause */
/* Swap: a packet's two ends change places: the MACs, or MACs, IP addresses and ports. */
#ifndef SWAP_H
#define SWAP_H

#include <stdint.h>
#include <string.h>
#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

/* Both addresses are 12 bytes side by side: loaded as 8 and 4, turned, and stored. */
static inline void swap_macs(void *frame)
{
	uint64_t low, turned;
	uint32_t high, last;

	memcpy(&low, frame, sizeof(low));
	memcpy(&high, (char *)frame + sizeof(low), sizeof(high));
	turned = low >> 48 | (uint64_t)high << 16 | low << 48;
	last = (uint32_t)(low >> 16);
	memcpy(frame, &turned, sizeof(turned));
	memcpy((char *)frame + sizeof(turned), &last, sizeof(last));
}

/* The same of a frame that has so many bytes, EtherType and more behind it: at once. */
#define SWAP_WHOLE 16
static inline void swap_macs_whole(void *frame)
{
#ifdef __SSSE3__
	const __m128i turned = _mm_set_epi8(15, 14, 13, 12, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6);

	_mm_storeu_si128(frame, _mm_shuffle_epi8(_mm_loadu_si128(frame), turned));
#else
	swap_macs(frame);
#endif
}

/*
 * The MACs of an Ethernet frame, and as far as it has them in its `bytes`
 * (14 at least) the addresses of IPv4 or IPv6 behind up to two VLAN tags, and
 * TCP's or UDP's ports. Checksums stay right: their sums know no order. A
 * fragment that is not the first has no ports, nor has what comes behind
 * IPv6's extension headers.
 */
void swap_tuple(void *frame, uint32_t bytes);

#endif
