/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers: the packets' memory, from pktpool or one of rte_mempool's own kinds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "buffers.h"
#include "app.h"
#include "pktpool.h"
#include "pp_pktmbuf.h"

static const char *const kind_names[] = {
	[BUFFERS_PKTPOOL] = "pktpool",
	[BUFFERS_RING_MP_MC] = "ring_mp_mc",
	[BUFFERS_STACK] = "stack",
};

static const char *const pages_names[] = {
	[PP_PAGES_2M] = "2M",
	[PP_PAGES_1G] = "1G",
	[PP_PAGES_4K] = "4K",
};

const char *buffers_kind_name(enum buffers_kind kind)
{
	return kind_names[kind];
}

const char *buffers_pages_name(int pages)
{
	return pages_names[pages];
}

/* What suits pktpool, as it suits testpmd: with 64, a call for every other burst costs
 * up to 5%; what lies here is hidden from other lcores. */
#define CACHE_PKTPOOL 250

/* Of ring and stack the largest that rte_mempool allows for so many. */
static uint32_t cache_size(const struct buffers_params *o)
{
	if (o->cache_given)
		return o->cache;
	if (o->kind != BUFFERS_PKTPOOL)
		return RTE_MIN((uint32_t)RTE_MEMPOOL_CACHE_MAX_SIZE, o->buffers * 2 / 3);
	if (o->reserve != 0)
		return 0;
	return RTE_MIN((uint32_t)CACHE_PKTPOOL, o->buffers / (16 * rte_lcore_count()));
}

/* In rte_mempool's caches: in flight to the pool, free to an application. */
static uint64_t cached_count(const struct rte_mempool *mp)
{
	uint64_t n = 0;

	for (unsigned i = 0; mp->cache_size != 0 && i < RTE_MAX_LCORE; i++)
		n += mp->local_cache[i].len;
	return n;
}

static struct rte_mempool *pktpool_create(const struct buffers_params *o, bool gapless)
{
	struct pp_pktmbuf_params params = {
		.sz = sizeof(params),
		.name = app_name,
		.mbufs = o->buffers,
		.data_room = o->data_room,
		.socket = rte_socket_id(),
		.pages = o->pages,
		.flags = gapless ? PP_POOL_GAPLESS : 0,
		.reserve = o->reserve,
		.cache = cache_size(o),
	};

	return pp_pktmbuf_pool_create(&params);
}

int buffers_create(struct buffers *b, const struct buffers_params *o, bool gapless)
{
	b->kind = o->kind;
	if (o->kind == BUFFERS_PKTPOOL) {
		b->mp = pktpool_create(o, gapless);
		if (b->mp != NULL)
			return APP_OK;
		complain("no pool of %" PRIu32 " buffers: %s", o->buffers, pp_error());
		return rte_errno == EINVAL ? APP_USAGE : APP_ENVIRONMENT;
	}
	b->mp = rte_pktmbuf_pool_create_by_ops(app_name, o->buffers, cache_size(o), 0, o->data_room,
					       rte_socket_id(), buffers_kind_name(o->kind));
	if (b->mp != NULL)
		return APP_OK;
	complain("no rte_mempool of %" PRIu32 " buffers over %s: %s; it takes EAL's memory: give "
		 "EAL more with -m",
		 o->buffers, buffers_kind_name(o->kind), rte_strerror(rte_errno));
	return rte_errno == EINVAL ? APP_USAGE : APP_ENVIRONMENT;
}

uint64_t buffers_in_flight(const struct buffers *b)
{
	struct pp_stats stats;

	if (b->kind != BUFFERS_PKTPOOL)
		return rte_mempool_in_use_count(b->mp);
	pp_pool_stats(pp_pktmbuf_pool(b->mp), &stats);
	/* They move while they are counted: what looks less than none is none. */
	return stats.in_flight - RTE_MIN(stats.in_flight, cached_count(b->mp));
}

uint64_t buffers_free(const struct buffers *b)
{
	struct pp_stats stats;

	if (b->kind != BUFFERS_PKTPOOL)
		return rte_mempool_avail_count(b->mp);
	pp_pool_stats(pp_pktmbuf_pool(b->mp), &stats);
	return stats.total - stats.in_flight - stats.reserve + cached_count(b->mp);
}

uint64_t buffers_reserve(const struct buffers *b)
{
	struct pp_stats stats = { 0 };

	if (b->kind == BUFFERS_PKTPOOL)
		pp_pool_stats(pp_pktmbuf_pool(b->mp), &stats);
	return stats.reserve;
}

void buffers_reserve_used(const struct buffers *b, uint64_t *drawn, uint64_t *refused)
{
	struct pp_stats stats = { 0 };

	if (b->kind == BUFFERS_PKTPOOL)
		pp_pool_stats(pp_pktmbuf_pool(b->mp), &stats);
	*drawn = stats.sum.reserve;
	*refused = stats.sum.refused;
}

uint32_t buffers_recover(struct buffers *b)
{
	return b->kind == BUFFERS_PKTPOOL ? pp_pktmbuf_pool_recover(b->mp) : 0;
}

int buffers_audit(const struct buffers *b)
{
	struct pp_pool *pool;

	if (b->kind != BUFFERS_PKTPOOL)
		return APP_OK;
	pool = pp_pktmbuf_pool(b->mp);
	pp_pool_print(pool, stdout);
	if (pp_pool_check(pool) == 0)
		return APP_OK;
	complain("the pool's books are wrong: %s", pp_error());
	return APP_FAILED;
}

int buffers_destroy(struct buffers *b)
{
	int err;

	if (b->mp == NULL)
		return APP_OK;
	if (b->kind != BUFFERS_PKTPOOL) {
		rte_mempool_free(b->mp);
		return APP_OK;
	}
	err = pp_pktmbuf_pool_free(b->mp);
	if (err == 0)
		return APP_OK;
	complain("the pool cannot be freed: %s", pp_error());
	return APP_FAILED;
}
