/* SPDX-License-Identifier: BSD-3-Clause */
/* Test: DPDK's own ports pass packets in mbufs of the pool, and RX = TX. */
#include "dpdk_vdev.h"

#include <errno.h>
#include <unistd.h>
#include <rte_ethdev.h>
#include <rte_ether.h>

#include "pp_device.h"

#define BURST 32

static void pool_close(struct rte_mempool *mp)
{
	assert_int_equal(rte_mempool_in_use_count(mp), 0);
	test_lists_assert(mp);
	assert_int_equal(pp_pool_check(pp_pktmbuf_pool(mp)), 0);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
}

/* Packets from one port to the other until so many came; all that came must go. */
static uint64_t forward(uint16_t from, uint16_t to, uint64_t packets, struct rte_mempool *mp)
{
	struct rte_mbuf *mbufs[BURST];
	uint64_t rx = 0, tx = 0;
	unsigned idle = 0;

	while (rx < packets && idle < 1000000) {
		uint16_t n = rte_eth_rx_burst(from, 0, mbufs, BURST), sent = 0;

		idle = n ? 0 : idle + 1;
		for (uint16_t i = 0; i < n; i++)
			assert_ptr_equal(mbufs[i]->pool, mp);
		while (sent < n)
			sent += rte_eth_tx_burst(to, 0, mbufs + sent, n - sent);
		rx += n;
		tx += sent;
	}
	assert_int_equal(rx, tx);
	return tx;
}

static void test_net_null_gives_as_much_as_it_takes(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 2048 });
	uint16_t a = vdev_open("net_null0", "size=64", mp);
	uint16_t b = vdev_open("net_null1", "size=64", mp);
	struct rte_eth_stats in, out;
	uint64_t n;

	(void)state;
	n = forward(a, b, 1000000, mp);
	assert_int_equal(rte_eth_stats_get(a, &in), 0);
	assert_int_equal(rte_eth_stats_get(b, &out), 0);
	assert_true(n >= 1000000);
	assert_int_equal(in.ipackets, n);
	assert_int_equal(out.opackets, n);
	vdev_close("net_null0", a);
	vdev_close("net_null1", b);
	pool_close(mp);
}

/* The port's transmit ring is its receive ring: what is put in goes round. */
static void test_net_ring_gives_back_what_it_got(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 2048 });
	uint16_t port = vdev_open("net_ring0", "", mp);
	struct rte_mbuf *mbufs[BURST];
	struct rte_eth_stats stats;
	uint64_t n;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(mp, mbufs, BURST), 0);
	for (int i = 0; i < BURST; i++) {
		char *data = rte_pktmbuf_append(mbufs[i], 64);

		memset(data, i, 64);
	}
	assert_int_equal(rte_eth_tx_burst(port, 0, mbufs, BURST), BURST);
	n = forward(port, port, 100000, mp);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(stats.ipackets, n);
	assert_int_equal(stats.opackets, n + BURST);
	/* It keeps what lies in its ring when it is closed. */
	vdev_close("net_ring0", port);
	assert_int_equal(rte_mempool_in_use_count(mp), BURST);
	assert_int_equal(pp_pktmbuf_pool_free(mp), -EBUSY);
	assert_int_equal(pp_pktmbuf_pool_recover(mp), BURST);
	pool_close(mp);
}

static void file_compare(const char *a, const char *b)
{
	FILE *fa = fopen(a, "re"), *fb = fopen(b, "re");
	size_t n = 0;
	int ca, cb;

	assert_non_null(fa);
	assert_non_null(fb);
	do {
		ca = fgetc(fa);
		cb = fgetc(fb);
		if (ca != cb)
			fail_msg("the captures differ at byte %zu", n);
		n++;
	} while (ca != EOF);
	fclose(fa);
	fclose(fb);
}

/* As the driver writes it: nanoseconds, version 2.4, Ethernet; lengths and bytes are a pattern. */
static void capture_write(const char *path, uint32_t packets)
{
	const uint32_t header[6] = { 0xa1b23c4d, 2 | 4 << 16, 0, 0, 65535, 1 };
	FILE *file = fopen(path, "we");
	uint8_t bytes[1500];

	assert_non_null(file);
	fwrite(header, sizeof(header), 1, file);
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t len = 60 + i * 7 % 1440;
		const uint32_t record[4] = { 0, 0, len, len };

		for (uint32_t j = 0; j < len; j++)
			bytes[j] = (uint8_t)(i + j * 3);
		fwrite(record, sizeof(record), 1, file);
		fwrite(bytes, len, 1, file);
	}
	assert_int_equal(fclose(file), 0);
}

/* The times of the records are the driver's own. */
static void capture_untime(const char *path)
{
	FILE *file = fopen(path, "r+e");
	uint32_t record[4];
	const uint32_t zero[2] = { 0, 0 };

	assert_non_null(file);
	fseek(file, 24, SEEK_SET);
	while (fread(record, sizeof(record), 1, file) == 1) {
		fseek(file, -(long)sizeof(record), SEEK_CUR);
		fwrite(zero, sizeof(zero), 1, file);
		fseek(file, (long)(sizeof(record) - sizeof(zero) + record[2]), SEEK_CUR);
	}
	fclose(file);
}

static void test_net_pcap_passes_every_byte(void **state)
{
	struct rte_mempool *mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 2048 });
	char in[64], out[64], args[160];
	uint16_t port;

	(void)state;
	snprintf(in, sizeof(in), "/tmp/pktpool-in.%d.pcap", getpid());
	snprintf(out, sizeof(out), "/tmp/pktpool-out.%d.pcap", getpid());
	snprintf(args, sizeof(args), "rx_pcap=%s,tx_pcap=%s", in, out);
	capture_write(in, 10000);
	port = vdev_open("net_pcap0", args, mp);
	assert_int_equal(forward(port, port, 10000, mp), 10000);
	vdev_close("net_pcap0", port);
	capture_untime(out);
	file_compare(in, out);
	unlink(in);
	unlink(out);
	pool_close(mp);
}

static void check_is(int rc, const struct rte_mempool *mp, const char *devargs)
{
	int got = pp_pktmbuf_device_check(mp, devargs);

	if (got != rc)
		fail_msg("%s: %d, not %d: %s", devargs, got, rc, pp_error());
	if (rc && !strstr(pp_error(), "net_"))
		fail_msg("%s: \"%s\" names no driver", devargs, pp_error());
}

static void test_devices_that_would_be_silent_are_refused(void **state)
{
	struct rte_mempool *plain = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, 0);
	struct rte_mempool *mp, *gapless, *small, *large;

	(void)state;
	check_is(0, plain, "net_virtio_user0,path=/s");
	mp = test_pool_create((struct pp_pktmbuf_params){ .mbufs = 64 });
	gapless = test_pool_create((struct pp_pktmbuf_params){
		.name = "gapless", .mbufs = 64, .flags = PP_POOL_GAPLESS });
	small = test_pool_create((struct pp_pktmbuf_params){
		.name = "small", .mbufs = 64, .data_room = 512, .flags = PP_POOL_GAPLESS });
	large = test_pool_create((struct pp_pktmbuf_params){
		.name = "large", .mbufs = 64, .data_room = 9216, .flags = PP_POOL_GAPLESS });
	check_is(-ENOTSUP, mp, "net_af_xdp0,iface=eth0");
	check_is(0, gapless, "net_af_xdp0,iface=eth0");
	check_is(-ENOTSUP, small, "net_af_xdp0,iface=eth0");
	check_is(-ENOTSUP, large, "net_af_xdp0,iface=eth0");
	check_is(0, plain, "net_af_xdp0,iface=eth0");
	check_is(-ENOTSUP, mp, "net_memif0,role=client,zero-copy=yes,id=0");
	check_is(0, mp, "net_memif0,role=client,zero-copy=no");
	check_is(0, mp, "net_memif0,role=server");
	check_is(-ENOTSUP, mp, "net_virtio_user0,path=/s");
	check_is(-ENOTSUP, gapless, "vdev:virtio_user0,path=/s");
	check_is(-ENOTSUP, plain, "net_virtio_user0,path=/s");
	check_is(-ENOTSUP, NULL, "net_virtio_user_b,path=/s");
	check_is(0, mp, "net_null0");
	check_is(0, mp, "net_tap0,iface=net_af_xdp0");
	check_is(0, mp, "0000:03:00.0");
	assert_int_equal(pp_pktmbuf_port_check(mp, RTE_MAX_ETHPORTS - 1), -ENODEV);
	assert_int_equal(pp_pktmbuf_pool_free(mp), 0);
	assert_int_equal(pp_pktmbuf_pool_free(small), 0);
	assert_int_equal(pp_pktmbuf_pool_free(large), 0);
	check_is(-ENOTSUP, plain, "net_virtio_user0,path=/s");
	assert_int_equal(pp_pktmbuf_pool_free(gapless), 0);
	check_is(0, plain, "net_virtio_user0,path=/s");
	rte_mempool_free(plain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_null_gives_as_much_as_it_takes),
		cmocka_unit_test(test_net_ring_gives_back_what_it_got),
		cmocka_unit_test(test_net_pcap_passes_every_byte),
		cmocka_unit_test(test_devices_that_would_be_silent_are_refused),
	};

	test_eal_start(argc, argv, 16);
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
