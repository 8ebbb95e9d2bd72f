/* SPDX-License-Identifier: BSD-3-Clause */
/* Rdma: a pool's buffers as an RDMA device sees them, over two of soft-RoCE joined by a cable. */
#include "rdma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* 65 lines: an odd number has no colour. */
#define BUFFER (65 * 64)
#define BURST 16

_Atomic int failures;

static struct pp_pool *pool_of(uint32_t pages, uint32_t pages_max)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.name = "rdma",
		.buffer_size = BUFFER,
		.buffers = pages * ((2u << 20) / BUFFER),
		.buffers_max = pages_max * ((2u << 20) / BUFFER),
	};
	struct pp_pool *pool = NULL;

	if (pp_pool_create(&params, &pool)) {
		printf("no pool: %s\n", pp_error());
		exit(1);
	}
	return pool;
}

static struct pp_stats stats_of(const struct pp_pool *pool)
{
	struct pp_stats stats;

	pp_pool_stats(pool, &stats);
	return stats;
}

static void books_hold(struct pp_pool *pool, uint64_t in_flight)
{
	CHECK(pp_pool_check(pool) == 0, "%s", pp_error());
	CHECK(stats_of(pool).in_flight == in_flight, "%lu in flight", stats_of(pool).in_flight);
}

static void content_write(void *buf, uint32_t bytes, unsigned seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		((uint8_t *)buf)[i] = (uint8_t)(seed * 131 + i * 7 + (i >> 8));
}

static uint32_t content_right(const void *buf, uint32_t bytes, unsigned seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (((const uint8_t *)buf)[i] != (uint8_t)(seed * 131 + i * 7 + (i >> 8)))
			return i;
	return bytes;
}

/* A burst of sends from one end's buffers into the other's, all looked at. */
static void burst_pass(struct pp_pool *pool, struct end *from, struct end *to, unsigned seed)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	uint32_t room = from->type == IBV_QPT_UD ? GRH : 0;
	void *out[BURST], *in[BURST];
	uint32_t bytes[BURST];

	CHECK(pp_alloc_bulk(cache, out, BURST, 0) == BURST, "no buffers");
	CHECK(pp_alloc_bulk(cache, in, BURST, 0) == BURST, "no buffers");
	for (unsigned i = 0; i < BURST; i++) {
		bytes[i] = i ? (seed * 977 + i * 331) % 2048 + 1 : 4096;
		content_write(out[i], bytes[i], seed + i);
		memset(in[i], 0xee, BUFFER);
		end_receive(to, in[i], BUFFER);
	}
	for (unsigned i = 0; i < BURST; i++)
		end_send(from, to, out[i], bytes[i], 0);
	for (unsigned i = 0; i < BURST; i++) {
		struct ibv_wc sent = end_wait(from->send_cq), got = end_wait(to->receive_cq);
		const char *data = (char *)in[i] + room;

		CHECK(sent.status == IBV_WC_SUCCESS, "%s", ibv_wc_status_str(sent.status));
		CHECK(got.status == IBV_WC_SUCCESS, "%s", ibv_wc_status_str(got.status));
		CHECK(got.wr_id == (uintptr_t)in[i], "out of order");
		CHECK(got.byte_len == bytes[i] + room, "%u bytes, not %u", got.byte_len,
		      bytes[i] + room);
		CHECK(content_right(data, bytes[i], seed + i) == bytes[i],
		      "differs at byte %u of %u", content_right(data, bytes[i], seed + i),
		      bytes[i]);
		CHECK((uint8_t)data[bytes[i]] == 0xee, "wrote behind its end");
	}
	pp_free_bulk(cache, out, BURST);
	pp_free_bulk(cache, in, BURST);
}

static void test_content_arrives_both_ways_by_every_transport(struct pp_pool *pool, struct end *a,
							      struct end *b)
{
	const enum ibv_qp_type types[] = { IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD };

	for (unsigned t = 0; t < 3; t++) {
		ends_join(a, b, types[t]);
		for (unsigned i = 0; i < 4; i++) {
			burst_pass(pool, a, b, t * 1000 + i * 40);
			burst_pass(pool, b, a, t * 1000 + i * 40 + 20);
		}
		ends_part(a, b);
	}
	books_hold(pool, 0);
}

/* Remote reads and writes by the remote key. */
static void test_remote_keys_work(struct pp_pool *pool, struct end *a, struct end *b)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	void *mine = pp_alloc(cache, 0), *theirs = pp_alloc(cache, 0);
	struct ibv_wc wc;

	ends_join(a, b, IBV_QPT_RC);
	content_write(mine, 3000, 5);
	memset(theirs, 0, BUFFER);
	end_reach(a, b, IBV_WR_RDMA_WRITE, mine, theirs, 3000, 0);
	wc = end_wait(a->send_cq);
	CHECK(wc.status == IBV_WC_SUCCESS, "%s", ibv_wc_status_str(wc.status));
	CHECK(content_right(theirs, 3000, 5) == 3000, "not written");
	content_write(theirs, 3000, 6);
	end_reach(a, b, IBV_WR_RDMA_READ, mine, theirs, 3000, 0);
	wc = end_wait(a->send_cq);
	CHECK(wc.status == IBV_WC_SUCCESS, "%s", ibv_wc_status_str(wc.status));
	CHECK(content_right(mine, 3000, 6) == 3000, "not read");
	end_reach(a, b, IBV_WR_RDMA_WRITE, mine, theirs, 3000, 0x5500);
	wc = end_wait(a->send_cq);
	CHECK(wc.status == IBV_WC_REM_ACCESS_ERR, "a wrong remote key: %s",
	      ibv_wc_status_str(wc.status));
	ends_part(a, b);
	pp_free(cache, mine);
	pp_free(cache, theirs);
}

/* Of its own accord, before anything was sent: soft-RoCE of Linux 6.1 says the latter. */
static bool refused(struct ibv_wc wc)
{
	return wc.status == IBV_WC_LOC_PROT_ERR || wc.status == IBV_WC_LOC_QP_OP_ERR;
}

static void test_wrong_local_key_is_refused(struct pp_pool *pool, struct end *a, struct end *b)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	void *out = pp_alloc(cache, 0), *in = pp_alloc(cache, 0);
	struct ibv_wc wc;

	ends_join(a, b, IBV_QPT_RC);
	memset(in, 0xee, BUFFER);
	end_receive(b, in, BUFFER);
	end_send(a, b, out, 100, 0x5500);
	wc = end_wait(a->send_cq);
	CHECK(refused(wc), "%s", ibv_wc_status_str(wc.status));
	CHECK(*(uint8_t *)in == 0xee, "something came");
	ends_part(a, b);
	pp_free(cache, out);
	pp_free(cache, in);
	books_hold(pool, 0);
}

/* Where a hugepage was that has left: its key was good before. */
static void test_stale_key_is_refused_after_a_shrink(struct pp_pool *pool, struct end *a,
						     struct end *b)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	const struct pp_region *region = pp_pool_region(pool);
	struct ibv_sge stale[64];
	struct pp_page_info info;
	struct pp_extent extent;
	void *in = pp_alloc(cache, 0);
	struct ibv_wc wc;
	unsigned gone = 0;

	pp_region_extent(region, &extent);
	for (uint32_t p = 0; p < extent.pages && p < 64; p++) {
		stale[p].length = 0;
		if (!pp_region_page(region, p, &info) && info.present)
			CHECK(pp_dma_verbs_sge(region, (unsigned)a->device, info.start, 64,
					       &stale[p]) == 1,
			      "hugepage %u has no key", p);
	}
	CHECK(pp_pool_shrink(pool, 2 * extent.page / BUFFER, 1000000) > 0, "%s", pp_error());
	for (uint32_t p = 0; p < extent.pages && p < 64; p++) {
		if (!stale[p].length || (!pp_region_page(region, p, &info) && info.present))
			continue;
		gone++;
		ends_join(a, b, IBV_QPT_RC);
		memset(in, 0xee, BUFFER);
		end_receive(b, in, BUFFER);
		end_post(a, b, &stale[p]);
		wc = end_wait(a->send_cq);
		CHECK(refused(wc), "hugepage %u: %s", p, ibv_wc_status_str(wc.status));
		CHECK(*(uint8_t *)in == 0xee, "something came");
		ends_part(a, b);
	}
	CHECK(gone > 0, "no hugepage has left");
	printf("%u hugepages have left, the keys of each refused\n", gone);
	pp_free(cache, in);
}

/* From the first buffer of each, those that were there and those that came. */
static void test_every_hugepage_sends_after_growing(struct pp_pool *pool, struct end *a,
						    struct end *b, uint32_t pages)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	const struct pp_region *region = pp_pool_region(pool);
	struct pp_page_info info;
	struct pp_extent extent;
	void *in = pp_alloc(cache, 0), **all;
	uint32_t n = 0, sent = 0;

	CHECK(pp_pool_grow(pool, (pages - 1) * ((2u << 20) / BUFFER)) > 0, "%s", pp_error());
	CHECK(stats_of(pool).pages == pages, "%u hugepages", stats_of(pool).pages);
	pp_region_extent(region, &extent);
	all = calloc(stats_of(pool).total, sizeof(*all));
	/* Ours, so that nobody else writes there. */
	n = pp_alloc_burst(cache, all, (unsigned)stats_of(pool).total, 0);
	ends_join(a, b, IBV_QPT_RC);
	for (uint32_t p = 0; p < extent.pages; p++) {
		struct ibv_wc wc;

		if (pp_region_page(region, p, &info) || !info.present)
			continue;
		content_write(info.start, 64, p);
		memset(in, 0, 64);
		end_receive(b, in, BUFFER);
		end_send(a, b, info.start, 64, 0);
		wc = end_wait(a->send_cq);
		CHECK(wc.status == IBV_WC_SUCCESS, "hugepage %u: %s", p,
		      ibv_wc_status_str(wc.status));
		end_wait(b->receive_cq);
		CHECK(content_right(in, 64, p) == 64, "hugepage %u: other content", p);
		sent++;
	}
	ends_part(a, b);
	CHECK(sent == pages, "%u of %u hugepages", sent, pages);
	printf("%u hugepages, %u regions in each of two domains\n", sent, regions_of(a));
	CHECK(regions_of(a) == pages && regions_of(b) == pages, "%u and %u regions", regions_of(a),
	      regions_of(b));
	pp_free_bulk(cache, all, n);
	pp_free(cache, in);
	free(all);
	books_hold(pool, 0);
}

/* A window keeps its region: the shrink goes through, the region goes with the window. */
static void test_memory_window_keeps_a_region(struct pp_pool *pool, struct end *a, struct end *b)
{
	struct pp_dma_verbs_stats stats;
	struct ibv_wc wc;
	struct ibv_mw *mw;
	uint32_t before = regions_of(a);

	ends_join(a, b, IBV_QPT_RC);
	mw = end_bind_windows(a, pool);
	wc = end_wait(a->send_cq);
	CHECK(wc.status == IBV_WC_SUCCESS, "bind: %s", ibv_wc_status_str(wc.status));
	CHECK(pp_pool_shrink(pool, (uint32_t)stats_of(pool).total - 64, 1000000) > 0, "%s",
	      pp_error());
	pp_dma_verbs_stats(a->verbs, &stats);
	CHECK(stats.kept == 1, "%lu kept", stats.kept);
	CHECK(pp_dma_verbs_destroy(a->verbs) == -EBUSY, "gone under its pool");
	CHECK(ibv_dealloc_mw(mw) == 0, "the window stays");
	CHECK(pp_pool_grow(pool, 1) > 0, "%s", pp_error());
	pp_dma_verbs_stats(a->verbs, &stats);
	CHECK(stats.kept == 0, "%lu kept", stats.kept);
	CHECK(regions_of(a) == stats.mapped && stats.mapped < before, "%u regions", regions_of(a));
	ends_part(a, b);
}

static void test_device_leaves_with_buffers_in_flight(struct pp_pool *pool, struct end *a,
						      struct end *b)
{
	struct pp_cache *cache = pp_pool_cache(pool);
	void *in[BURST], *out = pp_alloc(cache, 0);
	struct pp_dma_verbs_stats stats;
	struct ibv_wc wc;
	int64_t out_there;

	pp_alloc_bulk(cache, in, BURST, 0);
	ends_join(a, b, IBV_QPT_UD);
	for (unsigned i = 0; i < BURST; i++) {
		memset(in[i], 0xee, BUFFER);
		end_receive(b, in[i], BUFFER);
	}
	out_there = pp_pool_unmap_device(pool, (unsigned)b->device);
	CHECK(out_there == BURST + 1, "%ld in flight", (long)out_there);
	pp_dma_verbs_stats(b->verbs, &stats);
	CHECK(stats.mapped == 0 && stats.unmaps == stats.maps, "%lu of %lu", stats.unmaps,
	      stats.maps);
	CHECK(regions_of(b) == 0, "%u regions", regions_of(b));
	CHECK(pp_buffer_lkey(pp_pool_region(pool), (unsigned)b->device, in[0]) == 0, "a key");
	/* A frame for the buffers still posted is not written into one. */
	end_send(a, b, out, 64, 0);
	wc = end_wait(a->send_cq);
	CHECK(wc.status == IBV_WC_SUCCESS, "%s", ibv_wc_status_str(wc.status));
	wc = end_wait(b->receive_cq);
	CHECK(wc.status != IBV_WC_SUCCESS, "%s", ibv_wc_status_str(wc.status));
	for (unsigned i = 0; i < BURST; i++)
		CHECK(*((uint8_t *)in[i] + GRH) == 0xee, "buffer %u was written", i);
	ends_part(a, b);
	books_hold(pool, BURST + 1);
	pp_free_bulk(cache, in, BURST);
	pp_free(cache, out);
	/* It comes back, and all is as before. */
	b->device = pp_pool_map_device(pool, &pp_dma_verbs_ops, b->verbs);
	CHECK(b->device >= 0, "%s", pp_error());
	ends_join(a, b, IBV_QPT_UD);
	burst_pass(pool, a, b, 77);
	ends_part(a, b);
}

/* As an ordinary user with room for one hugepage: the second is lost, and it is said why. */
static void test_locked_memory_is_limited_for_a_user(const char *name)
{
	const struct rlimit limit = { 3 << 20, 3 << 20 };
	struct pp_mapping mapping;
	struct pp_extent extent;
	struct pp_pool *pool;
	struct end end;
	int status, rc;
	pid_t child = fork();

	if (child) {
		waitpid(child, &status, 0);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "the user's process: %#x", status);
		return;
	}
	failures = 0;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	if (setgid(7000) || setuid(7000))
		_exit(1);
	pool = pool_of(3, 3);
	end_open(&end, name);
	end.device = pp_pool_map_device(pool, &pp_dma_verbs_ops, end.verbs);
	CHECK(end.device == 0, "%d %s", end.device, pp_error());
	CHECK(stats_of(pool).pages == 1, "%u hugepages", stats_of(pool).pages);
	pp_region_extent(pp_pool_region(pool), &extent);
	rc = pp_dma_verbs_ops.map(end.verbs, (char *)extent.base + extent.page, extent.page,
				  &mapping);
	CHECK(rc == -ENOMEM && strstr(pp_error(), "RLIMIT_MEMLOCK"), "%d %s", rc, pp_error());
	printf("a user: %s\n", pp_error());
	books_hold(pool, 0);
	CHECK(pp_pool_destroy(pool) == 0, "%s", pp_error());
	end_close(&end);
	fflush(stdout);
	_exit(failures != 0);
}

int main(int argc, char **argv)
{
	struct end a, b;
	struct pp_pool *pool;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_locked_memory_is_limited_for_a_user(argv[1]);
	pool = pool_of(6, 64);
	end_open(&a, argv[1]);
	end_open(&b, argv[2]);
	a.region = b.region = pp_pool_region(pool);
	a.device = pp_pool_map_device(pool, &pp_dma_verbs_ops, a.verbs);
	b.device = pp_pool_map_device(pool, &pp_dma_verbs_ops, b.verbs);
	CHECK(a.device >= 0 && b.device >= 0 && a.device != b.device, "%s", pp_error());
	test_content_arrives_both_ways_by_every_transport(pool, &a, &b);
	test_remote_keys_work(pool, &a, &b);
	test_wrong_local_key_is_refused(pool, &a, &b);
	test_stale_key_is_refused_after_a_shrink(pool, &a, &b);
	test_every_hugepage_sends_after_growing(pool, &a, &b, 64);
	test_memory_window_keeps_a_region(pool, &a, &b);
	test_device_leaves_with_buffers_in_flight(pool, &a, &b);
	CHECK(pp_pool_destroy(pool) == 0, "%s", pp_error());
	CHECK(regions_of(&a) == 0 && regions_of(&b) == 0, "%u and %u regions are left",
	      regions_of(&a), regions_of(&b));
	end_close(&a);
	end_close(&b);
	printf("%d failures\n", failures);
	return failures ? 1 : 0;
}
