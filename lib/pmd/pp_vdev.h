/* SPDX-License-Identifier: BSD-3-Clause */
/* Vdev: what the drivers here have in common: a port made and removed, its arguments and counters. */
#ifndef PP_VDEV_H
#define PP_VDEV_H

#include <rte_kvargs.h>

#include "ethdev_vdev.h"
#include "pp_fail.h"

/* Said of a port, with its name and a line's end. */
#define PP_VDEV_ERROR(dev, text, ...) \
	rte_log(RTE_LOG_ERR, pp_vdev_log, "%s: " text "\n", (dev)->data->name, ##__VA_ARGS__)

extern int pp_vdev_log;

/* Nothing but uint64_t, so that it can be summed as an array. */
struct pp_counts {
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors, rx_nombuf;
	uint64_t rx_reserve; /* mbufs that came out of a pool's reserve */
	uint64_t tx_packets, tx_bytes, tx_errors;
	uint64_t tx_copied; /* packets in memory that the device does not reach */
};

void pp_counts_add(struct pp_counts *to, const struct pp_counts *from);

struct pp_vdev_driver {
	size_t bytes; /* of a port's private data, which begins with a struct pp_vdev */
	const struct eth_dev_ops *ops;
	eth_rx_burst_t receive;
	eth_tx_burst_t send;
	/* Private data is zeroed. 0, or -errno with pp_error(): then ops->dev_close() follows. */
	int (*open)(struct rte_eth_dev *dev, const char *args);
	/* Adds what each of its queues has counted. */
	void (*count)(const struct rte_eth_dev *dev, struct pp_counts *sum);
};

struct pp_vdev {
	const struct pp_vdev_driver *driver;
	struct pp_counts before; /* the last reset */
};

/* For a struct rte_vdev_driver. */
int pp_vdev_probe(struct rte_vdev_device *vdev, const struct pp_vdev_driver *driver);
int pp_vdev_remove(struct rte_vdev_device *vdev);

/* For a struct eth_dev_ops. */
int pp_vdev_stats(struct rte_eth_dev *dev, struct rte_eth_stats *stats);
int pp_vdev_stats_reset(struct rte_eth_dev *dev);
int pp_vdev_xstats_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned n);
int pp_vdev_xstats(struct rte_eth_dev *dev, struct rte_eth_xstat *values, unsigned n);
/* Where nothing is to be done: 0. */
int pp_vdev_nothing(struct rte_eth_dev *dev);
/* As many receive queues as send queues, and not none. */
int pp_vdev_configure(struct rte_eth_dev *dev);

/* Descriptors that a ring may have, and has if nobody says. */
void pp_vdev_rings(struct rte_eth_dev_info *info, uint16_t least, uint16_t most, uint16_t usual);

/* For rte_kvargs_process(), which has no value for a key without one: into a uint16_t,
 * and into a char[PP_VDEV_TEXT]. -EINVAL, with pp_error(). */
#define PP_VDEV_TEXT 64
int pp_vdev_number(const char *key, const char *value, void *to);
int pp_vdev_text(const char *key, const char *value, void *to);

#endif
