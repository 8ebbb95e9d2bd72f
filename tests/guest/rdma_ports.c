/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: two of net_pp_verbs, what goes in at one comes out at the other, byte by byte. */
#include <rte_eal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pp_critical.h>
#include <pp_pktmbuf.h>

#include "rdma_pair.h"

_Atomic int failures;

static void test_frames_pass_and_all_is_given_back(struct rte_mempool *mp)
{
	struct rte_eth_stats stats[2];

	for (unsigned round = 0; round < 2; round++) {
		ports_start(mp);
		CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other");
		for (uint16_t port = 0; port < 2; port++)
			rte_eth_stats_reset(port);
		frames_pass(mp, 0, 1, 100);
		frames_pass(mp, 1, 0, 100);
		for (uint16_t port = 0; port < 2; port++)
			stats[port] = stats_of(port);
		for (unsigned i = 0; i < 2; i++) {
			CHECK(stats[i].opackets == 100 && stats[i].ipackets == 100, "%lu, %lu",
			      stats[i].opackets, stats[i].ipackets);
			CHECK(stats[i].obytes == stats[!i].ibytes, "%lu sent, %lu came",
			      stats[i].obytes, stats[!i].ibytes);
			CHECK(!stats[i].oerrors && !stats[i].ierrors && !stats[i].rx_nombuf,
			      "errors %lu, %lu, no mbufs %lu", stats[i].oerrors, stats[i].ierrors,
			      stats[i].rx_nombuf);
		}
		CHECK(regions("rxe0") > 0, "nothing is registered");
		ports_stop();
		mempool_whole(mp, "after a stop");
		CHECK(regions("rxe0") == 0 && regions("rxe1") == 0, "regions are left");
	}
}

/* Every mbuf of the hugepage that came while the ports run can be sent. */
static void test_pool_grows_under_the_ports(struct rte_mempool *mp)
{
	const struct pp_region *region = pp_pool_region(pp_pktmbuf_pool(mp));
	struct rte_mbuf *held[2 * MBUFS], *fresh[2 * MBUFS];
	unsigned n = 0, news = 0, before;
	struct pp_page_info info;
	struct pp_extent extent;
	uint32_t p = 0;
	int rc;

	pp_region_extent(region, &extent);
	while (!pp_region_page(region, p, &info) && info.present)
		p++;
	ports_start(mp);
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other");
	before = regions("rxe0");
	CHECK(pp_pktmbuf_pool_grow(mp, 1) > 0, "%s", pp_error());
	CHECK(!pp_region_page(region, p, &info) && info.present, "another hugepage came");
	CHECK(regions("rxe0") == before + 1 && regions("rxe1") == before + 1, "%u and %u, not %u",
	      regions("rxe0"), regions("rxe1"), before + 1);
	for (struct rte_mbuf *m; (m = rte_pktmbuf_alloc(mp));)
		if (((uintptr_t)m - (uintptr_t)extent.base) / extent.page == p)
			fresh[news++] = m;
		else
			held[n++] = m;
	CHECK(news > 100, "%u of it", news);
	rte_pktmbuf_free_bulk(held, n);
	for (unsigned i = 0; i < news; i += BURST)
		burst_pass(fresh + i, RTE_MIN(news - i, (unsigned)BURST));
	printf("%u mbufs of a hugepage that came under the ports were sent\n", news);
	/* Some of it may lie in a receive queue. */
	rc = pp_pktmbuf_pool_shrink(mp, 1, 500000);
	CHECK(rc > 0 || rc == -EBUSY, "%d", rc);
	CHECK(regions("rxe0") == before + (rc < 0), "%u, not %u", regions("rxe0"),
	      before + (rc < 0));
	frames_pass(mp, 0, 1, 50);
	frames_pass(mp, 1, 0, 50);
	ports_stop();
	mempool_whole(mp, "after growing");
	CHECK(rc > 0 || pp_pktmbuf_pool_shrink(mp, 1, 500000) > 0, "%s", pp_error());
}

/* What goes nowhere is an error each, at once, and none is kept. */
static void test_peer_gone_is_errors_and_no_hang(struct rte_mempool *mp)
{
	struct rte_mbuf *pkts[BURST];
	uint64_t before;

	ports_start(mp);
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other");
	CHECK(rte_eth_dev_stop(1) == 0, "port 1");
	CHECK(link_becomes(0, 0), "the link stays up");
	before = stats_of(0).oerrors;
	for (unsigned i = 0; i < BURST; i++)
		pkts[i] = frame_make(mp, i);
	CHECK(rte_eth_tx_burst(0, 0, pkts, BURST) == BURST, "not taken");
	CHECK(stats_of(0).oerrors == before + BURST, "%lu errors", stats_of(0).oerrors - before);
	/* It comes back under another number, and is found. */
	CHECK(rte_eth_dev_start(1) == 0, "port 1");
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other again");
	frames_pass(mp, 0, 1, 50);
	frames_pass(mp, 1, 0, 50);
	ports_stop();
	mempool_whole(mp, "after the peer went");
}

/* The queue pair that errs is made anew, and what it had is counted and freed. */
static void test_dead_link_is_survived(struct rte_mempool *mp)
{
	struct rte_mbuf *pkts[BURST];
	uint64_t errors;

	ports_start(mp);
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other");
	CHECK(system("ip link set dev cable0 down") == 0, "it stays up");
	for (unsigned round = 0; round < 8; round++) {
		for (unsigned i = 0; i < BURST; i++)
			pkts[i] = frame_make(mp, i * 7 + 1);
		for (uint16_t put = 0; put < BURST;)
			put += rte_eth_tx_burst(0, 0, pkts + put, BURST - put);
		usleep(20000);
	}
	errors = stats_of(0).oerrors;
	printf("%lu of %u frames to a dead link were errors\n", errors, 8 * BURST);
	CHECK(errors > 0, "no error");
	CHECK(system("ip link set dev cable0 up") == 0, "it stays down");
	CHECK(way_becomes_free(mp, 0, 1) && way_becomes_free(mp, 1, 0), "the link stays dead");
	frames_pass(mp, 0, 1, 50);
	frames_pass(mp, 1, 0, 50);
	ports_stop();
	mempool_whole(mp, "after a dead link");
}

static bool is_critical(const struct rte_mbuf *packet, void *arg)
{
	(void)arg;
	return packet->pkt_len == 64;
}

/* Others hold all mbufs there are: what is critical comes through, in the reserve's. */
static void test_receiving_goes_on_out_of_the_reserve(struct rte_mempool *mp)
{
	struct rte_mempool *sender = mempool_of("sender", false, DATA_ROOM);
	struct rte_mbuf *held[2 * MBUFS], *pkts[BURST];
	struct pp_stats stats;
	unsigned n = 0, critical = 0, sent = 0;
	uint64_t refused, id, drawn = 0;
	struct rte_eth_stats counted;

	ports_start(mp);
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other");
	while (n < 2 * MBUFS && (held[n] = rte_pktmbuf_alloc(mp)))
		n++;
	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	CHECK(stats.reserve == RESERVE, "%lu in reserve", (unsigned long)stats.reserve);
	refused = stats.sum.refused;
	/* More than the receive queue and the reserve have together. */
	for (time_t end = time(NULL) + PATIENCE; critical < 400 && time(NULL) < end;) {
		uint16_t got;

		for (; sent < critical + 8; sent++) {
			struct rte_mbuf *m[2] = { rte_pktmbuf_alloc(sender),
						  rte_pktmbuf_alloc(sender) };

			CHECK(rte_pktmbuf_append(m[0], 64) && rte_pktmbuf_append(m[1], 1000),
			      "too long");
			frame_write(m[0], sent);
			frame_write(m[1], sent);
			/* Another one with every other. */
			rte_eth_tx_burst(0, 0, m, 1 + sent % 2);
			if (sent % 2 == 0)
				rte_pktmbuf_free(m[1]);
		}
		pp_critical_begin();
		got = rte_eth_rx_burst(1, 0, pkts, BURST);
		got = pp_critical_end(pkts, got, is_critical, NULL);
		for (uint16_t i = 0; i < got; i++)
			critical += pkts[i]->pkt_len == 64;
		/* Held, as by one who does not answer; critical ones are let go. */
		for (uint16_t i = 0; i < got; i++)
			if (pkts[i]->pkt_len == 64 || n == 2 * MBUFS)
				rte_pktmbuf_free(pkts[i]);
			else
				held[n++] = pkts[i];
	}
	CHECK(critical >= 400, "%u critical frames came", critical);
	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	CHECK(stats.sum.refused > refused, "nothing was refused");
	CHECK(!rte_eth_xstats_get_id_by_name(1, "rx_reserve_mbufs", &id) &&
		      rte_eth_xstats_get_by_id(1, &id, &drawn, 1) == 1 && drawn > 0,
	      "the port does not say that it drew on the reserve");
	CHECK(!rte_eth_stats_get(1, &counted) && counted.ipackets > 0 && !rte_eth_stats_reset(1) &&
		      !rte_eth_stats_get(1, &counted) && !counted.ipackets && !counted.ibytes,
	      "%lu packets are counted after the reset", (unsigned long)counted.ipackets);
	printf("%u critical frames came with %u mbufs held, %lu others refused\n", critical, n,
	       (unsigned long)(stats.sum.refused - refused));
	rte_pktmbuf_free_bulk(held, n);
	ports_stop();
	mempool_whole(mp, "after the drought");
	pp_pool_stats(pp_pktmbuf_pool(mp), &stats);
	CHECK(stats.reserve == RESERVE, "%lu in reserve", (unsigned long)stats.reserve);
	rte_mempool_free(sender);
}

/* What is sent may be of a mempool that ends, and of one that has its place afterwards. */
static void test_mempools_end_before_the_ports(struct rte_mempool *mp)
{
	struct rte_mempool *passing;
	unsigned before;

	ports_start(mp);
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "the ports do not find each other");
	before = regions("rxe0");
	for (unsigned i = 0; i < 6; i++) {
		time_t end = time(NULL) + PATIENCE;

		passing = mempool_of("passing", i % 2 == 0, DATA_ROOM);
		frames_pass(passing, 0, 1, 2 * BURST);
		CHECK(regions("rxe0") > before, "nothing of it is registered");
		while (rte_mempool_in_use_count(passing) && time(NULL) < end)
			rte_eth_tx_done_cleanup(0, 0, 0);
		mempool_whole(passing, "after it was sent from");
		if (i % 2 == 0)
			CHECK(pp_pktmbuf_pool_free(passing) == 0, "%s", pp_error());
		else
			rte_mempool_free(passing);
		CHECK(regions("rxe0") == before, "%u regions, there were %u", regions("rxe0"),
		      before);
	}
	ports_stop();
	CHECK(regions("rxe0") == 0, "%u regions are left", regions("rxe0"));
	mempool_whole(mp, "after others have ended");
}

static void test_too_much_is_refused(struct rte_mempool *mp)
{
	struct rte_mempool *small = mempool_of("small", true, 1024 + RTE_PKTMBUF_HEADROOM);
	const struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	struct rte_mbuf *m;

	rte_eth_dev_info_get(0, &info);
	CHECK(info.max_mtu == 4096 - RTE_ETHER_HDR_LEN, "max_mtu %u", info.max_mtu);
	CHECK(rte_eth_dev_configure(0, 0, 1, &conf) < 0, "no receive queue");
	CHECK(rte_eth_dev_configure(0, 1, 0, &conf) < 0, "no send queue");
	CHECK(port_setup(0, small, 1500) < 0, "an MTU over the buffer");
	CHECK(port_setup(0, mp, 4096) < 0, "an MTU over the path's");
	CHECK(port_setup(0, small, 1000) == 0, "an MTU that fits");
	CHECK(rte_eth_dev_set_mtu(0, 1500) < 0, "an MTU over the buffer");
	CHECK(port_setup(1, mp, 1500) == 0, "port 1");
	CHECK(rte_eth_dev_start(0) == 0 && rte_eth_dev_start(1) == 0, "does not start");
	CHECK(link_becomes(1, 1), "the ports do not find each other");
	/* Over what the peer's buffers take, as it has said. */
	m = rte_pktmbuf_alloc(mp);
	CHECK(rte_pktmbuf_append(m, 1025), "too long");
	rte_eth_stats_reset(1);
	CHECK(rte_eth_tx_burst(1, 0, &m, 1) == 1 && stats_of(1).oerrors == 1, "not refused");
	ports_stop();
	mempool_whole(mp, "after refusals");
	mempool_whole(small, "after refusals");
	CHECK(pp_pktmbuf_pool_free(small) == 0, "%s", pp_error());
}

/* Objects of 64 bytes, whose mempool says of itself that it is one of mbufs. */
static void test_objects_that_are_no_mbufs_are_refused(struct rte_mempool *mp)
{
	struct rte_pktmbuf_pool_private says = { .mbuf_data_room_size = DATA_ROOM };
	struct rte_mempool *dwarfs = rte_mempool_create("dwarfs", 1023, 64, 0, sizeof(says), NULL,
							NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	char said[4096] = "";
	FILE *log;
	int rc;

	memcpy(rte_mempool_get_priv(dwarfs), &says, sizeof(says));
	CHECK(port_setup(0, dwarfs, 1500) == 0, "not set up");
	log = fmemopen(said, sizeof(said), "w");
	rte_openlog_stream(log);
	rc = rte_eth_dev_start(0);
	rte_openlog_stream(NULL);
	fclose(log);
	CHECK(rc == -EINVAL && strstr(said, "dwarfs: its objects of 64 bytes are no mbufs"),
	      "%d: %s", rc, said);
	CHECK(rte_mempool_in_use_count(dwarfs) == 0, "some are out");
	CHECK(regions("rxe0") == 0, "regions are left");
	CHECK(port_setup(0, mp, 1500) == 0, "not set up again");
	rte_mempool_free(dwarfs);
	test_frames_pass_and_all_is_given_back(mp);
}

/* What the driver says of its arguments, each time with the word that matters. */
static void test_bad_arguments_are_named(void)
{
	static const struct {
		const char *args, *word;
	} bad[] = {
		{ "device=nosuch,peer=fe80::1", "there is no such RDMA device, but rxe0" },
		{ "device=rxe0,port=9,peer=fe80::1", "ports 1 to 1" },
		{ "device=rxe0,port=x,peer=fe80::1", "port=x: not a number" },
		{ "device=rxe0,port,peer=fe80::1", "port: wants a value" },
		{ "device=rxe0,peer=cable1", "peer=cable1: neither" },
		{ "device=rxe0,peer=10.9.0.1", "no RoCE v2 address of that kind" },
		{ "device=rxe0,colour=red", "colour=red" },
		{ "peer=fe80::1", "wants device=NAME" },
	};
	char said[4096];
	FILE *log;

	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		memset(said, 0, sizeof(said));
		log = fmemopen(said, sizeof(said), "w");
		rte_openlog_stream(log);
		CHECK(rte_eal_hotplug_add("vdev", "net_pp_verbs9", bad[i].args) < 0, "%s",
		      bad[i].args);
		rte_openlog_stream(NULL);
		fclose(log);
		CHECK(strstr(said, bad[i].word), "%s: says only: %s", bad[i].args, said);
	}
}

/* Soft-RoCE has none: said when the port starts, and nothing is left. */
static void test_raw_packets_are_refused_where_there_are_none(struct rte_mempool *mp)
{
	char said[4096] = "";
	uint16_t port;
	FILE *log;
	int rc;

	CHECK(rte_eal_hotplug_add("vdev", "net_pp_verbs9", "device=rxe0") == 0, "not probed");
	CHECK(rte_eth_dev_get_port_by_name("net_pp_verbs9", &port) == 0, "no port");
	CHECK(port_setup(port, mp, 1500) == 0, "not set up");
	log = fmemopen(said, sizeof(said), "w");
	rte_openlog_stream(log);
	rc = rte_eth_dev_start(port);
	rte_openlog_stream(NULL);
	fclose(log);
	CHECK(rc < 0 && strstr(said, "raw packets") && strstr(said, "peer=ADDRESS"), "%d: %s", rc,
	      said);
	CHECK(rte_eth_dev_close(port) == 0, "not closed");
	mempool_whole(mp, "after a port that did not start");
	CHECK(regions("rxe0") == 0, "regions are left");
}

/* Through who forwards between the two, in another process. */
static void test_frames_pass_through(struct rte_mempool *mp, unsigned n)
{
	ports_start(mp);
	CHECK(link_becomes(0, 1) && link_becomes(1, 1), "nobody is there");
	frames_pass(mp, 0, 1, n);
	frames_pass(mp, 1, 0, n);
	ports_stop();
	mempool_whole(mp, "at the end");
}

int main(int argc, char **argv)
{
	struct rte_mempool *mp, *ordinary;
	int eal = rte_eal_init(argc, argv);

	if (eal < 0 || argc - eal != 2 || rte_eth_dev_count_avail() != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	mp = mempool_of("pktpool", true, DATA_ROOM);
	if (strcmp(argv[eal + 1], "pair")) {
		test_frames_pass_through(mp, (unsigned)atoi(argv[eal + 1]));
	} else {
		ordinary = mempool_of("ordinary", false, DATA_ROOM);
		test_frames_pass_and_all_is_given_back(mp);
		test_frames_pass_and_all_is_given_back(ordinary);
		test_pool_grows_under_the_ports(mp);
		test_peer_gone_is_errors_and_no_hang(mp);
		test_dead_link_is_survived(mp);
		test_receiving_goes_on_out_of_the_reserve(mp);
		test_mempools_end_before_the_ports(mp);
		test_too_much_is_refused(mp);
		test_objects_that_are_no_mbufs_are_refused(mp);
		test_bad_arguments_are_named();
		test_raw_packets_are_refused_where_there_are_none(mp);
		rte_mempool_free(ordinary);
	}
	CHECK(pp_pktmbuf_pool_free(mp) == 0, "%s", pp_error());
	for (uint16_t port = 0; port < 2; port++)
		CHECK(rte_eth_dev_close(port) == 0, "port %u", port);
	printf("%s: %d failures\n", argv[eal + 1], failures);
	rte_eal_cleanup();
	return failures ? 1 : 0;
}
