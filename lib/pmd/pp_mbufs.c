/* SPDX-License-Identifier: BSD-3-Clause */
/* Mbufs: where a driver's mbufs come from: a pktpool itself, or an rte_mempool. */
#include "pp_mbufs.h"

#include <unistd.h>

#include "pp_fail.h"

/* Of libpktpool_dpdk, which an application has or has not. */
extern struct pp_pool *pp_pktmbuf_pool(const struct rte_mempool *mp) __attribute__((weak));

void pp_mbufs_open(struct pp_mbufs *mbufs, struct rte_mempool *mp)
{
	mbufs->mp = mp;
	mbufs->pool = pp_pktmbuf_pool ? pp_pktmbuf_pool(mp) : NULL;
	if (mbufs->pool)
		pp_pool_key(mbufs->pool, &mbufs->key);
}

int pp_mbufs_check(struct rte_mempool *mp)
{
	uint32_t wants = (uint32_t)sizeof(struct rte_mbuf) + rte_pktmbuf_priv_size(mp) +
			 rte_pktmbuf_data_room_size(mp);

	if (mp->elt_size >= wants)
		return 0;
	return pp_fail(-EINVAL,
		       "mempool %s: its objects of %u bytes are no mbufs, which it says have %u: "
		       "make it with rte_pktmbuf_pool_create()",
		       mp->name, mp->elt_size, wants);
}

static struct pp_cache *mbufs_cache(const struct pp_mbufs *mbufs)
{
	return likely(mbufs->pool != NULL) ? pp_key_cache(&mbufs->key) : NULL;
}

unsigned pp_mbufs_bulk(const struct pp_mbufs *mbufs, void **to, unsigned n)
{
	struct pp_cache *cache = mbufs_cache(mbufs);

	if (likely(cache != NULL))
		return pp_alloc_bulk(cache, to, n, 0);
	return rte_mempool_get_bulk(mbufs->mp, to, n) ? 0 : n;
}

unsigned pp_mbufs_burst(const struct pp_mbufs *mbufs, void **to, unsigned n)
{
	struct pp_cache *cache = mbufs_cache(mbufs);

	if (likely(cache != NULL))
		return pp_alloc_burst(cache, to, n, 0);
	while (n && rte_mempool_get_bulk(mbufs->mp, to, n))
		n /= 2;
	return n;
}

unsigned pp_mbufs_trade(const struct pp_mbufs *mbufs, void **to, unsigned n)
{
	/* The mempool's own way knows who owes what. */
	return rte_mempool_get_bulk(mbufs->mp, to, n) ? 0 : n;
}

unsigned pp_mbufs_last(const struct pp_mbufs *mbufs, void **to, unsigned n)
{
	struct pp_cache *cache = mbufs_cache(mbufs);

	if (pp_mbufs_trade(mbufs, to, n))
		return n;
	return cache ? pp_alloc_bulk(cache, to, n, PP_CRITICAL) : 0;
}

void pp_mbufs_free(const struct pp_mbufs *mbufs, void *const *from, unsigned n)
{
	struct pp_cache *cache = mbufs_cache(mbufs);

	if (likely(cache != NULL))
		pp_free_bulk(cache, from, n);
	else
		rte_mempool_put_bulk(mbufs->mp, from, n);
}

uint64_t pp_mbuf_rearm(uint16_t port, uint32_t data_off)
{
	struct rte_mbuf like = { .nb_segs = 1, .port = port, .data_off = (uint16_t)data_off };

	rte_mbuf_refcnt_set(&like, 1);
	return *(uint64_t *)RTE_PTR_ADD(&like, offsetof(struct rte_mbuf, data_off));
}

struct rte_mbuf *pp_mbufs_copy(const struct pp_mbufs *mbufs, const struct rte_mbuf *packet,
			       uint32_t most)
{
	struct rte_mbuf *head = NULL, **next = &head, *m;

	for (uint32_t from = 0; from < packet->pkt_len; from += m->data_len) {
		uint32_t bytes = RTE_MIN(packet->pkt_len - from, most);
		const void *data;
		void *to;

		m = rte_pktmbuf_alloc(mbufs->mp);
		if (!m) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		*next = m;
		next = &m->next;
		head->nb_segs += m != head;
		to = rte_pktmbuf_mtod(m, void *);
		m->data_len = (uint16_t)bytes;
		data = rte_pktmbuf_read(packet, from, bytes, to);
		if (data != to)
			memcpy(to, data, bytes);
	}
	if (head)
		head->pkt_len = packet->pkt_len;
	return head;
}

bool pp_mbufs_area(const struct rte_mempool *mp, void **area, size_t *bytes)
{
	uintptr_t low = UINTPTR_MAX, high = 0, page = (uintptr_t)getpagesize();
	const struct rte_mempool_memhdr *chunk;
	size_t sum = 0;

	STAILQ_FOREACH(chunk, &mp->mem_list, next)
	{
		low = RTE_MIN(low, (uintptr_t)chunk->addr);
		high = RTE_MAX(high, (uintptr_t)chunk->addr + chunk->len);
		sum += chunk->len;
	}
	if (!sum || mp->flags & RTE_MEMPOOL_F_NO_CACHE_ALIGN)
		return false;
	*area = (void *)RTE_ALIGN_FLOOR(low, page);
	*bytes = RTE_ALIGN_CEIL(high, page) - (uintptr_t)*area;
	/* What the ends of hugepages cost lies between the chunks, no more. */
	return *bytes <= sum + sum / 4 + 2 * page;
}
