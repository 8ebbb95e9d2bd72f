/* SPDX-License-Identifier: BSD-3-Clause */
/* Umems: mempools of mbufs as AF_XDP UMEMs, one for all the queues that have it. */
#include "pp_umems.h"

#include <errno.h>
#include <pthread.h>
#include <rte_mbuf.h>
#include <stdlib.h>

#include "pp_fail.h"

static struct pp_umem *umems;
static pthread_mutex_t umems_lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned source_alloc(void *mbufs, void **to, unsigned n, enum pp_xsk_need need)
{
	switch (need) {
	case PP_XSK_ALL:
		return pp_mbufs_bulk(mbufs, to, n);
	case PP_XSK_ANY:
		return pp_mbufs_burst(mbufs, to, n);
	case PP_XSK_TRADE:
		return pp_mbufs_trade(mbufs, to, n);
	case PP_XSK_LAST:
		break;
	}
	return pp_mbufs_last(mbufs, to, n);
}

static void source_free(void *mbufs, void *const *from, unsigned n)
{
	pp_mbufs_free(mbufs, from, n);
}

static int umem_open(struct pp_umem *umem, struct rte_mempool *mp)
{
	uint32_t before = (uint32_t)sizeof(struct rte_mbuf) + rte_pktmbuf_priv_size(mp);
	uint32_t used = before + rte_pktmbuf_data_room_size(mp);
	struct pp_xsk_umem_params params = {
		.sz = sizeof(params),
		.headroom = before + RTE_PKTMBUF_HEADROOM,
		.buffer_size = mp->header_size + mp->elt_size + mp->trailer_size,
		.lead = mp->header_size,
	};
	int rc = pp_mbufs_check(mp);

	if (rc)
		return rc;
	/* What the mempool has left behind an mbuf's end. */
	params.tail = mp->elt_size - used + mp->trailer_size;
	pp_mbufs_open(&umem->mbufs, mp);
	umem->source = (struct pp_xsk_source){ source_alloc, source_free, &umem->mbufs };
	if (!umem->mbufs.pool && !pp_mbufs_area(mp, &params.area, &params.bytes))
		return pp_fail(-ENOTSUP, "mempool %s is not one area of aligned objects", mp->name);
	return pp_xsk_umem_create(umem->mbufs.pool, &params, &umem->umem);
}

/* One more, in front of the others; NULL with the reason in *rc. */
static struct pp_umem *umem_create(struct rte_mempool *mp, int *rc)
{
	struct pp_umem *umem = calloc(1, sizeof(*umem));

	*rc = umem ? umem_open(umem, mp) : pp_fail(-ENOMEM, "no memory for a UMEM");
	if (!umem || *rc) {
		free(umem);
		return NULL;
	}
	umem->next = umems;
	umems = umem;
	return umem;
}

int pp_umem_get(struct rte_mempool *mp, struct pp_umem **to)
{
	struct pp_umem *umem;
	int rc = 0;

	pthread_mutex_lock(&umems_lock);
	for (umem = umems; umem && umem->mbufs.mp != mp;)
		umem = umem->next;
	if (!umem)
		umem = umem_create(mp, &rc);
	if (umem) {
		umem->users++;
		*to = umem;
	}
	pthread_mutex_unlock(&umems_lock);
	return rc;
}

void pp_umem_put(struct pp_umem *umem)
{
	struct pp_umem **at = &umems;

	if (!umem)
		return;
	pthread_mutex_lock(&umems_lock);
	if (!--umem->users) {
		while (*at != umem)
			at = &(*at)->next;
		*at = umem->next;
		pp_xsk_umem_destroy(umem->umem);
		free(umem);
	}
	pthread_mutex_unlock(&umems_lock);
}

uint16_t pp_umem_data_off(const struct pp_umem *umem)
{
	return (uint16_t)(pp_xsk_umem_data(umem->umem) - sizeof(struct rte_mbuf) -
			  rte_pktmbuf_priv_size(umem->mbufs.mp));
}
