/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers: ways of freeing after a grace period, all on the same objects and the same QSBR. */
#ifndef DEFER_PEERS_H
#define DEFER_PEERS_H

#include <pktpool.h>
#include <pp_qsbr.h>
#include <rte_rcu_qsbr.h>

#define DEFER_OBJECTS 16384
#define DEFER_BATCH_MAX 1000
/* The ring of arrays that are allocated once: room for twice the largest batch. */
#define DEFER_ARRAYS 32

/* The thread that frees, and the one that reads on another CPU. */
enum { DEFER_SELF, DEFER_OTHER };

struct defer_array {
	uint64_t token;
	void *slots[PP_DEFER_SLOTS];
};

/* In an object that waits by itself, as the kernel's rcu_head is. */
struct defer_node {
	struct defer_node *next;
	uint64_t token;
};

struct defer_bench {
	struct rte_rcu_qsbr *qsbr;
	bool self; /* the thread that frees is the reader, and rests after each batch */
	struct pp_qsbr grace;
	struct pp_pool *objects, *blocks;
	struct pp_cache *cache;
	struct pp_defer *defer;
	struct rte_rcu_qsbr_dq *dq;
	struct defer_array one;
	struct defer_array ring[DEFER_ARRAYS];
	unsigned filled;      /* slots of the array being filled */
	uint64_t next, first; /* arrays: handed over and freed so far */
	struct defer_node *head, **tail;
	uint64_t starved; /* times that all objects waited for a reader */
	void *bufs[DEFER_BATCH_MAX];
};

struct defer_peer {
	const char *name, *what;
	/* Allocates batch by batch and frees them after grace periods: TSC cycles. */
	uint64_t (*run)(struct defer_bench *bench, unsigned batch, unsigned batches);
	/* Frees what still waits; not measured. */
	void (*settle)(struct defer_bench *bench);
};
#define DEFER_PEERS 7
extern const struct defer_peer defer_peers[DEFER_PEERS];

/* 0 or -errno, having said why. */
int defer_bench_open(struct defer_bench *bench);
/* Every object is home and nothing is wrong with the pools: 0, or -EUCLEAN. */
int defer_bench_close(struct defer_bench *bench);

#endif
