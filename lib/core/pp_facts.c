/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts: what a pool's parameters come to, for all processes that have it. */
#include "pp_facts.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_layout.h"
#include "pp_node.h"

#define BUFFERS_MIN 64
#define BUFFERS_LIMIT (1u << 28)
/* A pool whose blocks would be smaller has none: every call goes by the depot. */
#define BLOCK_MIN 16

#define WAIT_US 1000000

static uint32_t power_of_two_above(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

static uint32_t power_of_two_below(uint32_t n)
{
	return n ? 1u << (31 - __builtin_clz(n)) : 0;
}

/* One eighth of an equal share, so that caches hold a quarter of the pool at most. */
static uint32_t block_size(uint32_t buffers, uint32_t owners)
{
	uint32_t size = power_of_two_below(buffers / (8 * owners));

	if (size > PP_BLOCK_MAX)
		return PP_BLOCK_MAX;
	if (buffers >= 1024 && size < 64)
		return 64;
	return size;
}

/*
 * A block changes hands when it is at least 7/8 full; apart from those there
 * are an owner's current, stashed and empty ones and one in its hand, a
 * depot's loose one and one in hand (the reserve and the pile are depots too),
 * and a few in the hands of who shrinks.
 */
static uint32_t blocks_needed(const struct pp_shared_facts *facts)
{
	uint32_t least = facts->block_size - facts->block_size / 8;

	return facts->buffers_max / least + 1 +
	       facts->owners * (pp_owner_empties_max(facts->block_size) + 3) +
	       (facts->nodes + 2) * 2 + 8;
}

static uint32_t cpus_here(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}

static int facts_nodes(struct pp_shared_facts *facts, uint64_t mask)
{
	char list[160];

	if (!mask) {
		facts->nodes = 1;
		facts->node[0] = pp_node_here();
		return 0;
	}
	for (int node = 0; node < 64; node++) {
		if (!(mask >> node & 1))
			continue;
		if (!pp_node_map.has_memory(node))
			return pp_fail(
				-EINVAL,
				"nodes: this process has no memory on NUMA node %d, but on %s",
				node, pp_node_list(list, sizeof(list)));
		if (facts->nodes == PP_NODES_MAX)
			return pp_fail(-EINVAL, "nodes: more than %d", PP_NODES_MAX);
		facts->node[facts->nodes++] = node;
	}
	return 0;
}

static int params_check(const struct pp_pool_params *p)
{
	if (p->name && (!*p->name || strlen(p->name) >= PP_NAME_MAX))
		return pp_fail(-EINVAL, "name \"%.40s\" is not of 1 to %d characters", p->name,
			       PP_NAME_MAX - 1);
	if (!p->buffer_size || p->buffer_size % PP_LINE)
		return pp_fail(-EINVAL, "buffer_size %u is not a multiple of %d", p->buffer_size,
			       PP_LINE);
	if (p->buffers < BUFFERS_MIN || p->buffers > BUFFERS_LIMIT)
		return pp_fail(-EINVAL, "buffers %u is not in %d .. %u", p->buffers, BUFFERS_MIN,
			       BUFFERS_LIMIT);
	if (p->buffers_max && (p->buffers_max < p->buffers || p->buffers_max > BUFFERS_LIMIT))
		return pp_fail(-EINVAL, "buffers_max %u is not in buffers (%u) .. %u",
			       p->buffers_max, p->buffers, BUFFERS_LIMIT);
	if (p->reserve > p->buffers)
		return pp_fail(-EINVAL, "reserve %u is more than buffers %u", p->reserve,
			       p->buffers);
	if (p->owners > PP_OWNERS_MAX)
		return pp_fail(-EINVAL, "owners %u is more than %d", p->owners, PP_OWNERS_MAX);
	if (p->lead >= p->buffer_size)
		return pp_fail(-EINVAL, "lead %u is not below buffer_size %u", p->lead,
			       p->buffer_size);
	if (p->keep > p->buffer_size)
		return pp_fail(-EINVAL, "keep %u is more than buffer_size %u", p->keep,
			       p->buffer_size);
	if (p->link % sizeof(void *) ||
	    (p->link && p->link + sizeof(void *) > p->buffer_size - p->lead))
		return pp_fail(-EINVAL, "link %u is no place for a pointer in %u bytes after lead",
			       p->link, p->buffer_size - p->lead);
	if ((unsigned)p->pages > PP_PAGES_4K)
		return pp_fail(-EINVAL, "pages %d is none of enum pp_pages", (int)p->pages);
	if (p->flags & ~(uint32_t)(PP_POOL_GAPLESS | PP_POOL_OWNERS | PP_POOL_DEBUG))
		return pp_fail(-EINVAL, "flags %#x: some are unknown", p->flags);
	return 0;
}

/* Zero is the default, also for what an older caller's struct did not have. */
int pp_facts_params(const struct pp_pool_params *given, struct pp_pool_params *p)
{
	size_t known = sizeof(*p);

	if (!given || !given->sz)
		return pp_fail(-EINVAL, "params.sz is not set (sizeof(struct pp_pool_params))");
	if (given->sz > known)
		return pp_fail(-EINVAL, "params.sz %zu: this library knows %zu bytes of it",
			       given->sz, known);
	memset(p, 0, known);
	memcpy(p, given, given->sz);
	return params_check(p);
}

/* What every process makes of the facts. */
static int facts_region(struct pp_region *region, const struct pp_shared_facts *facts)
{
	region->buffer_size = facts->buffer_size;
	region->lead = facts->lead;
	region->buffers_max = facts->buffers_max;
	region->flags = facts->flags;
	region->backing = facts->backing;
	return pp_region_plan(region);
}

/* What follows from the others: the same in every process, or it is not a pool. */
void pp_facts_derive(struct pp_shared_facts *facts, const struct pp_region *region)
{
	uint32_t rings;

	facts->mode = region->wide ? PP_MODE_WIDE : 0;
	if (facts->flags & PP_POOL_DEBUG)
		facts->mode |= PP_MODE_DEBUG | PP_MODE_OWNERS;
	if (facts->flags & PP_POOL_OWNERS)
		facts->mode |= PP_MODE_OWNERS;
	facts->block_size = block_size(facts->buffers_max, facts->owners);
	if (facts->block_size < BLOCK_MIN) {
		facts->mode |= PP_MODE_CLOSED;
		facts->block_size = PP_CARVE;
	}
	facts->blocks = blocks_needed(facts);
	/* What one owner can publish: four times an equal share; more goes to the depot. */
	rings = facts->buffers_max / facts->block_size / facts->owners * 4;
	facts->ring_size = power_of_two_above(rings < 64 ? 64 : rings);
	facts->buffer_bytes = region->buffer_bytes;
}

int pp_facts_make(struct pp_shared_facts *facts, const struct pp_pool_params *p,
		  struct pp_store *store)
{
	int rc;

	memset(facts, 0, sizeof(*facts));
	facts->magic = PP_MAGIC;
	facts->buffer_size = p->buffer_size;
	facts->lead = p->lead;
	facts->keep = p->keep;
	facts->link = p->link;
	facts->wait_us = p->wait_us ? p->wait_us : WAIT_US;
	facts->buffers_max = p->buffers_max ? p->buffers_max : p->buffers;
	facts->flags = p->flags;
	facts->backing = p->pages;
	snprintf(facts->name, sizeof(facts->name), "%s", p->name ? p->name : "pool");
	facts->owners = p->owners ? p->owners : cpus_here() + 2;
	if (facts->owners > PP_OWNERS_MAX)
		facts->owners = PP_OWNERS_MAX;
	rc = facts_nodes(facts, p->nodes);
	if (rc)
		return rc;
	rc = facts_region(&store->region, facts);
	if (rc)
		return rc;
	pp_facts_derive(facts, &store->region);
	facts->own_bytes = pp_layout(store, facts, NULL);
	store->region.control_bytes = facts->own_bytes;
	return 0;
}

static int64_t file_bytes(int fd)
{
	struct stat file;

	return fstat(fd, &file) ? -1 : (int64_t)file.st_size;
}

/* Whether these can be facts that pp_facts_make() made; with the region planned by them. */
static bool facts_hold(const struct pp_shared_facts *facts, struct pp_store *store,
		       const int fds[2])
{
	uint64_t span = facts->buffer_bytes + facts->control_bytes;
	struct pp_shared_facts again;

	memcpy(&again, facts, sizeof(again));
	pp_facts_derive(&again, &store->region);
	return !memcmp(&again, facts, sizeof(again)) &&
	       facts->own_bytes == pp_layout(store, facts, NULL) &&
	       facts->control_bytes >= facts->own_bytes &&
	       file_bytes(fds[0]) == (int64_t)facts->control_bytes &&
	       file_bytes(fds[1]) == (int64_t)facts->buffer_bytes && facts->base &&
	       facts->base % (1ull << 32) == 0 && facts->base < 1ull << 47 &&
	       facts->base + span < 1ull << 47;
}

int pp_facts_read(struct pp_shared_facts *facts, struct pp_store *store, const int fds[2])
{
	struct pp_region *region = &store->region;
	struct pp_pool_params p = { 0 };

	if (pread(fds[0], facts, sizeof(*facts), 0) != (ssize_t)sizeof(*facts) ||
	    facts->magic != PP_MAGIC)
		return pp_fail(-EPROTO, "fds[0] is not a pool's, or one of another version");
	p.buffer_size = facts->buffer_size;
	p.lead = facts->lead;
	p.keep = facts->keep;
	p.link = facts->link;
	p.buffers = p.buffers_max = facts->buffers_max;
	p.owners = facts->owners;
	p.pages = facts->backing;
	p.flags = facts->flags;
	p.name = facts->name;
	if (!memchr(facts->name, 0, sizeof(facts->name)) || !facts->owners || !facts->nodes ||
	    facts->nodes > PP_NODES_MAX || params_check(&p) || facts_region(region, facts) ||
	    !facts_hold(facts, store, fds))
		return pp_fail(-EPROTO,
			       "the pool's facts in fds[0] contradict each other or fds[1]");
	region->base = facts->base;
	region->control_bytes = facts->control_bytes;
	return 0;
}
