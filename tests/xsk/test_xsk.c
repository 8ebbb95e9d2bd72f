/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: a pool as UMEM: frames whole both ways, what is refused and why, and every buffer home. */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <unistd.h>

#include "support.h"
#include "veth.h"
#include "wire.h"

#define BUFFERS 4096

static void test_aligned_chunks_carry_frames_whole(void **state)
{
	const uint32_t sizes[] = { 2048, 4096 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct wire w = wire_open(pool_make(sizes[i], BUFFERS, 0, PP_POOL_GAPLESS), 0);

		assert_int_not_equal(w.q->chunk, XSK_UNALIGNED_BUF_ADDR_MASK);
		assert_int_equal(pp_xsk_umem_data(w.umem), 256);
		assert_int_equal(pp_xsk_umem_frame(w.umem), sizes[i] - 256);
		/* More than the pool has buffers: they go round. */
		wire_echo(&w, 2 * BUFFERS, 60);
		wire_echo(&w, 500, 1514);
		wire_close(&w);
	}
}

static void test_unaligned_chunks_carry_frames_whole(void **state)
{
	const uint32_t sizes[] = { 2368, 3136, 4032, 4096 }, flags[] = { 0, PP_POOL_GAPLESS };

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		struct wire w = wire_open(pool_make(sizes[i / 2], BUFFERS, 0, flags[i % 2]), 320);

		assert_int_equal(w.q->chunk, XSK_UNALIGNED_BUF_ADDR_MASK);
		/* Room for an mbuf, its private area and a headroom in front. */
		assert_int_equal(pp_xsk_umem_data(w.umem), 320);
		assert_in_range(pp_xsk_umem_frame(w.umem), sizes[i / 2] - 320,
				sizes[i / 2] - 320 + 64);
		wire_echo(&w, BUFFERS + 1000, 64);
		wire_echo(&w, 300, 1514);
		wire_close(&w);
	}
}

static void test_long_frames_come_in_several_buffers(void **state)
{
	struct wire w;

	(void)state;
	veth_remove();
	veth_make(9000, 1);
	w = wire_open(pool_make(2048, BUFFERS, 0, 0), 0);
	if (w.q->frags) {
		wire_echo(&w, 1000, 9014);
		wire_echo(&w, 500, 1793);
	}
	pp_xsk_queue_destroy(w.q);
	/* One buffer only: nothing longer comes, nothing is lost. */
	assert_ok(queue_try(&w, 0, PP_XSK_SINGLE));
	assert_false(w.q->frags);
	wire_echo(&w, 200, 1500);
	wire_close(&w);
	veth_remove();
	veth_make(1500, 1);
}

static void test_chunks_that_no_kernel_takes_are_refused(void **state)
{
	const struct {
		uint32_t size, headroom, tail;
		const char *says;
	} wrong[] = {
		{ 8192, 0, 0, "2048 to 4096" },   { 1024, 0, 0, "2048 to 4096" },
		{ 2112, 0, 128, "2048 to 4096" }, { 2048, 2112, 0, "headroom" },
		{ 2048, 1 << 20, 0, "headroom" }, { 2048, 0, 1 << 20, "headroom" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct pp_pool *pool = pool_make(wrong[i].size, 1024, 0, 0);
		struct pp_xsk_umem_params how = { .sz = sizeof(how),
						  .headroom = wrong[i].headroom,
						  .tail = wrong[i].tail };
		struct pp_xsk_umem *umem = NULL;

		assert_int_equal(pp_xsk_umem_create(pool, &how, &umem), -EINVAL);
		assert_error_names(wrong[i].says);
		assert_null(umem);
		/* Nothing is mapped: the first device's number is free. */
		assert_int_equal(pp_pool_unmap_device(pool, 0), -ENOENT);
		pool_end(pool);
	}
}

static void test_a_hugepage_that_comes_later_is_refused(void **state)
{
	struct pp_pool *pool = pool_make(2048, 4096, 8192, 0);
	struct wire w = wire_open(pool, 0);
	struct pp_stats before = stats_of(pool);

	(void)state;
	assert_true(pp_pool_grow(pool, 1024) < 0);
	assert_int_equal(stats_of(pool).total, before.total);
	assert_true(stats_of(pool).pages_lost > before.pages_lost);
	wire_echo(&w, 1000, 64);
	/* With no queue open nothing is held on to. */
	assert_int_equal(pp_xsk_umem_destroy(w.umem), -EBUSY);
	pp_xsk_queue_destroy(w.q);
	assert_true(pp_pool_grow(pool, 1024) > 0);
	assert_ok(queue_try(&w, 0, 0));
	wire_echo(&w, 6000, 64);
	wire_close(&w);
}

static void test_a_hugepage_that_came_back_is_refused(void **state)
{
	struct pp_pool *pool = pool_make(2048, 8192, 0, PP_POOL_GAPLESS);
	struct wire w = wire_open(pool, 0);
	uint64_t total = stats_of(pool).total;
	struct wire second = w;
	int gone;

	(void)state;
	gone = pp_pool_shrink(pool, 1024, 1000000);
	assert_true(gone > 0);
	/* It has other memory than the kernel's. */
	assert_true(pp_pool_grow(pool, 1024) < 0);
	assert_int_equal(stats_of(pool).total, total - (uint64_t)gone);
	/* Nor can a second queue have the range of the first. */
	assert_int_equal(queue_try(&second, 0, 0), -ENXIO);
	assert_error_names("have left");
	wire_echo(&w, 1000, 64);
	pp_xsk_queue_destroy(w.q);
	assert_true(pp_pool_grow(pool, 1024) > 0);
	assert_ok(queue_try(&w, 0, 0));
	wire_echo(&w, 9000, 64);
	wire_close(&w);
}

/* Only the second hugepage has nothing in flight, so that it is the one that leaves. */
static void hole_make(struct pp_pool *pool)
{
	static void *bufs[3 * BUFFERS];
	struct pp_cache *cache = pp_pool_cache(pool);
	uint32_t n = take_all(cache, bufs, 3 * BUFFERS), kept = 0;
	struct pp_page_info info;

	assert_ok(pp_region_page(pp_pool_region(pool), 1, &info));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t index = (uint64_t)pp_buffer_index(pp_pool_region(pool), bufs[i]);

		if (index - info.first < info.count)
			pp_free(cache, bufs[i]);
		else
			bufs[kept++] = bufs[i];
	}
	assert_true(pp_pool_shrink(pool, 1, 10000000) > 0);
	pp_free_bulk(cache, bufs, kept);
	assert_ok(pp_region_page(pp_pool_region(pool), 1, &info));
	assert_false(info.present);
}

static void test_a_pool_with_a_hole_is_refused(void **state)
{
	struct pp_pool *pool = pool_make(2048, 2 * BUFFERS, 0, 0);
	struct wire w = { .pool = pool, .umem = umem_make(pool, 0) };

	(void)state;
	hole_make(pool);
	assert_ok(pp_xsk_port_open(NEAR, &w.port));
	assert_int_equal(queue_try(&w, 0, 0), -ENXIO);
	assert_error_names("no hugepages 1 to 1");
	assert_error_names("pp_pool_grow");
	assert_true(pp_pool_grow(pool, 1) > 0);
	assert_ok(queue_try(&w, 0, 0));
	wire_echo(&w, 1000, 64);
	wire_close(&w);
}

static void test_what_is_not_there_or_taken_is_refused(void **state)
{
	struct wire w = wire_open(pool_make(2048, BUFFERS, 0, 0), 0), other = w;
	struct pp_xsk_port *port = NULL;

	(void)state;
	assert_int_equal(pp_xsk_port_open("nope", &port), -ENODEV);
	assert_error_names("nope");
	assert_int_equal(pp_xsk_port_open("", &port), -EINVAL);
	assert_int_equal(pp_xsk_port_open("a-name-that-is-too-long", &port), -EINVAL);
	assert_int_equal(pp_xsk_port_open(NEAR, &port), -EBUSY);
	assert_error_names("XDP program");
	assert_null(port);
	assert_int_equal(queue_try(&other, 0, 0), -EBUSY);
	assert_error_names("queue 0 of " NEAR);
	assert_int_equal(queue_try(&other, 1, 0), -EINVAL);
	assert_int_equal(queue_try(&other, 300, 0), -EINVAL);
	assert_int_equal(queue_try(&other, 0, PP_XSK_ZEROCOPY), -EBUSY);
	wire_echo(&w, 100, 64);
	pp_xsk_queue_destroy(w.q);
	assert_int_equal(queue_try(&w, 0, PP_XSK_ZEROCOPY), -EOPNOTSUPP);
	books_hold(w.pool, 0);
	command("ip link set dev " NEAR " down");
	assert_int_equal(queue_try(&w, 0, 0), -ENETDOWN);
	assert_error_names("up");
	command("ip link set dev " NEAR " up");
	books_hold(w.pool, 0);
	assert_ok(queue_try(&w, 0, 0));
	wire_echo(&w, 100, 64);
	wire_close(&w);
}

static void test_a_socket_opens_again_and_again(void **state)
{
	struct wire w = wire_open(pool_make(2048, BUFFERS, 0, 0), 0);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		wire_echo(&w, 50, 64);
		assert_true(pp_xsk_queue_destroy(w.q) > 0);
		books_hold(w.pool, 0);
		if (i % 2) {
			pp_xsk_port_close(w.port);
			assert_ok(pp_xsk_port_open(NEAR, &w.port));
		}
		assert_ok(queue_try(&w, 0, 0));
	}
	wire_close(&w);
}

static void test_an_interface_goes_under_traffic(void **state)
{
	struct wire w = wire_open(pool_make(2048, BUFFERS, 0, 0), 0);
	int fd = far_open();

	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		far_send(fd, 64, i);
	wire_reflect(&w);
	veth_remove();
	for (unsigned i = 0; i < 10; i++)
		wire_reflect(&w);
	close(fd);
	wire_close(&w);
	veth_make(1500, 1);
}

static void test_a_dry_ring_draws_on_the_reserve(void **state)
{
	struct pp_pool *pool = pool_make(2048, BUFFERS, 0, 0);
	struct pp_cache *cache = pp_pool_cache(pool);
	static void *bufs[2 * BUFFERS];
	int fd = far_open();
	struct wire w;
	unsigned held;

	(void)state;
	assert_ok(pp_pool_set_reserve(pool, 128));
	w = wire_open(pool, 0);
	held = take_all(cache, bufs, 2 * BUFFERS);
	assert_int_equal(held + w.q->level + 128, stats_of(pool).total);
	/* What is received is kept too, until the ring runs dry. */
	while (w.q->level > 64) {
		uint32_t at, n;

		far_send(fd, 64, 0);
		n = xsk_ring_cons__peek(&w.q->rx, 1, &at);
		for (uint32_t i = 0; i < n; i++)
			bufs[held++] = pp_xsk_take(w.q, xsk_ring_cons__rx_desc(&w.q->rx, at)->addr);
		xsk_ring_cons__release(&w.q->rx, n);
		w.q->level -= n;
		pp_xsk_refill(w.q);
	}
	close(fd);
	/* Ordinary refilling took none of the reserve. */
	assert_int_equal(stats_of(pool).reserve, 128);
	wire_echo(&w, 1000, 64);
	assert_int_equal(w.q->starved, 0);
	/* And what it took, when it had to, goes home. */
	pp_free_bulk(cache, bufs, held);
	wire_close(&w);
}

static void without_lock_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(!syscall(SYS_capget, &head, data));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	MUST(!syscall(SYS_capset, &head, data));
}

static int locked_out(void *arg)
{
	struct wire *w = arg;
	const struct rlimit none = { 4096, 4096 };

	MUST(!setrlimit(RLIMIT_MEMLOCK, &none));
	without_lock_capability();
	MUST(queue_try(w, 0, 0) == -ENOBUFS);
	MUST(strstr(pp_error(), "ulimit -l"));
	return 0;
}

static void test_the_limit_on_locked_memory_is_named(void **state)
{
	struct wire w = { .pool = pool_make(2048, BUFFERS, 0, 0) };

	(void)state;
	w.umem = umem_make(w.pool, 0);
	assert_ok(pp_xsk_port_open(NEAR, &w.port));
	assert_int_equal(child_do(locked_out, &w), 0);
	assert_ok(queue_try(&w, 0, 0));
	wire_close(&w);
}

static int enter(void **state)
{
	(void)state;
	veth_make(1500, 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_chunks_carry_frames_whole),
		cmocka_unit_test(test_unaligned_chunks_carry_frames_whole),
		cmocka_unit_test(test_long_frames_come_in_several_buffers),
		cmocka_unit_test(test_chunks_that_no_kernel_takes_are_refused),
		cmocka_unit_test(test_a_hugepage_that_comes_later_is_refused),
		cmocka_unit_test(test_a_hugepage_that_came_back_is_refused),
		cmocka_unit_test(test_a_pool_with_a_hole_is_refused),
		cmocka_unit_test(test_what_is_not_there_or_taken_is_refused),
		cmocka_unit_test(test_a_socket_opens_again_and_again),
		cmocka_unit_test(test_an_interface_goes_under_traffic),
		cmocka_unit_test(test_a_dry_ring_draws_on_the_reserve),
		cmocka_unit_test(test_the_limit_on_locked_memory_is_named),
	};

	if (!veth_enter()) {
		printf("skipped: a network namespace wants root\n");
		return 77;
	}
	hugepages_need(20);
	return cmocka_run_group_tests_name("xsk", tests, enter, NULL);
}
