/* SPDX-License-Identifier: BSD-3-Clause */
/* Resize: a pool that grows when it runs dry, shrinks again, and stays mapped for a device. */
#include <errno.h>
#include <stdio.h>

#include <pktpool.h>

#define SMALL 2048
#define LARGE 16384

static void *bufs[LARGE];

/* Where a driver would program a descriptor; the device is one whose addresses are ours. */
static int addresses_check(const struct pp_region *region, unsigned device, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pp_buffer_iova(region, device, bufs[i]) != (uintptr_t)bufs[i])
			return 1;
	return 0;
}

static int resize(struct pp_pool *pool, struct pp_dma_none *nic)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	int device = pp_pool_map_device(pool, &pp_dma_none_ops, nic);
	unsigned n = 0;
	int gone;

	if (device < 0 || !cache)
		return 1;
	while (n < LARGE) {
		unsigned got = pp_alloc_burst(cache, bufs + n, LARGE - n, 0);

		n += got;
		/* Dry: hugepages come, mapped for the device before a buffer of them does. */
		if (!got && pp_pool_grow(pool, SMALL) <= 0)
			break;
	}
	printf("%u buffers out; %lu hugepages were mapped for the device\n", n, nic->maps);
	if (addresses_check(pp_pool_region(pool), (unsigned)device, n))
		return 1;

	/* Nothing can go while all is out; it says so at its deadline, 1 ms. */
	gone = pp_pool_shrink(pool, LARGE - SMALL, 1000);
	printf("shrinking: %s\n", gone < 0 ? pp_error() : "?");
	pp_free_bulk(cache, bufs, n);
	if (gone != -EBUSY)
		return 1;
	gone = pp_pool_shrink(pool, LARGE - SMALL, 1000);
	printf("shrinking again: %d buffers gone, %lu mappings removed\n", gone, nic->unmaps);
	return n != LARGE || gone <= 0;
}

int main(void)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.buffer_size = 2048,
		.buffers = SMALL,
		.buffers_max = LARGE,
	};
	struct pp_dma_none nic = { 0 };
	struct pp_pool *pool;
	int rc = pp_pool_create(&params, &pool);

	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	rc = resize(pool, &nic);
	if (rc)
		fprintf(stderr, "%s\n", pp_error());
	pp_pool_print(pool, stdout);
	/* Destroying removes what mappings there still are, each once. */
	rc |= pp_pool_destroy(pool) || nic.maps != nic.unmaps;
	return rc != 0;
}
