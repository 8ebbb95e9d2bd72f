/* SPDX-License-Identifier: BSD-3-Clause */
/* Vdev: what the drivers here have in common: a port made and removed, its arguments and counters. */
#include "pp_vdev.h"

RTE_LOG_REGISTER(pp_vdev_log, pmd.net.pp, NOTICE);

/* What struct rte_eth_stats has no place for. */
static const struct {
	const char *name;
	size_t at;
} extended[] = {
	{ "tx_copied_packets", offsetof(struct pp_counts, tx_copied) },
	{ "rx_reserve_mbufs", offsetof(struct pp_counts, rx_reserve) },
};

void pp_counts_add(struct pp_counts *to, const struct pp_counts *from)
{
	for (unsigned i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] += ((const uint64_t *)from)[i];
}

/* Since the last reset; what a port that stops just now counts elsewhere is 0, not a wrap. */
static struct pp_counts vdev_count(const struct rte_eth_dev *dev)
{
	const struct pp_vdev *port = dev->data->dev_private;
	struct pp_counts sum = { 0 };

	port->driver->count(dev, &sum);
	for (unsigned i = 0; i < sizeof(sum) / sizeof(uint64_t); i++) {
		uint64_t *now = &((uint64_t *)&sum)[i];
		uint64_t before = ((const uint64_t *)&port->before)[i];

		*now = *now > before ? *now - before : 0;
	}
	return sum;
}

int pp_vdev_stats(struct rte_eth_dev *dev, struct rte_eth_stats *stats)
{
	struct pp_counts sum = vdev_count(dev);

	stats->ipackets = sum.rx_packets;
	stats->ibytes = sum.rx_bytes;
	stats->imissed = sum.rx_missed;
	stats->ierrors = sum.rx_errors;
	stats->rx_nombuf = sum.rx_nombuf;
	stats->opackets = sum.tx_packets;
	stats->obytes = sum.tx_bytes;
	stats->oerrors = sum.tx_errors;
	return 0;
}

int pp_vdev_stats_reset(struct rte_eth_dev *dev)
{
	struct pp_vdev *port = dev->data->dev_private;
	struct pp_counts sum = vdev_count(dev);

	pp_counts_add(&port->before, &sum);
	return 0;
}

int pp_vdev_xstats_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned n)
{
	RTE_SET_USED(dev);
	for (unsigned i = 0; names && n >= RTE_DIM(extended) && i < RTE_DIM(extended); i++)
		snprintf(names[i].name, sizeof(names[i].name), "%s", extended[i].name);
	return RTE_DIM(extended);
}

int pp_vdev_xstats(struct rte_eth_dev *dev, struct rte_eth_xstat *values, unsigned n)
{
	struct pp_counts sum = vdev_count(dev);

	for (unsigned i = 0; values && n >= RTE_DIM(extended) && i < RTE_DIM(extended); i++)
		values[i] = (struct rte_eth_xstat){
			.id = i,
			.value = *(uint64_t *)RTE_PTR_ADD(&sum, extended[i].at),
		};
	return RTE_DIM(extended);
}

int pp_vdev_nothing(struct rte_eth_dev *dev)
{
	RTE_SET_USED(dev);
	return 0;
}

int pp_vdev_configure(struct rte_eth_dev *dev)
{
	if (dev->data->nb_rx_queues && dev->data->nb_rx_queues == dev->data->nb_tx_queues)
		return 0;
	PP_VDEV_ERROR(dev, "%u receive queues and %u send queues: wants as many of both",
		      dev->data->nb_rx_queues, dev->data->nb_tx_queues);
	return -EINVAL;
}

void pp_vdev_rings(struct rte_eth_dev_info *info, uint16_t least, uint16_t most, uint16_t usual)
{
	info->rx_desc_lim.nb_max = info->tx_desc_lim.nb_max = most;
	info->rx_desc_lim.nb_min = info->tx_desc_lim.nb_min = least;
	info->rx_desc_lim.nb_align = info->tx_desc_lim.nb_align = 1;
	info->default_rxportconf.ring_size = info->default_txportconf.ring_size = usual;
}

int pp_vdev_text(const char *key, const char *value, void *to)
{
	if (!value)
		return pp_fail(-EINVAL, "%s: wants a value: %s=...", key, key);
	if (snprintf(to, PP_VDEV_TEXT, "%s", value) < PP_VDEV_TEXT)
		return 0;
	return pp_fail(-EINVAL, "%s=%s: longer than %d characters", key, value, PP_VDEV_TEXT - 1);
}

int pp_vdev_number(const char *key, const char *value, void *to)
{
	char *end;
	unsigned long number;

	if (!value)
		return pp_fail(-EINVAL, "%s: wants a value: %s=...", key, key);
	number = strtoul(value, &end, 10);
	*(uint16_t *)to = (uint16_t)number;
	if (*value >= '0' && *value <= '9' && !*end && number <= UINT16_MAX)
		return 0;
	return pp_fail(-EINVAL, "%s=%s: not a number of 0..65535", key, value);
}

int pp_vdev_probe(struct rte_vdev_device *vdev, const struct pp_vdev_driver *driver)
{
	struct rte_eth_dev *dev = NULL;
	int rc;

	if (rte_eal_process_type() == RTE_PROC_PRIMARY)
		dev = rte_eth_vdev_allocate(vdev, driver->bytes);
	else
		rte_log(RTE_LOG_NOTICE, pp_vdev_log,
			"%s: only the primary process has such ports\n",
			rte_vdev_device_name(vdev));
	/* An error in a secondary process would undo what the primary one has attached. */
	if (!dev)
		return rte_eal_process_type() == RTE_PROC_PRIMARY ? -ENOMEM : 0;
	((struct pp_vdev *)dev->data->dev_private)->driver = driver;
	dev->dev_ops = driver->ops;
	dev->rx_pkt_burst = driver->receive;
	dev->tx_pkt_burst = driver->send;
	rc = driver->open(dev, rte_vdev_device_args(vdev));
	if (!rc) {
		rte_eth_dev_probing_finish(dev);
		return 0;
	}
	PP_VDEV_ERROR(dev, "%s", pp_error());
	pp_vdev_remove(vdev);
	return rc;
}

int pp_vdev_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (!dev)
		return 0;
	dev->dev_ops->dev_close(dev);
	return rte_eth_dev_release_port(dev);
}
