/* SPDX-License-Identifier: BSD-3-Clause */
/* Offset: the copies for more than 16, portable and AVX2, and the choice. */
#include "pp_offset.h"

#include <immintrin.h>

static void offset_out_portable(uintptr_t base, const uint32_t *offsets, void **bufs, unsigned n)
{
	__m128i high = _mm_set1_epi32((int)(base >> 32));
	unsigned i = 0;

	for (; i + 4 <= n; i += 4) {
		__m128i v = _mm_loadu_si128((const __m128i *)(offsets + i));

		_mm_storeu_si128((__m128i *)(bufs + i), _mm_unpacklo_epi32(v, high));
		_mm_storeu_si128((__m128i *)(bufs + i + 2), _mm_unpackhi_epi32(v, high));
	}
	for (; i < n; i++)
		bufs[i] = (void *)(base | offsets[i]);
}

static void offset_in_portable(uint32_t *offsets, void *const *bufs, unsigned n)
{
	unsigned i = 0;

	for (; i + 4 <= n; i += 4) {
		__m128 low = _mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(bufs + i)));
		__m128 high = _mm_castsi128_ps(_mm_loadu_si128((const __m128i *)(bufs + i + 2)));

		_mm_storeu_si128((__m128i *)(offsets + i),
				 _mm_castps_si128(_mm_shuffle_ps(low, high, 0x88)));
	}
	for (; i < n; i++)
		offsets[i] = (uint32_t)(uintptr_t)bufs[i];
}

/*
 * The AVX2 pair leaves each eight in another order than it found them (the
 * unpacks and shuffles work within 128-bit lanes): a set of buffers has none.
 * Sixteen a turn, pointers that advance, and a start on a line: a loop that
 * straddles one costs a quarter more at n = 64. The barrier keeps the compiler
 * from making vectors of the rest, which is 15 at most and mostly none.
 */
#define COPY __attribute__((target("avx2"), aligned(64))) static void

COPY offset_out_avx2(uintptr_t base, const uint32_t *offsets, void **bufs, unsigned n)
{
	__m256i high = _mm256_set1_epi32((int)(base >> 32));
	const uint32_t *end = offsets + (n & ~15u);

	for (; offsets != end; offsets += 16, bufs += 16) {
		__m256i v = _mm256_loadu_si256((const __m256i *)offsets);
		__m256i w = _mm256_loadu_si256((const __m256i *)(offsets + 8));

		_mm256_storeu_si256((__m256i *)bufs, _mm256_unpacklo_epi32(v, high));
		_mm256_storeu_si256((__m256i *)(bufs + 4), _mm256_unpackhi_epi32(v, high));
		_mm256_storeu_si256((__m256i *)(bufs + 8), _mm256_unpacklo_epi32(w, high));
		_mm256_storeu_si256((__m256i *)(bufs + 12), _mm256_unpackhi_epi32(w, high));
	}
	for (n &= 15; n; n--) {
		*bufs++ = (void *)(base | *offsets++);
		__asm__("" ::: "memory");
	}
}

COPY offset_in_avx2(uint32_t *offsets, void *const *bufs, unsigned n)
{
	const uint32_t *end = offsets + (n & ~15u);

	for (; offsets != end; offsets += 16, bufs += 16) {
		__m256 a = _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)bufs));
		__m256 b = _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(bufs + 4)));
		__m256 c = _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(bufs + 8)));
		__m256 d = _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(bufs + 12)));

		_mm256_storeu_si256((__m256i *)offsets,
				    _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)));
		_mm256_storeu_si256((__m256i *)(offsets + 8),
				    _mm256_castps_si256(_mm256_shuffle_ps(c, d, 0x88)));
	}
	for (n &= 15; n; n--) {
		*offsets++ = (uint32_t)(uintptr_t)*bufs++;
		__asm__("" ::: "memory");
	}
}

/* Portable until the constructor has run, so that no order of loading finds NULL. */
void (*pp_offset_out_many)(uintptr_t, const uint32_t *, void **, unsigned) = offset_out_portable;
void (*pp_offset_in_many)(uint32_t *, void *const *, unsigned) = offset_in_portable;

__attribute__((constructor)) static void offset_choose(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2")) {
		pp_offset_out_many = offset_out_avx2;
		pp_offset_in_many = offset_in_avx2;
	}
}
