/* SPDX-License-Identifier: BSD-3-Clause */
/* Carousel: the floor of two lcores: the same path on buffers that nobody has to allocate. */
#include "seeds.h"

#include <rte_malloc.h>

static inline __attribute__((always_inline)) void *carousel_get_one(struct seeds_carousel *carousel)
{
	return carousel->slots[carousel->next++ & carousel->mask];
}

static inline __attribute__((always_inline)) unsigned carousel_get(struct seeds_carousel *carousel,
								   void **bufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		bufs[i] = carousel_get_one(carousel);
	return n;
}

#define PEER_SEEDS carousel_seeds
#define peer_get(seat, bufs, n) carousel_get(seat, bufs, n)
#define peer_put(seat, bufs, n) ((void)(seat), (void)(bufs), (void)(n))
#define peer_get_one(seat) carousel_get_one(seat)
#define peer_put_one(seat, buf) ((void)(seat), (void)(buf))

#include "seeds_loops.h"

/* A power of two of them, of EAL's hugepages. */
struct seeds_carousel *carousel_create(unsigned buffers, unsigned buffer_size)
{
	struct seeds_carousel *carousel =
		rte_zmalloc("seeds", sizeof(*carousel) + buffers * sizeof(carousel->slots[0]), 64);

	if (!carousel)
		return NULL;
	carousel->mask = buffers - 1;
	carousel->memory = rte_zmalloc("seeds", (size_t)buffers * buffer_size, 4096);
	if (!carousel->memory) {
		rte_free(carousel);
		return NULL;
	}
	for (unsigned i = 0; i < buffers; i++)
		carousel->slots[i] = carousel->memory + (size_t)i * buffer_size;
	return carousel;
}

/* The same at every run. */
void carousel_shuffle(struct seeds_carousel *carousel)
{
	uint32_t random = 1;

	for (unsigned i = carousel->mask; i > 0; i--) {
		unsigned j =
			(uint32_t)((uint64_t)(random = random * 1664525 + 1013904223) * (i + 1) >>
				   32);
		void *slot = carousel->slots[i];

		carousel->slots[i] = carousel->slots[j];
		carousel->slots[j] = slot;
	}
}

void carousel_destroy(struct seeds_carousel *carousel)
{
	if (carousel)
		rte_free(carousel->memory);
	rte_free(carousel);
}
