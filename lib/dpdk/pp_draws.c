/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws: a table in shared memory, of a number for each mbuf. */
#include "pp_draws.h"
#include "pp_fail.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static size_t draws_bytes(const struct pp_region *region)
{
	return sizeof(struct pp_draws) + pp_buffer_index_end(region) * sizeof(uint32_t);
}

struct pp_draws *pp_draws_create(const struct pp_region *region)
{
	void *draws = mmap(NULL, draws_bytes(region), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (draws != MAP_FAILED)
		return draws;
	pp_fail(-errno, "no memory to number the draws of %u mbufs: %s",
		pp_buffer_index_end(region), strerror(errno));
	return NULL;
}

void pp_draws_destroy(struct pp_draws *draws, const struct pp_region *region)
{
	munmap(draws, draws_bytes(region));
}

uint32_t pp_draws_note(struct pp_draws *draws, const struct pp_region *region,
		       const struct rte_mbuf *m)
{
	uint32_t number;

	do
		number = __atomic_add_fetch(&draws->last, 1, __ATOMIC_RELAXED);
	while (!number);
	__atomic_store_n(&draws->of[pp_buffer_index(region, m)], number, __ATOMIC_SEQ_CST);
	return number;
}

uint32_t pp_draws_last(const struct pp_draws *draws, const struct pp_region *region,
		       const struct rte_mbuf *m)
{
	return __atomic_load_n(&draws->of[pp_buffer_index(region, m)], __ATOMIC_SEQ_CST);
}
