/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktmbuf: mempools of mbufs on a pktpool, made, resized, recovered, freed. */
#include "pp_pktmbuf.h"
#include "pp_binding.h"
#include "pp_device.h"
#include "pp_fail.h"
#include "pp_lcore.h"
#include "pp_local.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of what is said of who holds mbufs. */
#define FIRST_MAX 160

/* The pool adds a colour by itself where one is due. */
#define PKTMBUF_MEMPOOL_FLAGS RTE_MEMPOOL_F_NO_SPREAD

static int params_read(const struct pp_pktmbuf_params *from, struct pp_pktmbuf_params *params)
{
	memset(params, 0, sizeof(*params));
	if (!from || from->sz < offsetof(struct pp_pktmbuf_params, mbufs_max) ||
	    from->sz > sizeof(*params))
		return pp_fail(-EINVAL, "sz is not sizeof(struct pp_pktmbuf_params)");
	memcpy(params, from, from->sz);
	if (!params->mbufs_max)
		params->mbufs_max = params->mbufs;
	if (!params->data_room)
		params->data_room = RTE_MBUF_DEFAULT_BUF_SIZE;
	if (!params->owners)
		params->owners = RTE_MIN(rte_lcore_count() + 4, (unsigned)PP_OWNERS_MAX);
	if (!params->name || !*params->name || strlen(params->name) >= RTE_MEMPOOL_NAMESIZE)
		return pp_fail(-EINVAL, "name must have 1 to %d characters",
			       (int)RTE_MEMPOOL_NAMESIZE - 1);
	if (params->priv_size % RTE_MBUF_PRIV_ALIGN)
		return pp_fail(-EINVAL, "priv_size %u is not a multiple of %d", params->priv_size,
			       RTE_MBUF_PRIV_ALIGN);
	if (params->cache > RTE_MEMPOOL_CACHE_MAX_SIZE || params->cache > params->mbufs / 3 * 2)
		return pp_fail(-EINVAL, "cache %u is more than %d or two thirds of the %u mbufs",
			       params->cache, RTE_MEMPOOL_CACHE_MAX_SIZE, params->mbufs);
	if (params->cache && params->reserve)
		return pp_fail(-EINVAL,
			       "cache %u and reserve %u: what returns to a cache does not return "
			       "to the reserve; leave cache 0",
			       params->cache, params->reserve);
	if (params->socket != SOCKET_ID_ANY &&
	    (params->socket < 0 || params->socket >= PP_NODES_MAX))
		return pp_fail(-EINVAL, "socket %d is not one of 0..%d", params->socket,
			       PP_NODES_MAX - 1);
	return 0;
}

static int environment_check(const struct pp_pktmbuf_params *params)
{
	if (!rte_lcore_count())
		return pp_fail(-EINVAL, "rte_eal_init() comes first");
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return pp_fail(-ENOTSUP, "pktmbuf pools are made by the primary process");
	if (params->pages == PP_PAGES_4K && rte_eal_iova_mode() == RTE_IOVA_PA)
		return pp_fail(-ENOTSUP, "4 KiB pages have no lasting physical address, and EAL is "
					 "in IOVA mode PA: use hugepages or --iova-mode=va");
	return 0;
}

static uint64_t nodes_of(const struct pp_pktmbuf_params *params)
{
	if (params->nodes || params->socket == SOCKET_ID_ANY)
		return params->nodes;
	return 1ull << params->socket;
}

/* The pool whose addresses handed out are the mempool's objects. */
static int pool_create(const struct pp_pktmbuf_params *params, uint32_t elt_size,
		       struct pp_pool **pool)
{
	struct rte_mempool_objsz sz;
	struct pp_pool_params p = {
		.sz = sizeof(p),
		.name = params->name,
		.buffers = params->mbufs,
		.buffers_max = params->mbufs_max,
		.owners = params->owners,
		.pages = (enum pp_pages)params->pages,
		.nodes = nodes_of(params),
		.flags = params->flags,
		.reserve = params->reserve,
		.link = offsetof(struct rte_mbuf, next),
	};

	p.buffer_size = rte_mempool_calc_obj_size(elt_size, PKTMBUF_MEMPOOL_FLAGS, &sz);
	p.lead = sz.header_size;
	p.keep = sz.header_size + (uint32_t)sizeof(struct rte_mbuf) + params->priv_size;
	return pp_pool_create(&p, pool);
}

static struct pp_binding *binding_create(struct pp_pool *pool, uint32_t flags)
{
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_binding *binding;
	struct pp_extent extent;

	pp_region_extent(region, &extent);
	binding = calloc(1, sizeof(*binding) + extent.pages * sizeof(binding->chunks[0]));
	if (!binding) {
		pp_fail(-ENOMEM, "no memory for the books of %u hugepages", extent.pages);
		return NULL;
	}
	binding->draws = pp_draws_create(region);
	if (!binding->draws) {
		free(binding);
		return NULL;
	}
	binding->pool = pool;
	binding->id = pp_local_id();
	binding->region = region;
	binding->extent = extent;
	binding->flags = flags;
	binding->device = -1;
	binding->vfio = -1;
	binding->tail = PP_CHUNK_NONE;
	return binding;
}

void pp_binding_destroy(struct pp_binding *binding)
{
	struct pp_pool *pool = binding->pool;

	if (binding->vfio >= 0)
		pp_pool_unmap_device(pool, (unsigned)binding->vfio);
	if (binding->device >= 0)
		pp_pool_unmap_device(pool, (unsigned)binding->device);
	pp_extmem_drop(binding->extmem);
	pp_lcore_release(pool);
	pp_local_id_end(binding->id);
	pp_telemetry_unbind(pool);
	pp_draws_destroy(binding->draws, binding->region);
	/* rte_mempool_free() has drawn every object that it could get. */
	pp_pool_recover(pool);
	if (pp_pool_destroy(pool))
		RTE_LOG(ERR, MEMPOOL, "pktpool %s is not freed: %s\n", pp_pool_name(pool),
			pp_error());
	free(binding);
}

/* The mempool, empty, at its maximum; NULL with rte_errno. */
static struct rte_mempool *mempool_create(const struct pp_pktmbuf_params *params, uint32_t elt_size,
					  struct pp_binding *binding)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = params->data_room,
		.mbuf_priv_size = params->priv_size,
	};
	struct rte_mempool *mp;
	int rc;

	mp = rte_mempool_create_empty(params->name, pp_buffer_index_end(binding->region), elt_size,
				      params->cache, sizeof(priv), params->socket,
				      PKTMBUF_MEMPOOL_FLAGS);
	if (!mp) {
		pp_fail(-rte_errno, "cannot create mempool %s: %s", params->name,
			rte_strerror(rte_errno));
		return NULL;
	}
	rc = rte_mempool_set_ops_byname(mp, PP_MEMPOOL_OPS, binding);
	if (rc) {
		pp_fail(rc, "no mempool ops %s: EAL's table of %d is full", PP_MEMPOOL_OPS,
			RTE_MEMPOOL_MAX_OPS_IDX);
		rte_mempool_free(mp);
		rte_errno = -rc;
		return NULL;
	}
	rte_pktmbuf_pool_init(mp, &priv);
	mp->pool_id = binding->id;
	binding->mp = mp;
	pp_telemetry_bind(binding->pool, mp);
	return mp;
}

/* Fills the mempool with what the pool has: 0 or -errno. */
static int mempool_attach(struct pp_binding *binding, uint32_t mbufs)
{
	struct rte_mempool *mp = binding->mp;
	int rc = 0;

	binding->extmem = pp_extmem_hold(&binding->extent, &rc);
	if (!binding->extmem)
		return rc;
	/* Objects across two hugepages are not contiguous for a device then. */
	if (binding->flags & PP_POOL_GAPLESS && rte_eal_iova_mode() == RTE_IOVA_PA &&
	    binding->extent.page % binding->extent.stride)
		mp->flags |= RTE_MEMPOOL_F_NO_IOVA_CONTIG;
	rc = pp_pool_map_device(binding->pool, &pp_chunk_ops, binding);
	if (rc < 0)
		return rc;
	binding->device = rc;
	/* A hugepage that cannot be mapped has left the pool; pp_error() tells of it. */
	if (mp->populated_size < mbufs)
		return -EIO;
	rc = pp_vfio_has_ports() ? pp_vfio_map(binding) : 0;
	if (rc)
		return rc;
	/* What is not there yet is not in use: rte_mempool_in_use_count() is the
	 * difference of size and what is free. */
	mp->size = mp->populated_size;
	return 0;
}

PP_API struct rte_mempool *pp_pktmbuf_pool_create(const struct pp_pktmbuf_params *from)
{
	struct pp_pktmbuf_params params;
	struct pp_binding *binding;
	struct rte_mempool *mp;
	struct pp_pool *pool;
	uint32_t elt_size;
	int rc;

	rc = params_read(from, &params);
	if (!rc)
		rc = environment_check(&params);
	if (rc)
		goto fail;
	elt_size = (uint32_t)sizeof(struct rte_mbuf) + params.priv_size + params.data_room;
	rc = pool_create(&params, elt_size, &pool);
	if (rc)
		goto fail;
	rc = -ENOMEM;
	binding = binding_create(pool, params.flags);
	if (!binding)
		goto destroy_pool;
	mp = mempool_create(&params, elt_size, binding);
	rc = -rte_errno;
	if (!mp)
		goto free_binding;
	rc = mempool_attach(binding, params.mbufs);
	if (!rc)
		return mp;
	/* Frees the binding and the pool too. */
	rte_mempool_free(mp);
	goto fail;
free_binding:
	pp_local_id_end(binding->id);
	pp_draws_destroy(binding->draws, binding->region);
	free(binding);
destroy_pool:
	pp_pool_destroy(pool);
fail:
	rte_errno = -rc;
	return NULL;
}

PP_API struct pp_pool *pp_pktmbuf_pool(const struct rte_mempool *mp)
{
	const struct pp_binding *binding = pp_mempool_binding(mp);

	return binding ? binding->pool : NULL;
}

static int not_ours(const struct rte_mempool *mp)
{
	return pp_fail(-EINVAL, "mempool %s was not made by pp_pktmbuf_pool_create()",
		       mp ? mp->name : "NULL");
}

/* Of those who hold some, the first: who has the oldest, or else the most. */
static void first_note(const struct pp_holding *holding, void *arg)
{
	char *text = arg;
	size_t n;

	if (*text || !*holding->owner)
		return;
	n = (size_t)snprintf(text, FIRST_MAX, ", %llu of them taken by %s",
			     (unsigned long long)holding->buffers, holding->owner);
	if (holding->oldest_ms != PP_AGE_UNKNOWN)
		snprintf(text + n, FIRST_MAX - n, " under tag \"%s\" (%llu.%llu s ago)",
			 holding->tag, (unsigned long long)holding->oldest_ms / 1000,
			 (unsigned long long)holding->oldest_ms / 100 % 10);
}

/* What lies in rte_mempool's caches goes home; nobody uses them. */
static void caches_flush(struct rte_mempool *mp)
{
	for (unsigned i = 0; mp->cache_size && i < RTE_MAX_LCORE; i++)
		rte_mempool_cache_flush(&mp->local_cache[i], mp);
}

PP_API int pp_pktmbuf_pool_free(struct rte_mempool *mp)
{
	struct pp_binding *binding = pp_mempool_binding(mp);
	char first[FIRST_MAX] = "";
	uint32_t out;

	if (!mp)
		return 0;
	if (!binding)
		return not_ours(mp);
	caches_flush(mp);
	out = pp_pool_walk_in_flight(binding->pool, NULL, NULL);
	if (out) {
		pp_pool_each_holding(binding->pool, first_note, first);
		return pp_fail(-EBUSY, "%u mbufs of %s are out%s", out, mp->name, first);
	}
	rte_mempool_free(mp);
	return 0;
}

/*
 * The kernel holds on to the memory that a UMEM was made of. What grows lies
 * outside it, and would be lost when sent; what is given back and comes again
 * would be other memory than the kernel's.
 */
static int resize_check(const struct rte_mempool *mp, const struct pp_binding *binding)
{
	if (!binding)
		return not_ours(mp);
	if (binding->flags & PP_POOL_GAPLESS && pp_pktmbuf_umem_open())
		return pp_fail(-EBUSY,
			       "%s has no gaps, for net_af_xdp, and a port of it is open: "
			       "its UMEM cannot change; close the port first",
			       mp->name);
	return 0;
}

PP_API int pp_pktmbuf_pool_grow(struct rte_mempool *mp, uint32_t mbufs)
{
	struct pp_binding *binding = pp_mempool_binding(mp);
	int rc = resize_check(mp, binding);

	return rc ? rc : pp_pool_grow(binding->pool, mbufs);
}

PP_API int pp_pktmbuf_pool_shrink(struct rte_mempool *mp, uint32_t mbufs, uint32_t timeout_us)
{
	struct pp_binding *binding = pp_mempool_binding(mp);
	int rc = resize_check(mp, binding);

	return rc ? rc : pp_pool_shrink(binding->pool, mbufs, timeout_us);
}

static void mbuf_renew(void *buffer, const char *owner, void *arg)
{
	const struct pp_binding *binding = arg;
	struct rte_mbuf *m = buffer;

	(void)owner;
	rte_pktmbuf_init(binding->mp, NULL, m, 0);
	rte_mbuf_iova_set(m, pp_binding_iova(binding, m->buf_addr));
}

PP_API uint32_t pp_pktmbuf_pool_recover(struct rte_mempool *mp)
{
	struct pp_binding *binding = pp_mempool_binding(mp);

	if (!binding)
		return 0;
	caches_flush(mp);
	/* Before they are free: afterwards anybody can take them. */
	pp_pool_walk_in_flight(binding->pool, mbuf_renew, binding);
	return pp_pool_recover(binding->pool);
}
