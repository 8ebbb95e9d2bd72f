/* SPDX-License-Identifier: BSD-3-Clause */
/* Critical: receiving out of the reserve when nothing else is left, and paying it back. */
#include "pp_critical.h"
#include "pp_binding.h"
#include "pp_local.h"
#include "pp_pktmbuf.h"

#include <pthread.h>
#include <string.h>

/* Marks that a thread can owe: twice the largest burst that anybody asks for. */
#define OWED_MAX 1024
/* Refused buffers that go home at once. */
#define BATCH 64

/*
 * Drawn, and not seen in a packet: it lies in a receive ring. Known by the
 * mempool's number (pp_local.h), as its memory may be gone with the mempool; and
 * by the draw's (pp_draws.h), as the driver may have freed it, at a port's stop,
 * and whoever has drawn it since has the mark.
 */
struct owed {
	struct rte_mbuf *m;
	uint64_t id;
	uint32_t draw;
};

__thread struct pp_critical_thread pp_critical;
static __thread struct owed owed[OWED_MAX];
/* pp_local_ids_ended() when that was last looked through. */
static __thread uint64_t owed_ended;

/* Buffers of one pool on their way home. */
struct batch {
	struct pp_cache *cache;
	unsigned n;
	void *bufs[BATCH];
};

/* The parent's receive rings are not the child's. */
static void owed_forget(void)
{
	memset(&pp_critical, 0, sizeof(pp_critical));
}

__attribute__((constructor)) static void owed_prepare(void)
{
	pthread_atfork(NULL, NULL, owed_forget);
}

unsigned pp_critical_draw(struct pp_cache *cache, void **objs, unsigned n)
{
	const struct pp_binding *binding;

	if (!pp_critical.receiving || n > OWED_MAX - pp_critical.owed ||
	    !pp_alloc_bulk(cache, objs, n, PP_CRITICAL))
		return 0;
	binding = pp_mempool_binding(((const struct rte_mbuf *)objs[0])->pool);
	for (unsigned i = 0; i < n; i++) {
		/* First, so that an older debt that still takes this mark is seen. */
		uint32_t draw = pp_draws_note(binding->draws, binding->region, objs[i]);

		if (!pp_marked(binding->pool, objs[i]))
			continue;
		owed[pp_critical.owed++] =
			(struct owed){ .m = objs[i], .id = binding->id, .draw = draw };
		pp_critical.drawn++;
	}
	return n;
}

static struct pp_pool *mbuf_pool(const struct rte_mbuf *m)
{
	return pp_pktmbuf_pool(m->pool);
}

static bool mbuf_marked(const struct rte_mbuf *m)
{
	const struct pp_pool *pool = mbuf_pool(m);

	return pool && pp_marked(pool, m);
}

PP_API bool pp_critical_marked(const struct rte_mbuf *packet)
{
	for (; packet; packet = packet->next)
		if (mbuf_marked(packet))
			return true;
	return false;
}

static void owed_drop(unsigned i)
{
	owed[i] = owed[--pp_critical.owed];
}

/* Of mempools that have been freed nothing is owed. */
static void owed_review(void)
{
	uint64_t ended = pp_local_ids_ended();

	if (PP_LIKELY(ended == owed_ended))
		return;
	owed_ended = ended;
	for (unsigned i = pp_critical.owed; i-- > 0;)
		if (!pp_local_id_lives(owed[i].id))
			owed_drop(i);
}

/* It came out of the ring by itself, and has its mark with it. */
static void owed_settle(const struct rte_mbuf *m)
{
	for (unsigned i = pp_critical.owed; i-- > 0;)
		if (owed[i].m == m)
			owed_drop(i);
}

/* One more mark is paid, by this mbuf that has none, if one of its pool is owed. */
static void owed_pass(struct rte_mbuf *m)
{
	const struct pp_binding *binding = pp_mempool_binding(m->pool);

	if (!binding)
		return;
	for (unsigned i = pp_critical.owed; i-- > 0;) {
		const struct owed debt = owed[i];

		if (debt.id != binding->id)
			continue;
		owed_drop(i);
		/* Else the driver has freed it meanwhile, and it went home by itself. */
		if (pp_draws_last(binding->draws, binding->region, debt.m) == debt.draw &&
		    pp_mark_pass(binding->pool, debt.m, m))
			return;
	}
}

static void packet_mark(struct rte_mbuf *packet)
{
	for (struct rte_mbuf *m = packet; m && pp_critical.owed; m = m->next)
		if (!mbuf_marked(m))
			owed_pass(m);
}

static void batch_end(struct batch *batch)
{
	unsigned left = batch->n;

	if (batch->cache)
		left = pp_refuse_marked(batch->cache, batch->bufs, batch->n);
	for (unsigned i = 0; i < left; i++)
		rte_mbuf_raw_free(batch->bufs[i]);
	batch->n = 0;
}

static void batch_add(struct batch *batch, struct rte_mbuf *m)
{
	struct pp_cache *cache = pp_pool_cache(mbuf_pool(m));

	if (batch->n == BATCH || cache != batch->cache)
		batch_end(batch);
	batch->cache = cache;
	batch->bufs[batch->n++] = m;
}

static void packet_refuse(struct batch *batch, struct rte_mbuf *packet)
{
	struct rte_mbuf *next;

	for (struct rte_mbuf *m = packet; m; m = next) {
		next = m->next;
		m = rte_pktmbuf_prefree_seg(m);
		if (!m)
			continue;
		if (mbuf_marked(m))
			batch_add(batch, m);
		else
			rte_mbuf_raw_free(m);
	}
}

PP_API uint16_t pp_critical_settle(struct rte_mbuf **pkts, uint16_t n, pp_critical_fn fn, void *arg)
{
	struct batch batch = { 0 };
	uint16_t kept = 0;

	owed_review();
	for (uint16_t i = 0; i < n; i++)
		for (struct rte_mbuf *m = pkts[i]; m; m = m->next)
			if (mbuf_marked(m))
				owed_settle(m);
	for (uint16_t i = 0; i < n; i++) {
		bool critical = !fn || fn(pkts[i], arg);

		if (!critical)
			packet_mark(pkts[i]);
		if (critical || !pp_critical_marked(pkts[i]))
			pkts[kept++] = pkts[i];
		else
			packet_refuse(&batch, pkts[i]);
	}
	batch_end(&batch);
	for (uint16_t i = 0; i < kept && pp_critical.owed; i++)
		packet_mark(pkts[i]);
	return kept;
}

PP_API struct rte_mbuf *pp_critical_alloc(struct rte_mempool *mp)
{
	const struct pp_binding *binding = pp_mempool_binding(mp);
	struct pp_cache *cache = binding ? pp_pool_cache(binding->pool) : NULL;
	struct rte_mbuf *m = cache ? pp_alloc(cache, PP_CRITICAL) : NULL;

	if (!m)
		return NULL;
	if (pp_marked(binding->pool, m))
		pp_draws_note(binding->draws, binding->region, m);
	rte_pktmbuf_reset(m);
	return m;
}
