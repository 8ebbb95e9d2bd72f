/* SPDX-License-Identifier: BSD-3-Clause */
/* Store: what all owners of a pool share, as one process sees it. */
#ifndef PP_STORE_H
#define PP_STORE_H

#include "pp_block.h"
#include "pp_cache.h"
#include "pp_counters.h"
#include "pp_deque.h"
#include "pp_lock.h"
#include "pp_node.h"
#include "pp_offset.h"
#include "pp_place.h"

#define PP_MAGIC 0x314c4f4f50544b50ull /* "PKTPOOL1" */
#define PP_NAME_MAX 32

/* Why a pool's caches never open their inline limits: bits of pp_cache.mode. */
enum pp_mode {
	PP_MODE_WIDE = 1 << 0,   /* offsets in lines, beyond 4 GiB */
	PP_MODE_OWNERS = 1 << 1, /* each buffer's holder is noted */
	PP_MODE_DEBUG = 1 << 2,
	PP_MODE_CLOSED = 1 << 3, /* too few buffers for caches: all by way of the depot */
};

/* Bits of a buffer's mark, in control memory. */
enum pp_mark {
	PP_MARK_COLLECTED = 1 << 0, /* held back, its hugepage is leaving */
	PP_MARK_POISONED = 1 << 1,
	PP_MARK_RESERVE = 1 << 2, /* in flight, drawn from the reserve */
	PP_MARK_LATE = 1 << 3,    /* freed where no cache and no lock could be touched */
};

/* Threads that can wait for buffers of one pool at a time. */
#define PP_WAITERS_MAX 256

/* Who waits, first come first; numbers in the table plus one, 0 is nobody. */
struct pp_line {
	uint32_t first, last;
};

/*
 * The head of control memory.
 *
 * field                      written by                     read by
 * what pp_shared_facts is    at creation                    anyone, an attacher first
 * pressure, leaving          who shrinks (paging held)      slow paths
 * taking                     who collects                   slow paths, under their lock
 * paging, change             who grows, shrinks, maps       same
 * gate                       who raises or lowers pressing  same
 * pressing, urgent           who needs buffers (pp_home.h)  slow paths
 * home                       who places what is freed       same
 * floor .. spare             under home                     the books, pp_home.h
 * late                       any context, by atomic add     slow paths
 * low, high, advice          pp_level.h
 * multi                      before a second process comes  who collects
 * the rest                   anyone, by atomic add          the books
 */
struct pp_shared_facts {
	uint64_t magic;
	uint64_t base;
	uint64_t buffer_bytes;
	uint64_t control_bytes;
	uint64_t own_bytes;
	uint32_t buffer_size, lead, keep, link, buffers_max, flags, backing;
	uint32_t owners, block_size, blocks, ring_size, nodes, mode;
	int32_t node[PP_NODES_MAX];
	char name[PP_NAME_MAX];
	uint32_t wait_us; /* no padding: facts are compared as bytes */
};

struct pp_shared {
	struct pp_shared_facts facts;
	_Alignas(PP_LINE) _Atomic uint32_t pressure;
	_Atomic uint32_t leaving;
	pp_lock_word taking;
	_Atomic uint32_t multi;
	_Atomic uint32_t owners_end; /* one more than the highest owner ever in use */
	_Alignas(PP_LINE) pp_lock_word paging;
	_Atomic int32_t mapper; /* the process that maps devices, 0: none */
	_Atomic uint32_t pages_present;
	_Atomic uint32_t pages_lost;
	uint32_t change;          /* counts what may make a device think better of it */
	_Atomic uint32_t refused; /* buffers on hugepages refused since the last change */
	_Atomic uint64_t lost;    /* who refused last: pp_devices_lost() */
	_Atomic uint64_t total;
	_Atomic uint64_t carved;
	_Atomic uint64_t high_water;
	_Atomic uint64_t skipped;
	_Alignas(PP_LINE) pp_lock_word gate;
	_Atomic uint32_t pressing;
	_Atomic uint32_t urgent; /* calls that keep it up */
	_Atomic uint32_t late;   /* buffers marked so */
	_Atomic uint32_t low, high;
	_Atomic uint32_t advice;
	_Alignas(PP_LINE) pp_lock_word home;
	_Atomic uint32_t floor;
	_Atomic uint32_t marked; /* buffers in flight that came from the reserve */
	_Atomic uint32_t leased;
	_Atomic uint32_t waiting;
	uint32_t promised_pile, promised_reserve; /* to waiters that have not come for them */
	struct pp_line queue[2];                  /* ordinary, critical */
	uint32_t spare;                           /* unused entries of the table */
	struct pp_counters past;                  /* of caches that have ended */
};

struct pp_owner;
struct pp_depot;
struct pp_tags;
struct pp_waiter;

struct pp_store {
	struct pp_region region; /* first: pp_region_find() leads to the store */
	struct pp_shared *shared;
	struct pp_owner *owners;   /* [facts.owners] */
	struct pp_depot *depots;   /* [facts.nodes], then the reserve's and the waiters' pile */
	struct pp_waiter *waiters; /* [PP_WAITERS_MAX] */
	struct pp_blocks blocks;
	_Atomic uint32_t *rings;  /* [facts.owners][facts.ring_size] */
	_Atomic uint8_t *marks;   /* [buffers_max], enum pp_mark */
	_Atomic uint8_t *holders; /* [pp_place_keys()], owner id + 1; NULL without PP_POOL_OWNERS */
	_Atomic uint64_t *notes;  /* [pp_place_keys()], pp_note.h; NULL without PP_POOL_DEBUG */
	struct pp_tags *tags;     /* the same */
	/* Called with what debug mode caught; this process's. */
	void (*fault)(struct pp_store *store, const char *what, const void *buf, uint32_t holder);
};

/* Depots that are no node's. */
static inline uint32_t pp_store_reserve(const struct pp_store *store)
{
	return store->shared->facts.nodes;
}

static inline uint32_t pp_store_pile(const struct pp_store *store)
{
	return store->shared->facts.nodes + 1;
}

static inline uint32_t pp_store_depots(const struct pp_store *store)
{
	return store->shared->facts.nodes + 2;
}

static inline struct pp_store *pp_store_of(const void *addr)
{
	return (struct pp_store *)pp_region_find(addr);
}

/* The store that a cache is of. */
static inline struct pp_store *pp_store_of_cache(const struct pp_cache *cache)
{
	if (PP_UNLIKELY(cache->foreign))
		return (struct pp_store *)pp_region_foreign(cache->foreign);
	return pp_store_of(cache);
}

/* The holder noted for buffers that went out without a cache. */
#define PP_HOLDER_NOBODY 255

/* Which depot a hugepage's buffers are at home in. */
static inline uint32_t pp_store_page_home(const struct pp_store *store, uint32_t p)
{
	int32_t node = atomic_load_explicit(&store->region.pages[p].node, memory_order_relaxed);
	uint32_t d = 0;

	while (d + 1 < store->shared->facts.nodes && store->shared->facts.node[d] != node)
		d++;
	return d;
}

static inline uint32_t pp_store_home(const struct pp_store *store, uint32_t offset)
{
	return pp_store_page_home(store, pp_place_offset_page(&store->region, offset));
}

/* The depot that is nearest to the calling thread. */
static inline uint32_t pp_store_here(const struct pp_store *store)
{
	const struct pp_shared_facts *facts = &store->shared->facts;

	return facts->nodes == 1 ? 0 : pp_node_nearest(facts->node, facts->nodes, pp_node_here());
}

/* Offsets to addresses and back, as the pool keeps them. */
static inline void pp_store_out(const struct pp_store *store, const uint32_t *offsets, void **bufs,
				uint32_t n)
{
	if (!store->region.wide) {
		pp_offset_out(store->region.base, offsets, bufs, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		bufs[i] = (void *)pp_place_of_offset(&store->region, offsets[i]);
}

static inline void pp_store_in(const struct pp_store *store, uint32_t *offsets, void *const *bufs,
			       uint32_t n)
{
	if (!store->region.wide) {
		pp_offset_in(offsets, bufs, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		offsets[i] = pp_place_to_offset(&store->region, bufs[i]);
}

#endif
