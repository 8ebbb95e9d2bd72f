/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: see defer_peers.h. */
#include "defer_peers.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_rcu_qsbr.h>
#include <stdlib.h>

/* As PP_LIMBO_SHARE in the library: arrays freed for one filled. */
#define SHARE 2

static inline bool token_done(struct defer_bench *b, uint64_t token)
{
	return rte_rcu_qsbr_check(b->qsbr, token, false);
}

static inline void bench_rest(struct defer_bench *b)
{
	if (b->self)
		rte_rcu_qsbr_quiescent(b->qsbr, DEFER_SELF);
}

static inline void token_wait(struct defer_bench *b, uint64_t token)
{
	while (!token_done(b, token)) {
		bench_rest(b);
		rte_pause();
	}
}

static inline void block_defer(struct defer_bench *b, void *obj)
{
	pp_defer_free(b->defer, obj);
}

static void block_settle(struct defer_bench *b)
{
	pp_defer_barrier(b->defer);
}
#define head_settle block_settle

static inline void head_defer(struct defer_bench *b, void *obj)
{
	pp_defer_free_head(b->defer, obj, obj);
}

/* One array: full, it waits for its grace period before the next pointer. */
static inline void array_defer(struct defer_bench *b, void *obj)
{
	b->one.slots[b->filled++] = obj;
	if (b->filled < PP_DEFER_SLOTS)
		return;
	token_wait(b, rte_rcu_qsbr_start(b->qsbr));
	pp_free_bulk(b->cache, b->one.slots, PP_DEFER_SLOTS);
	b->filled = 0;
}

static void array_settle(struct defer_bench *b)
{
	token_wait(b, rte_rcu_qsbr_start(b->qsbr));
	pp_free_bulk(b->cache, b->one.slots, b->filled);
	b->filled = 0;
}

static inline void ring_free_first(struct defer_bench *b)
{
	pp_free_bulk(b->cache, b->ring[b->first++ % DEFER_ARRAYS].slots, PP_DEFER_SLOTS);
}

/* Many, which wait while the next is filled. */
static inline void ring_defer(struct defer_bench *b, void *obj)
{
	struct defer_array *array = &b->ring[b->next % DEFER_ARRAYS];

	array->slots[b->filled++] = obj;
	if (b->filled < PP_DEFER_SLOTS)
		return;
	array->token = rte_rcu_qsbr_start(b->qsbr);
	b->filled = 0;
	b->next++;
	for (unsigned i = 0; i < SHARE && b->first < b->next &&
			     token_done(b, b->ring[b->first % DEFER_ARRAYS].token);
	     i++)
		ring_free_first(b);
	if (b->next - b->first == DEFER_ARRAYS) {
		token_wait(b, b->ring[b->first % DEFER_ARRAYS].token);
		ring_free_first(b);
	}
}

static void ring_settle(struct defer_bench *b)
{
	token_wait(b, rte_rcu_qsbr_start(b->qsbr));
	while (b->first < b->next)
		ring_free_first(b);
	pp_free_bulk(b->cache, b->ring[b->next % DEFER_ARRAYS].slots, b->filled);
	b->filled = 0;
}

static inline void list_free_due(struct defer_bench *b)
{
	while (b->head && token_done(b, b->head->token)) {
		struct defer_node *node = b->head;

		b->head = node->next;
		pp_free(b->cache, node);
	}
	if (!b->head)
		b->tail = &b->head;
}

/* Each by itself, on a list through the objects. */
static inline void list_defer(struct defer_bench *b, void *obj)
{
	struct defer_node *node = obj;

	node->next = NULL;
	node->token = rte_rcu_qsbr_start(b->qsbr);
	*b->tail = node;
	b->tail = &node->next;
	list_free_due(b);
}

static void list_settle(struct defer_bench *b)
{
	token_wait(b, rte_rcu_qsbr_start(b->qsbr));
	list_free_due(b);
}

static void dq_settle(struct defer_bench *b)
{
	unsigned pending = 1;

	token_wait(b, rte_rcu_qsbr_start(b->qsbr));
	while (pending)
		rte_rcu_qsbr_dq_reclaim(b->dq, DEFER_OBJECTS, NULL, &pending, NULL);
}

static inline void dq_defer(struct defer_bench *b, void *obj)
{
	/* Full, as a pool is empty. */
	while (rte_rcu_qsbr_dq_enqueue(b->dq, &obj)) {
		dq_settle(b);
		b->starved++;
	}
}

/* What there is without any of it: wait, and free one. */
static inline void wait_defer(struct defer_bench *b, void *obj)
{
	token_wait(b, rte_rcu_qsbr_start(b->qsbr));
	pp_free(b->cache, obj);
}

static void wait_settle(struct defer_bench *b)
{
	(void)b;
}

/* A reader that has lost its CPU keeps all objects: the sample is spoiled, the run is not. */
#define LOOP(name)                                                                          \
	static uint64_t name##_run(struct defer_bench *b, unsigned batch, unsigned batches) \
	{                                                                                   \
		uint64_t began = rte_rdtsc_precise();                                       \
                                                                                            \
		while (batches--) {                                                         \
			while (!pp_alloc_bulk(b->cache, b->bufs, batch, 0)) {               \
				name##_settle(b);                                           \
				b->starved++;                                               \
			}                                                                   \
			for (unsigned i = 0; i < batch; i++)                                \
				name##_defer(b, b->bufs[i]);                                \
			bench_rest(b);                                                      \
		}                                                                           \
		return rte_rdtsc_precise() - began;                                         \
	}

LOOP(block)
LOOP(head)
LOOP(array)
LOOP(ring)
LOOP(list)
LOOP(dq)
LOOP(wait)

const struct defer_peer defer_peers[DEFER_PEERS] = {
	{ "pp_defer", "pp_defer_free()", block_run, block_settle },
	{ "pp_defer_head", "pp_defer_free_head()", head_run, head_settle },
	{ "array", "one fixed array of 64, waiting when it is full", array_run, array_settle },
	{ "arrays", "32 fixed arrays of 64 in a ring", ring_run, ring_settle },
	{ "list", "each by itself: token, list, check, free", list_run, list_settle },
	{ "dq", "rte_rcu_qsbr_dq, for one thread", dq_run, dq_settle },
	{ "wait", "each waited for, then freed", wait_run, wait_settle },
};

static void dq_free(void *cache, void *element, unsigned n)
{
	pp_free_bulk(cache, element, n);
}

static void block_free(void *cache, void *const *objs, unsigned n)
{
	pp_free_bulk(cache, objs, n);
}

static uint32_t reader_self(void)
{
	return DEFER_SELF;
}

int defer_bench_open(struct defer_bench *b)
{
	struct pp_pool_params objects = { .sz = sizeof(objects),
					  .name = "objects",
					  .buffer_size = 256,
					  .buffers = DEFER_OBJECTS,
					  .owners = 2 };
	struct pp_pool_params blocks = { .sz = sizeof(blocks),
					 .name = "blocks",
					 .buffer_size = 1024,
					 .buffers = 2048,
					 .owners = 2 };
	struct rte_rcu_qsbr_dq_parameters queue = { .name = "bench",
						    .flags = RTE_RCU_QSBR_DQ_MT_UNSAFE,
						    .size = DEFER_OBJECTS,
						    .esize = sizeof(void *),
						    .trigger_reclaim_limit = PP_DEFER_SLOTS,
						    .max_reclaim_size = PP_DEFER_SLOTS,
						    .free_fn = dq_free };
	struct pp_defer_params params = { .sz = sizeof(params),
					  .ops = &pp_qsbr_ops,
					  .grace = &b->grace,
					  .free_bulk = block_free };
	int rc = pp_pool_create(&objects, &b->objects);

	rc = rc ? rc : pp_pool_create(&blocks, &b->blocks);
	if (rc) {
		fprintf(stderr, "pktpool-bench-defer: %s\n", pp_error());
		return rc;
	}
	b->cache = pp_pool_cache(b->objects);
	b->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(2));
	if (!b->cache || !b->qsbr || rte_rcu_qsbr_init(b->qsbr, 2))
		return -ENOMEM;
	b->tail = &b->head;
	b->grace = (struct pp_qsbr){ b->qsbr, reader_self };
	params.pool = b->blocks;
	params.arg = queue.p = b->cache;
	queue.v = b->qsbr;
	rc = pp_defer_create(&params, &b->defer);
	b->dq = rte_rcu_qsbr_dq_create(&queue);
	if (!rc && !b->dq)
		rc = -rte_errno;
	if (rc)
		fprintf(stderr, "pktpool-bench-defer: %s\n", b->dq ? pp_error() : "no defer queue");
	return rc;
}

int defer_bench_close(struct defer_bench *b)
{
	int rc = pp_defer_destroy(b->defer);

	rte_rcu_qsbr_dq_delete(b->dq);
	free(b->qsbr);
	rc = rc ? rc : pp_pool_check(b->objects);
	rc = rc ? rc : pp_pool_check(b->blocks);
	rc = rc ? rc : pp_pool_destroy(b->blocks);
	rc = rc ? rc : pp_pool_destroy(b->objects);
	if (rc)
		fprintf(stderr, "pktpool-bench-defer: %s\n", pp_error());
	return rc ? -EUCLEAN : 0;
}
