/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: EAL's ethdev ports: found, paired, opened, watched, closed. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "app.h"
#include "ports.h"
#include "pp_device.h"

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

uint64_t ports_hold(const struct ports *ports, unsigned queues)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ports->n; i++)
		sum += (uint64_t)driver_holds(ports->at[i].driver) * queues;
	return sum;
}

bool ports_any_xdp(const struct ports *ports)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (ports->at[i].xdp)
			return true;
	return false;
}

static int port_describe(struct port *port, uint16_t id, unsigned queues)
{
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(id, &info);
	unsigned most;

	memset(port, 0, sizeof(*port));
	port->id = id;
	if (err != 0) {
		complain("port %u: cannot be asked what it is: %s", id, strerror(-err));
		return APP_ENVIRONMENT;
	}
	rte_eth_dev_get_name_by_port(id, port->name);
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	port->tap = strcmp(port->driver, "net_tap") == 0;
	port->xdp = strcmp(port->driver, "net_af_xdp") == 0;
	port->if_index = info.if_index;
	most = RTE_MIN(info.max_rx_queues, info.max_tx_queues);
	if (queues > most) {
		complain("port %u (%s, %s) has %u queue%s, --queues %u asks for more: --queues %u",
			 id, port->name, port->driver, most, most == 1 ? "" : "s", queues, most);
		return APP_USAGE;
	}
	return APP_OK;
}

/* A port that cannot fill its ring receives nothing and says nothing: refuse it here. */
int ports_weigh(const struct ports *ports, const struct ports_demand *d)
{
	uint64_t hold = ports_hold(ports, d->queues) + (uint64_t)ports->n * d->queues * d->burst;
	uint64_t need = hold + d->reserve;

	if (d->buffers < need) {
		complain("--buffers %u: too few: the rings and bursts of all ports (%u) hold up to "
			 "%" PRIu64 "%s: --buffers %" PRIu64,
			 d->buffers, ports->n, hold, d->reserve != 0 ? " beside the reserve" : "",
			 need);
		return APP_USAGE;
	}
	return APP_OK;
}

/* EAL goes on without a device that VFIO withholds, and says why in a line among many. */
static int ports_withheld(void)
{
	struct rte_devargs *devargs;

	RTE_EAL_DEVARGS_FOREACH("pci", devargs)
	{
		if (devargs->policy == RTE_DEV_ALLOWED &&
		    pp_pktmbuf_device_check(NULL, devargs->name) != 0) {
			complain("%s", pp_error());
			return APP_ENVIRONMENT;
		}
	}
	return APP_OK;
}

int ports_find(struct ports *ports, unsigned queues)
{
	uint16_t id;
	int status = ports_withheld();

	memset(ports, 0, sizeof(*ports));
	if (status != APP_OK)
		return status;
	RTE_ETH_FOREACH_DEV(id)
	{
		if (ports->n == PORTS_MAX) {
			complain("more than %d ports: leave some out with EAL's -a or -b",
				 PORTS_MAX);
			return APP_USAGE;
		}
		status = port_describe(&ports->at[ports->n], id, queues);
		if (status != APP_OK)
			return status;
		ports->n++;
	}
	if (ports->n == 0) {
		complain("no port: bind a NIC to vfio-pci and give it with -a, or make one with "
			 "--vdev, e.g. --vdev net_af_xdp0,iface=eth1 (before the `--`)");
		return APP_ENVIRONMENT;
	}
	return APP_OK;
}

static int port_fail(const struct port *port, const char *what, int err)
{
	complain("port %u (%s, %s): %s: %s%s", port->id, port->name, port->driver, what,
		 strerror(-err), err == -EPERM || err == -EACCES ? ": run it as root" : "");
	return APP_ENVIRONMENT;
}

static int port_queues_open(const struct port *port, const struct ports_demand *d,
			    struct rte_mempool *mp, uint16_t rx, uint16_t tx)
{
	int socket = rte_eth_dev_socket_id(port->id);
	int err;

	for (unsigned q = 0; q < d->queues; q++) {
		err = rte_eth_rx_queue_setup(port->id, q, rx, socket, NULL, mp);
		if (err != 0)
			return port_fail(port, "its receive queue cannot be set up", err);
		err = rte_eth_tx_queue_setup(port->id, q, tx, socket, NULL);
		if (err != 0)
			return port_fail(port, "its send queue cannot be set up", err);
	}
	return APP_OK;
}

static int port_open(struct port *port, const struct ports_demand *d, struct rte_mempool *mp)
{
	static const struct rte_eth_conf conf;
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int err, status;

	if (pp_pktmbuf_port_check(mp, port->id) != 0) {
		complain("port %u (%s): %s", port->id, port->name, pp_error());
		return APP_USAGE;
	}
	port->open = true;
	err = rte_eth_dev_configure(port->id, d->queues, d->queues, &conf);
	if (err != 0)
		return port_fail(port, "cannot be configured", err);
	err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);
	if (err != 0)
		return port_fail(port, "does not say how long its rings may be", err);
	status = port_queues_open(port, d, mp, rx, tx);
	if (status != APP_OK)
		return status;
	err = rte_eth_dev_start(port->id);
	if (err != 0)
		return port_fail(port, "cannot be started", err);
	if (d->promiscuous) {
		err = rte_eth_promiscuous_enable(port->id);
		if (err != 0)
			return port_fail(port, "--promiscuous: it cannot be", err);
	}
	return APP_OK;
}

int ports_open(struct ports *ports, const struct ports_demand *d, struct rte_mempool *mp)
{
	for (unsigned i = 0; i < ports->n; i++) {
		int status = port_open(&ports->at[i], d, mp);

		if (status != APP_OK)
			return status;
	}
	return APP_OK;
}

int ports_close(struct ports *ports)
{
	int status = APP_OK;

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
			status = APP_FAILED;
		}
		err = rte_eth_dev_close(port->id);
		if (err != 0 && !port->gone) {
			complain("port %u (%s): cannot be closed: %s", port->id, port->name,
				 strerror(-err));
			status = APP_FAILED;
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
