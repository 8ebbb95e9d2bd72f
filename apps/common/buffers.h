/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers: the packets' memory, from pktpool or one of rte_mempool's own kinds. */
#ifndef BUFFERS_H
#define BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mempool;

enum buffers_kind { BUFFERS_PKTPOOL, BUFFERS_RING_MP_MC, BUFFERS_STACK };
#define BUFFERS_KINDS 3
#define BUFFERS_PAGES 3

/* "pktpool", "ring_mp_mc", "stack"; also the names of rte_mempool's ops. */
const char *buffers_kind_name(enum buffers_kind kind);
/* "2M", "1G", "4K". */
const char *buffers_pages_name(int pages);

struct buffers_params {
	enum buffers_kind kind;
	uint32_t buffers;
	uint16_t data_room; /* bytes, with the headroom */
	int pages;          /* enum pp_pages */
	uint32_t reserve;   /* of the buffers, for what is critical */
	/* Of each lcore's rte_mempool cache; if not given, what suits the kind. */
	uint32_t cache;
	bool cache_given;
};

struct buffers {
	struct rte_mempool *mp;
	enum buffers_kind kind;
};

/* APP_OK, or an enum app_exit having said what is wrong. gapless: net_af_xdp is among the ports. */
int buffers_create(struct buffers *b, const struct buffers_params *o, bool gapless);

/* Allocated and not freed. Exact at a quiet moment. */
uint64_t buffers_in_flight(const struct buffers *b);

/* Those that anybody could still have: the reserve is not among them. */
uint64_t buffers_free(const struct buffers *b);
/* In the reserve at the moment; 0 without one. */
uint64_t buffers_reserve(const struct buffers *b);
/* Drawn from the reserve so far, and refused because they were not for critical use. */
void buffers_reserve_used(const struct buffers *b, uint64_t *drawn, uint64_t *refused);

/*
 * After the ports are closed and every packet accounted for: what is still out
 * is in rings that no driver will look at again. Brings it home and returns
 * how many they were. Only pktpool can.
 */
uint32_t buffers_recover(struct buffers *b);

/* Walks the books and prints them; APP_FAILED if they are wrong. */
int buffers_audit(const struct buffers *b);

/* APP_FAILED if something is still out (pktpool only: rte_mempool does not ask). */
int buffers_destroy(struct buffers *b);

#endif
