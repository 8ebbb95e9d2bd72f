/* SPDX-License-Identifier: BSD-3-Clause */
/* Program: what happens to the packets of a burst, in XDP's words. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

/* Verdicts are enum xdp_action: XDP_ABORTED .. XDP_REDIRECT. */
#define VERDICTS (XDP_REDIRECT + 1)

/* Which port a port's packets leave by. */
enum program_way {
	WAY_NONE,   /* none */
	WAY_BACK,   /* itself */
	WAY_ACROSS, /* its neighbour */
	WAY_KERNEL, /* its net_tap port, and back */
};

struct program {
	const char *name;
	enum program_way way;
	/*
	 * Judges n packets, each once, and counts each in verdicts[]. Puts those to
	 * be sent first in pkts[] and returns how many they are; the others it has
	 * freed. from_kernel: they came out of a net_tap port.
	 */
	unsigned (*run)(struct rte_mbuf **pkts, unsigned n, bool from_kernel, uint64_t *verdicts);
};

/* NULL if there is none of that name. */
const struct program *program_find(const char *name);

/* "XDP_DROP", ... */
const char *verdict_name(unsigned verdict);

#endif
