/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: EAL's ethdev ports: found, paired, opened, watched, closed. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "fwd.h"
#include "ports.h"
#include "pp_device.h"
#include "program.h"

/* Asked for; drivers that want other numbers adjust them. */
#define DESCRIPTORS 1024

/*
 * The most buffers that one queue's rings hold. What is out when the ports are
 * closed beyond that was lost in here.
 */
static uint32_t driver_holds(const char *driver)
{
	static const struct {
		const char *name;
		uint32_t buffers;
	} known[] = {
		/* Its fill ring, and as many being sent. */
		{ "net_af_xdp", 2 * 2048 },
		/* These copy, or make up what they receive. */
		{ "net_af_packet", 0 },
		{ "net_null", 0 },
		{ "net_pcap", 0 },
		{ "net_memif", 0 },
		{ "net_ring", 1024 },
	};

	for (unsigned i = 0; i < RTE_DIM(known); i++)
		if (strcmp(driver, known[i].name) == 0)
			return known[i].buffers;
	return 2 * DESCRIPTORS;
}

uint64_t ports_hold(const struct ports *ports, const struct options *o)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ports->n; i++)
		sum += (uint64_t)driver_holds(ports->at[i].driver) * o->queues;
	return sum;
}

bool ports_any_xdp(const struct ports *ports)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (ports->at[i].xdp)
			return true;
	return false;
}

static int port_describe(struct port *port, uint16_t id, const struct options *o)
{
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(id, &info);
	unsigned most;

	memset(port, 0, sizeof(*port));
	port->id = id;
	if (err != 0) {
		complain("port %u: cannot be asked what it is: %s", id, strerror(-err));
		return FWD_ENVIRONMENT;
	}
	rte_eth_dev_get_name_by_port(id, port->name);
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	port->tap = strcmp(port->driver, "net_tap") == 0;
	port->xdp = strcmp(port->driver, "net_af_xdp") == 0;
	port->if_index = info.if_index;
	most = RTE_MIN(info.max_rx_queues, info.max_tx_queues);
	if (o->queues > most) {
		complain("port %u (%s, %s) has %u queue%s, --queues %u asks for more: --queues %u",
			 id, port->name, port->driver, most, most == 1 ? "" : "s", o->queues, most);
		return FWD_USAGE;
	}
	return FWD_OK;
}

static int ports_pair_neighbours(struct ports *ports)
{
	if (ports->n % 2 != 0) {
		complain("cross needs ports in pairs, there %s %u: one more --vdev or -a, or "
			 "--program reflect",
			 ports->n == 1 ? "is" : "are", ports->n);
		return FWD_USAGE;
	}
	for (unsigned i = 0; i < ports->n; i++)
		ports->at[i].peer = i ^ 1;
	return FWD_OK;
}

/* EAL numbers PCI ports before virtual ones, so taps are paired by their order among taps. */
static int ports_pair_taps(struct ports *ports)
{
	unsigned taps = 0, wires = 0, wire_at[PORTS_MAX], tap_at[PORTS_MAX];

	for (unsigned i = 0; i < ports->n; i++) {
		if (ports->at[i].tap)
			tap_at[taps++] = i;
		else
			wire_at[wires++] = i;
	}
	if (taps != wires || taps == 0) {
		complain("pass needs a net_tap port for every other port, there are %u for %u: "
			 "e.g. --vdev net_tap%u,iface=fwd%u",
			 taps, wires, taps, taps);
		return FWD_USAGE;
	}
	for (unsigned i = 0; i < taps; i++) {
		ports->at[wire_at[i]].peer = tap_at[i];
		ports->at[tap_at[i]].peer = wire_at[i];
	}
	return FWD_OK;
}

static int ports_pair(struct ports *ports, enum program_way way)
{
	switch (way) {
	case WAY_ACROSS:
		return ports_pair_neighbours(ports);
	case WAY_KERNEL:
		return ports_pair_taps(ports);
	case WAY_NONE:
	case WAY_BACK:
		break;
	}
	for (unsigned i = 0; i < ports->n; i++)
		ports->at[i].peer = i;
	return FWD_OK;
}

/* A port that cannot fill its ring receives nothing and says nothing: refuse it here. */
static int ports_weigh(const struct ports *ports, const struct options *o)
{
	uint64_t hold = ports_hold(ports, o) + (uint64_t)ports->n * o->queues * o->burst;
	uint64_t need = hold + o->reserve;

	if (o->buffers < need) {
		complain("--buffers %u: too few: the rings and bursts of all ports (%u) hold up to "
			 "%" PRIu64 "%s: --buffers %" PRIu64,
			 o->buffers, ports->n, hold, o->reserve != 0 ? " beside the reserve" : "",
			 need);
		return FWD_USAGE;
	}
	return FWD_OK;
}

int ports_find(struct ports *ports, const struct options *o)
{
	uint16_t id;
	int status;

	memset(ports, 0, sizeof(*ports));
	RTE_ETH_FOREACH_DEV(id)
	{
		if (ports->n == PORTS_MAX) {
			complain("more than %d ports: leave some out with EAL's -a or -b",
				 PORTS_MAX);
			return FWD_USAGE;
		}
		status = port_describe(&ports->at[ports->n], id, o);
		if (status != FWD_OK)
			return status;
		ports->n++;
	}
	if (ports->n == 0) {
		complain("no port: bind a NIC to vfio-pci and give it with -a, or make one with "
			 "--vdev, e.g. --vdev net_af_xdp0,iface=eth1 (before the `--`)");
		return FWD_ENVIRONMENT;
	}
	status = ports_pair(ports, o->program->way);
	return status != FWD_OK ? status : ports_weigh(ports, o);
}

void ports_print(const struct ports *ports, const struct options *o)
{
	for (unsigned i = 0; i < ports->n; i++) {
		const struct port *port = &ports->at[i];
		const struct port *peer = &ports->at[port->peer];

		printf("port %u is %s (%s)", port->id, port->name, port->driver);
		switch (o->program->way) {
		case WAY_NONE:
			printf(", what it receives is freed\n");
			break;
		case WAY_BACK:
			printf(", what it receives it sends back\n");
			break;
		case WAY_ACROSS:
		case WAY_KERNEL:
			printf(", what it receives leaves by port %u, %s\n", peer->id, peer->name);
			break;
		}
	}
}

static int port_fail(const struct port *port, const char *what, int err)
{
	complain("port %u (%s, %s): %s: %s%s", port->id, port->name, port->driver, what,
		 strerror(-err), err == -EPERM || err == -EACCES ? ": run it as root" : "");
	return FWD_ENVIRONMENT;
}

static int port_queues_open(const struct port *port, const struct options *o,
			    struct rte_mempool *mp, uint16_t rx, uint16_t tx)
{
	int socket = rte_eth_dev_socket_id(port->id);
	int err;

	for (unsigned q = 0; q < o->queues; q++) {
		err = rte_eth_rx_queue_setup(port->id, q, rx, socket, NULL, mp);
		if (err != 0)
			return port_fail(port, "its receive queue cannot be set up", err);
		err = rte_eth_tx_queue_setup(port->id, q, tx, socket, NULL);
		if (err != 0)
			return port_fail(port, "its send queue cannot be set up", err);
	}
	return FWD_OK;
}

static int port_open(struct port *port, const struct options *o, struct rte_mempool *mp)
{
	static const struct rte_eth_conf conf;
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int err, status;

	if (pp_pktmbuf_port_check(mp, port->id) != 0) {
		complain("port %u (%s): %s", port->id, port->name, pp_error());
		return FWD_USAGE;
	}
	port->open = true;
	err = rte_eth_dev_configure(port->id, o->queues, o->queues, &conf);
	if (err != 0)
		return port_fail(port, "cannot be configured", err);
	err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);
	if (err != 0)
		return port_fail(port, "does not say how long its rings may be", err);
	status = port_queues_open(port, o, mp, rx, tx);
	if (status != FWD_OK)
		return status;
	err = rte_eth_dev_start(port->id);
	if (err != 0)
		return port_fail(port, "cannot be started", err);
	if (o->promiscuous) {
		err = rte_eth_promiscuous_enable(port->id);
		if (err != 0)
			return port_fail(port, "--promiscuous: it cannot be", err);
	}
	return FWD_OK;
}

int ports_open(struct ports *ports, const struct options *o, struct rte_mempool *mp)
{
	for (unsigned i = 0; i < ports->n; i++) {
		int status = port_open(&ports->at[i], o, mp);

		if (status != FWD_OK)
			return status;
	}
	return FWD_OK;
}

int ports_close(struct ports *ports)
{
	int status = FWD_OK;

	for (unsigned i = 0; i < ports->n; i++) {
		struct port *port = &ports->at[i];
		int err;

		if (!port->open)
			continue;
		rte_eth_stats_get(port->id, &port->last);
		err = rte_eth_dev_stop(port->id);
		/* An interface that has vanished cannot be brought down, and need not be. */
		if (err != 0 && !port->gone) {
			complain("port %u (%s): cannot be stopped: %s", port->id, port->name,
				 strerror(-err));
			status = FWD_FAILED;
		}
		err = rte_eth_dev_close(port->id);
		if (err != 0 && !port->gone) {
			complain("port %u (%s): cannot be closed: %s", port->id, port->name,
				 strerror(-err));
			status = FWD_FAILED;
		}
		port->open = false;
	}
	return status;
}

void ports_watch(struct ports *ports)
{
	char name[IF_NAMESIZE];

	for (unsigned i = 0; i < ports->n; i++) {
		struct port *port = &ports->at[i];

		if (port->gone || port->if_index == 0 ||
		    if_indextoname(port->if_index, name) != NULL)
			continue;
		port->gone = true;
		complain("port %u (%s): its network interface is gone; nothing more will come "
			 "from it",
			 port->id, port->name);
	}
}
