/* SPDX-License-Identifier: BSD-3-Clause */
/* Generator: ports, buffers and lanes between ports, opened once for any number of trials. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "app.h"
#include "generator.h"
#include "link.h"
#include "pp_pktmbuf.h"

#define LINE 64

static int lane_add(struct generator *g, unsigned tx, unsigned rx)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		if (g->lane[i].tx_at != tx && g->lane[i].rx_at != rx)
			continue;
		complain("--pair %u:%u: port %u %s already", tx, rx,
			 g->lane[i].tx_at == tx ? tx : rx,
			 g->lane[i].tx_at == tx ? "sends" : "receives");
		return APP_USAGE;
	}
	g->lane[g->lanes++] = (struct lane){ .tx_at = tx, .rx_at = rx };
	return APP_OK;
}

static int pair_add(struct generator *g, unsigned tx, unsigned rx)
{
	int status = lane_add(g, tx, rx);

	return status == APP_OK && g->o->both && tx != rx ? lane_add(g, rx, tx) : status;
}

/* Without --pair: a port alone to itself; else neighbours, the even to the odd. */
static int lanes_find(struct generator *g)
{
	const struct options *o = g->o;
	unsigned ports = g->ports.n;
	int status = APP_OK;

	for (unsigned i = 0; i < o->pairs && status == APP_OK; i++) {
		unsigned most = RTE_MAX(o->pair[i].tx, o->pair[i].rx);

		if (most >= ports) {
			complain("--pair %u:%u: there is no port %u, there %s %u: 0 to %u",
				 o->pair[i].tx, o->pair[i].rx, most, ports == 1 ? "is" : "are",
				 ports, ports - 1);
			return APP_USAGE;
		}
		status = pair_add(g, o->pair[i].tx, o->pair[i].rx);
	}
	if (o->pairs > 0 || ports == 1)
		return o->pairs > 0 ? status : pair_add(g, 0, 0);
	if (ports % 2 != 0) {
		complain("%u ports: which sends to which? e.g. --pair 0:1", ports);
		return APP_USAGE;
	}
	for (unsigned i = 0; i < ports && status == APP_OK; i += 2)
		status = pair_add(g, i, i + 1);
	return status;
}

/* A tag is not part of what an MTU limits. */
static uint32_t stream_tag(const struct stream *s)
{
	return s->spec->fields[FIELD_VLAN].way != FIELD_ABSENT ? sizeof(struct rte_vlan_hdr) : 0;
}

/* Of a length that all streams are to have. */
static uint32_t streams_tag(const struct generator *g)
{
	const struct sender *s = g->lane[0].sender;
	uint32_t tag = s->streams > 0 ? sizeof(struct rte_vlan_hdr) : 0;

	for (unsigned i = 0; i < s->streams; i++)
		tag = RTE_MIN(tag, stream_tag(&s->stream[i]));
	return tag;
}

static uint32_t frame_room(const struct generator *g)
{
	uint32_t room = g->o->buffers.data_room - RTE_PKTMBUF_HEADROOM;

	/* Whole lines are written. */
	return room / LINE * LINE + RTE_ETHER_CRC_LEN;
}

uint32_t trial_frame_max(const struct generator *g)
{
	uint32_t most = RTE_MIN(frame_room(g), (uint32_t)MIX_FRAME_MAX);

	for (unsigned i = 0; i < g->lanes; i++)
		most = RTE_MIN(most,
			       link_frame_max(&g->ports.at[g->lane[i].tx_at]) + streams_tag(g));
	return most;
}

uint32_t trial_frame_min(const struct generator *g)
{
	const struct sender *s = g->lane[0].sender;
	uint32_t least = MIX_FRAME_MIN;

	for (unsigned i = 0; i < s->streams; i++)
		least = RTE_MAX(least, stream_frame_min(&s->stream[i]));
	return least;
}

double trial_frame_mean(const struct generator *g)
{
	return sender_frame_mean(g->lane[0].sender);
}

static int room_check(const struct generator *g, uint32_t frame)
{
	if (frame <= frame_room(g))
		return APP_OK;
	complain("a frame of %" PRIu32 " bytes: a buffer has room for %" PRIu32
		 ": --data-room %" PRIu32,
		 frame, frame_room(g),
		 RTE_ALIGN_CEIL(frame - RTE_ETHER_CRC_LEN, LINE) + RTE_PKTMBUF_HEADROOM);
	return APP_USAGE;
}

/* tag: of its bytes. */
static int mtu_check(const struct generator *g, uint32_t frame, uint32_t tag)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct port *port = &g->ports.at[g->lane[i].tx_at];
		uint32_t most = link_frame_max(port) + tag;

		if (frame <= most)
			continue;
		complain("a frame of %" PRIu32 " bytes: above the MTU of port %u (%s), which takes "
			 "%" PRIu32 " with Ethernet's header and FCS: a smaller frame, or a larger "
			 "MTU (ip link set dev IF mtu %" PRIu32 ")",
			 frame, port->id, port->name, most,
			 frame - tag - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN);
		return APP_USAGE;
	}
	return APP_OK;
}

/* It fits into a buffer, and ports take it. */
static int frame_check(const struct generator *g, uint32_t frame, uint32_t tag)
{
	int status = room_check(g, frame);

	return status != APP_OK ? status : mtu_check(g, frame, tag);
}

static int frames_check(const struct generator *g)
{
	const struct plan *plan = &g->o->plan;
	const struct sender *s = g->lane[0].sender;
	int status = APP_OK;

	if (plan->pcap != NULL) {
		status = room_check(g, g->replay.longest);
		if (status == APP_OK)
			status = mtu_check(g, g->replay.widest, g->replay.widest_tag);
	}
	for (unsigned i = 0; i < s->streams && status == APP_OK; i++)
		status = frame_check(g, stream_frame_longest(&s->stream[i]),
				     stream_tag(&s->stream[i]));
	for (unsigned i = 0; i < plan->trials && status == APP_OK; i++)
		if (plan->trial[i].frame != 0)
			status = frame_check(g, plan->trial[i].frame, streams_tag(g));
	return status;
}

static int replay_open(struct generator *g)
{
	const struct plan *plan = &g->o->plan;
	struct wrong wrong;
	int err;

	if (plan->pcap == NULL)
		return APP_OK;
	err = replay_read(&g->replay, plan->pcap, plan->sign, &wrong);
	if (err == 0)
		return APP_OK;
	complain("--pcap %s", wrong.text);
	return err == -EINVAL ? APP_USAGE : APP_ENVIRONMENT;
}

static int lane_begin(struct generator *g, struct lane *lane)
{
	struct rte_ether_addr mac = { 0 };
	struct wrong wrong;
	int err;

	lane->sender = rte_zmalloc("sender", sizeof(*lane->sender), RTE_CACHE_LINE_SIZE);
	lane->receiver = rte_zmalloc("receiver", sizeof(*lane->receiver), RTE_CACHE_LINE_SIZE);
	if (lane->sender == NULL || lane->receiver == NULL) {
		complain("EAL has no memory for a lane: give it more with -m");
		return APP_ENVIRONMENT;
	}
	rte_eth_macaddr_get(g->ports.at[lane->tx_at].id, &mac);
	lane->sender->port = g->ports.at[lane->tx_at].id;
	lane->sender->burst = (uint16_t)g->o->burst;
	lane->receiver->port = g->ports.at[lane->rx_at].id;
	lane->receiver->mp = g->buffers.mp;
	lane->receiver->verify = g->o->verify;
	lane->receiver->plain = g->o->plan.pcap != NULL && !g->o->plan.sign;
	err = sender_begin(lane->sender, &g->o->plan, g->o->plan.pcap != NULL ? &g->replay : NULL,
			   mac.addr_bytes, &wrong);
	if (err == 0) {
		err = receiver_begin(lane->receiver, sender_flows(lane->sender));
		if (err != 0)
			wrong_say(&wrong, "no memory");
	}
	if (err == 0)
		return APP_OK;
	complain("%s", wrong.text);
	return err == -EINVAL ? APP_USAGE : APP_ENVIRONMENT;
}

static int lanes_begin(struct generator *g)
{
	int status = APP_OK;

	for (unsigned i = 0; i < g->lanes && status == APP_OK; i++)
		status = lane_begin(g, &g->lane[i]);
	return status != APP_OK ? status : frames_check(g);
}

static void lanes_print(const struct generator *g)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct port *tx = &g->ports.at[g->lane[i].tx_at];
		const struct port *rx = &g->ports.at[g->lane[i].rx_at];

		printf("port %u, %s (%s), sends", tx->id, tx->name, tx->driver);
		if (g->o->tx_only)
			printf("; nothing is looked for\n");
		else if (tx == rx)
			printf(" and receives\n");
		else
			printf("; port %u, %s (%s), receives\n", rx->id, rx->name, rx->driver);
	}
	fflush(stdout);
}

static int ports_ready(struct generator *g)
{
	const struct options *o = g->o;
	struct ports_demand demand = {
		.queues = 1,
		.burst = RECEIVER_BURST + SENDER_BURST,
		.buffers = o->buffers.buffers,
		.promiscuous = o->promiscuous,
	};
	int status = ports_weigh(&g->ports, &demand);

	if (status == APP_OK)
		status = buffers_create(&g->buffers, &o->buffers, ports_any_xdp(&g->ports));
	return status;
}

int generator_open(struct generator *g, struct options *o)
{
	struct ports_demand demand = { .queues = 1, .promiscuous = o->promiscuous };
	int status;

	memset(g, 0, sizeof(*g));
	g->o = o;
	g->hz = rte_get_tsc_hz();
	g->key = (uint32_t)number_mix(rte_rdtsc() ^ (uint64_t)getpid() << 32);
	status = ports_find(&g->ports, 1);
	if (status == APP_OK)
		status = lanes_find(g);
	if (status == APP_OK)
		status = replay_open(g);
	if (status == APP_OK)
		status = ports_ready(g);
	if (status == APP_OK)
		status = lanes_begin(g);
	if (status != APP_OK)
		return status;
	g->opened = true;
	status = ports_open(&g->ports, &demand, g->buffers.mp);
	if (status != APP_OK)
		return status;
	lanes_print(g);
	for (unsigned i = 0; i < g->lanes && status == APP_OK; i++) {
		status = link_wait(&g->ports.at[g->lane[i].tx_at], o->link_wait);
		if (status == APP_OK && !o->tx_only)
			status = link_wait(&g->ports.at[g->lane[i].rx_at], o->link_wait);
	}
	return status != APP_OK ? status : view_begin(g);
}

static void lanes_end(struct generator *g)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		if (g->lane[i].sender != NULL)
			sender_end(g->lane[i].sender);
		if (g->lane[i].receiver != NULL)
			receiver_end(g->lane[i].receiver);
		rte_free(g->lane[i].sender);
		rte_free(g->lane[i].receiver);
	}
	g->lanes = 0;
}

/* With the ports closed: every buffer is home, or it is said where it is. */
static int books_close(struct generator *g)
{
	uint64_t most = ports_hold(&g->ports, 1);
	int status = APP_OK;

	g->kept_by_driver = buffers_in_flight(&g->buffers);
	/* A packet lost in here must not be taken for one that a driver kept. */
	if (g->kept_by_driver > most) {
		complain("%" PRIu64 " buffers are out with all ports closed, and their rings hold "
			 "no more than %" PRIu64 ": the rest was lost in here",
			 g->kept_by_driver, most);
		status = APP_FAILED;
	} else {
		buffers_recover(&g->buffers);
	}
	g->in_flight_at_exit = buffers_in_flight(&g->buffers);
	if (g->opened)
		status = worse(status, buffers_audit(&g->buffers));
	if (g->in_flight_at_exit != 0) {
		complain("%" PRIu64 " buffers are still in flight", g->in_flight_at_exit);
		status = worse(status, APP_FAILED);
	}
	return worse(status, buffers_destroy(&g->buffers));
}

int generator_close(struct generator *g)
{
	int status = APP_OK;

	view_end(g);
	if (g->opened)
		status = ports_close(&g->ports);
	if (g->buffers.mp != NULL)
		status = worse(status, books_close(g));
	lanes_end(g);
	replay_end(&g->replay);
	return status;
}
