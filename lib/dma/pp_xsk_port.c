/* SPDX-License-Identifier: BSD-3-Clause */
/* Port: an interface's packets, handed to sockets by an XDP program. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_xsk_parts.h"

/*
 * return bpf_redirect_map(&map, ctx->rx_queue_index, XDP_PASS): the socket of
 * the queue, or the kernel's stack where there is none.
 */
static int program_load(int map, bool frags)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_1,
		  .off = offsetof(struct xdp_md, rx_queue_index) },
		/* A load of 64 bits, BPF_IMM being 0. */
		{ .code = BPF_LD | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct bpf_prog_load_opts opts = { .sz = sizeof(opts),
						 .prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0 };

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "pp_xsk", "Dual BSD/GPL", program,
			     sizeof(program) / sizeof(*program), &opts);
}

static int port_attach(struct pp_xsk_port *port, bool frags)
{
	port->frags = frags;
	port->program = program_load(port->map, frags);
	if (port->program < 0)
		return port->program;
	/* A link, unlike a program set, ends with the process, whatever ends it. */
	port->link = bpf_link_create(port->program, (int)port->index, BPF_XDP, NULL);
	if (port->link >= 0)
		return 0;
	close(port->program);
	port->program = -1;
	return port->link;
}

static int port_fail(const struct pp_xsk_port *port, int rc)
{
	switch (rc) {
	case -EBUSY:
	case -EEXIST:
		return pp_fail(-EBUSY,
			       "%s has an XDP program already, of another port or process, or left "
			       "by one that was killed: ip link set dev %s xdp off",
			       port->iface, port->iface);
	case -EPERM:
	case -EACCES:
		return pp_fail(-EPERM,
			       "an XDP program on %s wants root, or CAP_NET_ADMIN and "
			       "CAP_BPF",
			       port->iface);
	default:
		return pp_fail(rc, "%s takes no XDP program: %s", port->iface, strerror(-rc));
	}
}

PP_API int pp_xsk_port_open(const char *iface, struct pp_xsk_port **port)
{
	struct pp_xsk_port *p;
	int rc;

	if (!iface || !*iface || strlen(iface) >= sizeof(p->iface))
		return pp_fail(-EINVAL, "an interface's name has 1 to %d characters",
			       IF_NAMESIZE - 1);
	p = calloc(1, sizeof(*p));
	if (!p)
		return pp_fail(-ENOMEM, "no memory for a port");
	strcpy(p->iface, iface);
	p->map = p->program = p->link = -1;
	p->index = if_nametoindex(iface);
	if (!p->index) {
		rc = pp_fail(-ENODEV,
			     "there is no interface %s here: `ip link` lists those there "
			     "are",
			     iface);
		goto close;
	}
	p->map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "pp_xsk", sizeof(uint32_t), sizeof(uint32_t),
				PP_XSK_QUEUES_MAX, NULL);
	rc = p->map;
	if (rc >= 0)
		rc = port_attach(p, true);
	/* An old kernel, or a driver that receives into single buffers only. */
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		rc = port_attach(p, false);
	if (!rc) {
		*port = p;
		return 0;
	}
	rc = port_fail(p, rc);
close:
	pp_xsk_port_close(p);
	return rc;
}

PP_API void pp_xsk_port_close(struct pp_xsk_port *port)
{
	if (!port)
		return;
	if (port->link >= 0)
		close(port->link);
	if (port->program >= 0)
		close(port->program);
	if (port->map >= 0)
		close(port->map);
	free(port);
}

bool pp_xsk_port_is_up(const struct pp_xsk_port *port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	bool up = false;

	strcpy(ifr.ifr_name, port->iface);
	if (fd < 0)
		return false;
	up = !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP;
	close(fd);
	return up;
}

int pp_xsk_port_add(struct pp_xsk_port *port, uint32_t queue, int fd)
{
	int rc = bpf_map_update_elem(port->map, &queue, &fd, BPF_ANY);

	return rc ? pp_fail(rc, "queue %u of %s gets no packets: %s", queue, port->iface,
			    strerror(-rc))
		  : 0;
}

void pp_xsk_port_remove(struct pp_xsk_port *port, uint32_t queue)
{
	bpf_map_delete_elem(port->map, &queue);
}
