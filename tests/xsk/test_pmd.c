/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: net_pp_xsk's mbufs: none kept, those of others copied, long ones in several, one pool for two. */
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "port.h"

static void arrives(int fd, uint32_t number, size_t bytes)
{
	time_t end = time(NULL) + 60;
	uint32_t which;
	size_t length;
	int rc;

	while (!(rc = far_receive(fd, &which, &length)))
		assert_true(time(NULL) < end);
	assert_int_equal(rc, 1);
	assert_int_equal(which, number);
	assert_int_equal(length, bytes);
}

static void test_mbufs_of_others_are_copied(void **state)
{
	struct rte_mempool *mp = pool_make(0, 0);
	struct rte_mempool *other =
		rte_pktmbuf_pool_create("other", 1023, 0, 0, 9216, SOCKET_ID_ANY);
	uint16_t port = port_open("net_pp_xsk0", NEAR, mp);
	struct rte_mbuf *m, *clone;
	struct rte_eth_stats stats;
	int fd = far_open();

	(void)state;
	assert_non_null(other);
	/* Ours goes as it is, in one segment or in several. */
	packet_send(port, packet_make(mp, 60, 2048, 1));
	arrives(fd, 1, 60);
	packet_send(port, packet_make(mp, 1000, 100, 2));
	arrives(fd, 2, 1000);
	assert_int_equal(xstat(port, "tx_copied_packets"), 0);
	/* Another mempool's, attached ones, and such as somebody else still has. */
	packet_send(port, packet_make(other, 60, 2048, 3));
	arrives(fd, 3, 60);
	packet_send(port, packet_make(other, 1500, 400, 4));
	arrives(fd, 4, 1500);
	/* One mbuf of theirs is longer than one of ours. */
	packet_send(port, packet_make(other, 9000, 9000, 5));
	arrives(fd, 5, 9000);
	m = packet_make(mp, 300, 2048, 6);
	clone = rte_pktmbuf_clone(m, mp);
	assert_non_null(clone);
	packet_send(port, clone);
	arrives(fd, 6, 300);
	rte_mbuf_refcnt_update(m, 1);
	packet_send(port, m);
	arrives(fd, 6, 300);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(m);
	/* More segments than a frame may have descriptors; one without a byte. */
	packet_send(port, packet_make(mp, 1400, 20, 7));
	arrives(fd, 7, 1400);
	m = packet_make(mp, 200, 100, 8);
	assert_int_equal(rte_pktmbuf_chain(m, rte_pktmbuf_alloc(mp)), 0);
	packet_send(port, m);
	arrives(fd, 8, 200);
	assert_int_equal(xstat(port, "tx_copied_packets"), 7);
	/* What is no frame is dropped and counted. */
	m = rte_pktmbuf_alloc(mp);
	rte_pktmbuf_append(m, 13);
	packet_send(port, m);
	packet_send(port, rte_pktmbuf_alloc(mp));
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.oerrors, 2);
	assert_int_equal(stats.opackets, 9);
	assert_int_equal(stats.obytes, 60 + 1000 + 60 + 1500 + 9000 + 300 + 300 + 1400 + 200);
	assert_int_equal(rte_eth_stats_reset(port), 0);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.oerrors + stats.opackets + stats.obytes, 0);
	port_close("net_pp_xsk0", port);
	assert_int_equal(out(mp), 0);
	assert_int_equal(rte_mempool_in_use_count(other), 0);
	rte_mempool_free(other);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	close(fd);
}

static void test_two_ports_have_one_mempool(void **state)
{
	/* An even number of lines, between which the pool puts one more. */
	struct rte_mempool *mp = pool_make(0, 2240);
	uint16_t near = port_open("net_pp_xsk0", NEAR, mp), far = port_open("net_pp_xsk1", FAR, mp);
	struct rte_mbuf *pkts[32];

	(void)state;
	assert_true(out(mp) >= 2 * (RING - PP_CARVE));
	for (unsigned round = 0; round < 400; round++) {
		for (unsigned i = 0; i < 32; i++)
			pkts[i] = packet_make(mp, round % 3 ? 64 : 1514, 2048, i);
		for (unsigned i = 0; i < 32; i++)
			packet_send(near, pkts[i]);
		receive(far, pkts, 32, round % 3 ? 64 : 1514);
		/* What one received the other's memory has, too. */
		for (unsigned i = 0; i < 32; i++)
			packet_send(far, pkts[i]);
		receive(near, pkts, 32, round % 3 ? 64 : 1514);
		rte_pktmbuf_free_bulk(pkts, 32);
	}
	assert_int_equal(xstat(near, "tx_copied_packets") + xstat(far, "tx_copied_packets"), 0);
	/* One goes, the other goes on. */
	port_close("net_pp_xsk0", near);
	assert_in_range(out(mp), RING - PP_CARVE, RING + 2 * PP_CARVE);
	near = port_open("net_pp_xsk0", NEAR, mp);
	packet_send(near, packet_make(mp, 9000, 2048, 5));
	receive(far, pkts, 1, 9000);
	assert_true(pkts[0]->nb_segs > 1);
	rte_pktmbuf_free(pkts[0]);
	port_close("net_pp_xsk1", far);
	port_close("net_pp_xsk0", near);
	assert_int_equal(out(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* A frame of five mbufs wants as many in the ring, however few it may have. */
static void test_the_shortest_ring_takes_long_frames(void **state)
{
	struct rte_mempool *mp = pool_make(0, 0);
	uint16_t port = port_open("net_pp_xsk0", NEAR, mp);
	struct rte_eth_dev_info info;
	struct rte_mbuf *pkts[1];
	int fd = far_open();

	(void)state;
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, info.rx_desc_lim.nb_min, SOCKET_ID_ANY,
						NULL, mp),
			 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	for (unsigned i = 0; i < 60; i++) {
		far_send(fd, 9000, i);
		receive(port, pkts, 1, 9000);
		rte_pktmbuf_free(pkts[0]);
	}
	port_close("net_pp_xsk0", port);
	assert_int_equal(out(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	close(fd);
}

static void test_a_stopped_port_has_no_mbuf(void **state)
{
	struct rte_mempool *mp = pool_make(0, 0);
	uint16_t port = port_open("net_pp_xsk0", NEAR, mp);
	struct rte_eth_stats stats;
	struct rte_mbuf *pkts[32];
	int fd = far_open();

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 32; i++)
			far_send(fd, 64, i);
		receive(port, pkts, 32, 64);
		/* Some it has received, and some it is to send. */
		for (unsigned i = 0; i < 50; i++)
			far_send(fd, 9000, i);
		assert_int_equal(rte_eth_tx_burst(port, 0, pkts, 32), 32);
		assert_int_equal(rte_eth_rx_burst(port, 0, pkts, 2), 0);
		assert_int_equal(rte_eth_dev_stop(port), 0);
		assert_int_equal(out(mp), 0);
		assert_int_equal(rte_eth_tx_done_cleanup(port, 0, 0), 0);
		assert_int_equal(rte_eth_dev_start(port), 0);
	}
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.ipackets, 320);
	assert_int_equal(stats.opackets, 320);
	port_close("net_pp_xsk0", port);
	assert_int_equal(out(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	close(fd);
}

static void test_a_ring_is_not_empty_while_there_is_a_reserve(void **state)
{
	struct rte_mempool *mp = pool_make(128, 0);
	uint16_t port = port_open("net_pp_xsk0", NEAR, mp);
	struct rte_mbuf **held, *pkts[32], *more[RING];
	unsigned n = test_drain(mp, &held), kept = 0;
	struct rte_eth_stats stats;
	struct pp_stats books;
	int fd = far_open();

	(void)state;
	/* An application that keeps what it gets, and knows nothing of a reserve. */
	do {
		pp_pool_stats(pp_pktmbuf_pool(mp), &books);
		assert_true(books.reserve == 128 || xstat(port, "rx_reserve_mbufs") > 0);
		far_send(fd, 64, kept);
		receive(port, pkts, 1, 64);
		more[kept++] = pkts[0];
	} while (kept < RING && !xstat(port, "rx_reserve_mbufs"));
	/* Not before the ring was nearly empty; and it goes on. */
	assert_in_range(kept, RING - 3 * PP_CARVE, RING);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.rx_nombuf, 0);
	for (unsigned i = 0; i < 1000; i++) {
		far_send(fd, 64, i);
		receive(port, pkts, 1, 64);
		rte_pktmbuf_free(pkts[0]);
	}
	rte_pktmbuf_free_bulk(held, n);
	rte_pktmbuf_free_bulk(more, kept);
	port_close("net_pp_xsk0", port);
	assert_int_equal(out(mp), 0);
	pp_pool_stats(pp_pktmbuf_pool(mp), &books);
	assert_int_equal(books.reserve, 128);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	close(fd);
	free(held);
}

static unsigned send_counted(uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
	time_t end = time(NULL) + 60;
	unsigned sum = 0, calls;

	for (uint16_t sent = 0; sent < n; sum += calls) {
		calls_begin();
		sent += rte_eth_tx_burst(port, 0, pkts + sent, n - sent);
		calls = calls_end();
		assert_in_range(calls, 0, 1);
		assert_true(time(NULL) < end);
	}
	return sum;
}

static unsigned receive_counted(uint16_t port, uint16_t n)
{
	struct rte_mbuf *pkts[32];
	time_t end = time(NULL) + 60;
	unsigned sum = 0, calls;

	/* The last one finds nothing. */
	for (uint16_t some = 1; n || some; sum += calls, n -= some) {
		calls_begin();
		some = rte_eth_rx_burst(port, 0, pkts, 32);
		calls = calls_end();
		assert_in_range(calls, 0, 1);
		rte_pktmbuf_free_bulk(pkts, some);
		assert_true(time(NULL) < end);
	}
	return sum;
}

static void test_a_burst_calls_the_kernel_once_at_most(void **state)
{
	struct rte_mempool *mp = pool_make(0, 0);
	uint16_t near = port_open("net_pp_xsk0", NEAR, mp), far = port_open("net_pp_xsk1", FAR, mp);
	unsigned sends = 0, receives = 0;
	struct rte_mbuf *pkts[32];

	(void)state;
	if (!calls_ready())
		skip();
	calls_begin();
	for (unsigned i = 0; i < 3; i++)
		syscall(SYS_getppid);
	assert_int_equal(calls_end(), 3);
	for (unsigned round = 0; round < 300; round++) {
		/* As many descriptors as the oldest kernel sends in one call. */
		uint16_t n = (uint16_t)(round % 3 ? 1 + round % 32 : 6);

		for (unsigned i = 0; i < n; i++)
			pkts[i] = packet_make(mp, round % 3 ? 64 : 9000, 2048, i);
		sends += send_counted(near, pkts, n);
		receives += receive_counted(far, n);
	}
	/* There is somebody to be told. */
	assert_true(sends >= 300);
	assert_true(receives > 0);
	port_close("net_pp_xsk1", far);
	port_close("net_pp_xsk0", near);
	assert_int_equal(out(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* Of 64 bytes, with the private data of a mempool of mbufs, or with none. */
static struct rte_mempool *dwarfs_make(unsigned private_bytes)
{
	struct rte_pktmbuf_pool_private says = { .mbuf_data_room_size = 2176 };
	struct rte_mempool *mp = rte_mempool_create("dwarfs", 4095, 64, 0, private_bytes, NULL,
						    NULL, NULL, NULL, SOCKET_ID_ANY, 0);

	assert_non_null(mp);
	if (private_bytes)
		memcpy(rte_mempool_get_priv(mp), &says, sizeof(says));
	return mp;
}

static void test_objects_that_are_no_mbufs_are_refused(void **state)
{
	struct rte_mempool *mp = pool_make(0, 0), *none = dwarfs_make(0), *dwarfs;
	uint16_t port = port_open("net_pp_xsk0", NEAR, mp);
	struct rte_mbuf *pkts[1];
	char said[512] = "";
	FILE *log = fmemopen(said, sizeof(said), "w");
	int fd = far_open();

	(void)state;
	assert_int_equal(rte_eth_dev_stop(port), 0);
	/* ethdev sees to it. */
	assert_true(rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, none) < 0);
	rte_mempool_free(none);
	dwarfs = dwarfs_make(sizeof(struct rte_pktmbuf_pool_private));
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, dwarfs), 0);
	rte_openlog_stream(log);
	assert_int_equal(rte_eth_dev_start(port), -EINVAL);
	rte_openlog_stream(NULL);
	fclose(log);
	assert_non_null(strstr(said, "mempool dwarfs: its objects of 64 bytes are no mbufs"));
	assert_int_equal(rte_mempool_in_use_count(dwarfs), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, mp), 0);
	rte_mempool_free(dwarfs);
	assert_int_equal(rte_eth_dev_start(port), 0);
	far_send(fd, 64, 1);
	receive(port, pkts, 1, 64);
	rte_pktmbuf_free(pkts[0]);
	port_close("net_pp_xsk0", port);
	assert_int_equal(out(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	close(fd);
}

static int enter(void **state)
{
	(void)state;
	veth_make(9000, 1);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbufs_of_others_are_copied),
		cmocka_unit_test(test_two_ports_have_one_mempool),
		cmocka_unit_test(test_the_shortest_ring_takes_long_frames),
		cmocka_unit_test(test_a_stopped_port_has_no_mbuf),
		cmocka_unit_test(test_a_ring_is_not_empty_while_there_is_a_reserve),
		cmocka_unit_test(test_a_burst_calls_the_kernel_once_at_most),
		cmocka_unit_test(test_objects_that_are_no_mbufs_are_refused),
	};

	if (argc != 3) {
		printf("usage: test_pmd MODE DRIVER\n");
		return 2;
	}
	if (!veth_enter()) {
		printf("skipped: a network namespace wants root\n");
		return 77;
	}
	/* Not by EAL's -d, which asks who may write to the directories above it. */
	if (!dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL)) {
		printf("%s\n", dlerror());
		return 1;
	}
	test_eal_start(argc, argv, 32);
	return cmocka_run_group_tests(tests, enter, NULL) ? 1 : 0;
}
