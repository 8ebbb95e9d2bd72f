/* SPDX-License-Identifier: BSD-3-Clause */
/* Device: what is known of drivers that do not work on every mempool. */
#include "pp_device.h"
#include "pp_binding.h"
#include "pp_fail.h"
#include "pp_group.h"

#include <ctype.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <string.h>

/* A frame of an XSK UMEM, as the kernel wants it. */
#define FRAME_MIN 2048u
#define FRAME_MAX 4096u

/*
 * net_af_xdp takes for its UMEM what follows the first chunk's address, of
 * populated_size times the object size: with gaps between objects, the last
 * ones lie behind its end, and what is sent from them is lost uncounted.
 */
static int check_af_xdp(const struct pp_binding *binding)
{
	uint32_t stride;

	if (!binding)
		return 0;
	stride = binding->extent.stride;
	if (!(binding->flags & PP_POOL_GAPLESS))
		return pp_fail(-ENOTSUP,
			       "net_af_xdp needs a pool without gaps: create %s with "
			       "PP_POOL_GAPLESS",
			       binding->mp->name);
	if (stride < FRAME_MIN || stride > FRAME_MAX)
		return pp_fail(-ENOTSUP,
			       "net_af_xdp needs frames of %u to %u bytes, %s has %u: "
			       "change data_room by %d",
			       FRAME_MIN, FRAME_MAX, binding->mp->name, stride,
			       stride < FRAME_MIN ? (int)(FRAME_MIN - stride)
						  : -(int)(stride - FRAME_MAX));
	return 0;
}

/*
 * As zero-copy client it shares EAL's first list of hugepages with its peer as
 * region 1 and sends every mbuf's offset from that, wherever the mbuf lies
 * (drivers/net/memif/rte_eth_memif.c: "d0->region = 1").
 */
static int check_memif(const struct pp_binding *binding, const char *args)
{
	const char *value = strstr(args, "zero-copy=");

	if (!binding || !value || strncmp(value + strlen("zero-copy="), "yes", 3))
		return 0;
	return pp_fail(-ENOTSUP,
		       "net_memif with zero-copy=yes shares EAL's own memory only, not "
		       "that of %s: leave zero-copy out",
		       binding->mp->name);
}

/*
 * The vhost side can only follow addresses that are in the table of memory sent
 * to it, with a file for each segment. The table is sent when the port is probed
 * and when EAL's own memory changes; external memory is passed over then
 * (virtio_user_dev.c: virtio_user_mem_event_cb()), so descriptors that point
 * into it are dropped by the other side and nothing is said. Nor could it be
 * sent: rte_memseg_get_fd() has no file for an external segment (ENOTSUP), and
 * that ends the making of any later table (vhost_user.c: update_memory_region()):
 * a port probed after registration does not start, though rte_eth_dev_start()
 * returns 0, and one probed before stays paused when EAL's heap next grows,
 * whichever mbufs it works on.
 */
static int check_virtio_user(const struct pp_binding *binding)
{
	if (!binding && !pp_extmem_count())
		return 0;
	return pp_fail(-ENOTSUP,
		       "net_virtio_user passes no packet once external memory is "
		       "registered, as %s does: use net_memif or net_tap, or an ordinary mempool "
		       "in a process without pktmbuf pools",
		       binding ? binding->mp->name : "a pktmbuf pool of this process");
}

/* Whether the device is of that driver: its name, with digits after it or nothing. */
static bool name_is(const char *name, const char *driver)
{
	size_t n = strlen(driver);

	if (strncmp(name, driver, n))
		return false;
	for (name += n; *name && *name != ','; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

PP_API int pp_pktmbuf_device_check(const struct rte_mempool *mp, const char *devargs)
{
	const struct pp_binding *binding = pp_mempool_binding(mp);

	if (!strncmp(devargs, "vdev:", 5))
		devargs += 5;
	if (name_is(devargs, "net_af_xdp"))
		return check_af_xdp(binding);
	if (name_is(devargs, "net_memif"))
		return check_memif(binding, devargs);
	if (name_is(devargs, "net_virtio_user") || name_is(devargs, "virtio_user"))
		return check_virtio_user(binding);
	return pp_group_check(strncmp(devargs, "pci:", 4) ? devargs : devargs + 4);
}

PP_API int pp_pktmbuf_port_check(const struct rte_mempool *mp, uint16_t port)
{
	struct pp_binding *binding = pp_mempool_binding(mp);
	const struct rte_devargs *devargs;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port, &info);

	if (rc || !info.driver_name)
		return pp_fail(rc ? rc : -ENODEV, "there is no port %u", port);
	if (!strcmp(info.driver_name, "net_af_xdp"))
		return check_af_xdp(binding);
	if (!strcmp(info.driver_name, "net_virtio_user"))
		return check_virtio_user(binding);
	if (strcmp(info.driver_name, "net_memif"))
		return binding && pp_vfio_has_port(port) ? pp_vfio_map(binding) : 0;
	devargs = rte_dev_devargs(info.device);
	return check_memif(binding, devargs && devargs->args ? devargs->args : "");
}

PP_API bool pp_pktmbuf_umem_open(void)
{
	struct rte_eth_dev_info info;
	uint16_t port;

	RTE_ETH_FOREACH_DEV(port)
	{
		if (!rte_eth_dev_info_get(port, &info) && info.nb_rx_queues &&
		    !strcmp(info.driver_name, "net_af_xdp"))
			return true;
	}
	return false;
}
