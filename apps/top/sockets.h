/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets: where telemetry of DPDK processes may listen. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stddef.h>

struct options;

struct socket_place {
	char *prefix; /* EAL's file prefix */
	char *path;
};

struct sockets {
	struct socket_place *at;
	size_t n;
};

/*
 * Every telemetry socket under the runtime directory, by name, those of processes
 * that are gone included. 0, or -errno: the directory cannot be read.
 */
int sockets_find(struct sockets *sockets, const struct options *options);
void sockets_free(struct sockets *sockets);

#endif
