/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserve: told in time that buffers run low, and able to go on when there are none. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pktpool.h>

#define BUFFERS 4096

int main(void)
{
	static void *held[BUFFERS];
	struct pp_pool_params params = {
		.sz = sizeof(params), .buffer_size = 2048, .buffers = BUFFERS, .reserve = 64
	};
	struct pp_watermarks marks = { .low = 512,
				       .high = 1024,
				       .eventfd = eventfd(0, EFD_NONBLOCK) };
	struct pp_lease *lease;
	struct pp_cache *cache;
	struct pp_pool *pool;
	uint64_t crossed = 0;
	unsigned n = 0, promised = 0;
	void *arp, *buf;
	int rc = pp_pool_create(&params, &pool);

	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	cache = pp_pool_cache(pool);
	if (!cache || pp_pool_set_watermarks(pool, &marks))
		return 1;

	/* Data packets, until there are no more buffers for them. */
	while ((buf = pp_alloc(cache, 0)))
		held[n++] = buf;
	if (read(marks.eventfd, &crossed, sizeof(crossed)) < 0)
		return 1;
	printf("%u buffers are held; told %u time that it runs low\n", n, (unsigned)crossed);

	/* The neighbour's address must be answered all the same. */
	arp = pp_alloc(cache, PP_CRITICAL);
	/* And a table is written that needs eight buffers, or must not be begun. */
	if (!arp || pp_reserve_lease(pool, 8, &lease))
		return 1;
	while ((buf = pp_lease_take(lease))) {
		promised++;
		pp_free(cache, buf);
	}
	printf("critical: 1 answered, %u of 8 that were promised\n", promised);
	pp_lease_end(lease);
	pp_free(cache, arp);

	pp_free_bulk(cache, held, n);
	printf("low: %s\n", pp_pool_is_low(pool) ? "yes" : "no");
	close(marks.eventfd);
	return !n || crossed != 1 || promised != 8 || pp_pool_destroy(pool);
}
