/* SPDX-License-Identifier: BSD-3-Clause */
/* Chain: filling one from each peer, one buffer at a time and all together. */
#include "seeds_chain.h"

#include <pktpool.h>
#include <rte_mempool.h>
#include <stdlib.h>

static unsigned chain_gather(struct chain *chain, void **bufs)
{
	unsigned n = chain->count;

	for (unsigned i = 0; i < n; i++)
		bufs[i] = chain->parts[i].buf;
	chain->count = 0;
	return n;
}

static bool chain_take(void *buf, void *arg)
{
	return chain_add(arg, buf);
}

static bool pktpool_fill_one(void *seat, struct chain *chain)
{
	for (unsigned i = 0; i < SEEDS_REQUEST; i++) {
		void *buf = pp_alloc(seat, 0);

		if (!buf)
			return false;
		chain_add(chain, buf);
	}
	return true;
}

static void pktpool_drain_one(void *seat, struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		pp_free(seat, chain->parts[i].buf);
	chain->count = 0;
}

static bool pktpool_fill(void *seat, struct chain *chain)
{
	return pp_alloc_bulk_cb(seat, SEEDS_REQUEST, 0, chain_take, chain) == SEEDS_REQUEST;
}

static bool pktpool_fill_array(void *seat, struct chain *chain)
{
	void *bufs[SEEDS_REQUEST];

	if (!pp_alloc_bulk(seat, bufs, SEEDS_REQUEST, 0))
		return false;
	for (unsigned i = 0; i < SEEDS_REQUEST; i++)
		chain_add(chain, bufs[i]);
	return true;
}

static void pktpool_drain(void *seat, struct chain *chain)
{
	void *bufs[SEEDS_REQUEST];

	pp_free_bulk(seat, bufs, chain_gather(chain, bufs));
}

/* By way of a mempool that keeps 256 back, as dm-crypt's does. */
static bool kept_fill_one(void *seat, struct chain *chain)
{
	for (unsigned i = 0; i < SEEDS_REQUEST; i++) {
		void *buf;

		if (!pp_mempool_alloc_bulk(seat, &buf, 1, 0, NULL))
			return false;
		chain_add(chain, buf);
	}
	return true;
}

static void kept_drain_one(void *seat, struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		pp_mempool_free_bulk(seat, &chain->parts[i].buf, 1);
	chain->count = 0;
}

static bool kept_fill(void *seat, struct chain *chain)
{
	return pp_mempool_alloc_bulk_cb(seat, SEEDS_REQUEST, 0, NULL, chain_take, chain) ==
	       SEEDS_REQUEST;
}

static void kept_drain(void *seat, struct chain *chain)
{
	void *bufs[SEEDS_REQUEST];
	unsigned n = chain_gather(chain, bufs);

	if (n)
		pp_mempool_free_bulk(seat, bufs, n);
}

static bool mempool_fill_one(void *seat, struct chain *chain)
{
	for (unsigned i = 0; i < SEEDS_REQUEST; i++) {
		void *buf;

		if (rte_mempool_get(seat, &buf))
			return false;
		chain_add(chain, buf);
	}
	return true;
}

static void mempool_drain_one(void *seat, struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		rte_mempool_put(seat, chain->parts[i].buf);
	chain->count = 0;
}

static bool mempool_fill(void *seat, struct chain *chain)
{
	void *bufs[SEEDS_REQUEST];

	if (rte_mempool_get_bulk(seat, bufs, SEEDS_REQUEST))
		return false;
	for (unsigned i = 0; i < SEEDS_REQUEST; i++)
		chain_add(chain, bufs[i]);
	return true;
}

static void mempool_drain(void *seat, struct chain *chain)
{
	void *bufs[SEEDS_REQUEST];

	rte_mempool_put_bulk(seat, bufs, chain_gather(chain, bufs));
}

static bool malloc_fill(void *seat, struct chain *chain)
{
	(void)seat;
	for (unsigned i = 0; i < SEEDS_REQUEST; i++) {
		void *buf = malloc(SEEDS_PAGE);

		if (!buf)
			return false;
		chain_add(chain, buf);
	}
	return true;
}

static void malloc_drain(void *seat, struct chain *chain)
{
	(void)seat;
	for (unsigned i = 0; i < chain->count; i++)
		free(chain->parts[i].buf);
	chain->count = 0;
}

/* The next 256 buffers of a fixed memory: nothing but the chain's own writing. */
static bool floor_fill(void *seat, struct chain *chain)
{
	struct seeds_carousel *carousel = seat;

	for (unsigned i = 0; i < SEEDS_REQUEST; i++)
		chain_add(chain, carousel->slots[carousel->next++ & carousel->mask]);
	return true;
}

static void floor_drain(void *seat, struct chain *chain)
{
	(void)seat;
	chain->count = 0;
}

const struct chain_maker chain_makers[CHAIN_MAKERS] = {
	[CHAIN_PKTPOOL_ONE] = { "pktpool, one by one", 1, -1, pktpool_fill_one, pktpool_drain_one },
	[CHAIN_PKTPOOL_CALLBACK] = { "pktpool, bulk callback", SEEDS_REQUEST, CHAIN_PKTPOOL_ONE,
				     pktpool_fill, pktpool_drain },
	[CHAIN_PKTPOOL_ARRAY] = { "pktpool, 256 at once", SEEDS_REQUEST, CHAIN_PKTPOOL_ONE,
				  pktpool_fill_array, pktpool_drain },
	[CHAIN_KEPT_ONE] = { "pktpool's mempool, one by one", 1, -1, kept_fill_one,
			     kept_drain_one },
	[CHAIN_KEPT_CALLBACK] = { "pktpool's mempool, bulk callback", SEEDS_REQUEST, CHAIN_KEPT_ONE,
				  kept_fill, kept_drain },
	[CHAIN_MEMPOOL_ONE] = { "ring_mp_mc, one by one", 1, -1, mempool_fill_one,
				mempool_drain_one },
	[CHAIN_MEMPOOL_BULK] = { "ring_mp_mc, 256 at once", SEEDS_REQUEST, CHAIN_MEMPOOL_ONE,
				 mempool_fill, mempool_drain },
	[CHAIN_MALLOC] = { "malloc", 1, -1, malloc_fill, malloc_drain },
	[CHAIN_FLOOR] = { "floor: no pool", 1, -1, floor_fill, floor_drain },
	[CHAIN_SHUFFLED] = { "floor, shuffled", 1, -1, floor_fill, floor_drain },
};
