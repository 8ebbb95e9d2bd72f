/* SPDX-License-Identifier: BSD-3-Clause */
/* Vfio: pktmbuf pools mapped by themselves where there are ports behind an IOMMU. */
#include "pp_binding.h"
#include "pp_container.h"
#include "pp_fail.h"

#include <rte_ethdev.h>
#include <stdio.h>

int pp_vfio_map(struct pp_binding *binding)
{
	uint32_t size = binding->mp->populated_size;
	char reason[256];
	int rc;

	if (binding->vfio >= 0)
		return 0;
	rc = pp_dma_dpdk_map_container(binding->pool);
	if (rc < 0)
		return rc;
	binding->vfio = rc;
	if (binding->mp->populated_size == size)
		return 0;
	snprintf(reason, sizeof(reason), "%s", pp_error());
	return pp_fail(-EIO, "VFIO has mapped %u of %s's %u mbufs: %s", binding->mp->populated_size,
		       binding->mp->name, size, reason);
}

bool pp_vfio_has_port(uint16_t port)
{
	struct rte_eth_dev_info info;

	return !rte_eth_dev_info_get(port, &info) && info.device && pp_container_has(info.device);
}

bool pp_vfio_has_ports(void)
{
	uint16_t port;

	RTE_ETH_FOREACH_DEV(port)
	{
		if (pp_vfio_has_port(port))
			return true;
	}
	return false;
}
