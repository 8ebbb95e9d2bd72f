/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets: where telemetry of DPDK processes may listen. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "sockets.h"

/* Others that share a runtime directory append a colon and a number. */
#define SOCKET_NAME "dpdk_telemetry.v2"

static void socket_add(struct sockets *sockets, const char *dir, const char *prefix,
		       const char *name)
{
	struct socket_place *more = realloc(sockets->at, (sockets->n + 1) * sizeof(*more));
	struct socket_place place = { 0 };

	if (!more)
		return;
	sockets->at = more;
	place.prefix = strdup(prefix);
	if (asprintf(&place.path, "%s/%s", dir, name) < 0)
		place.path = NULL;
	if (place.prefix && place.path) {
		more[sockets->n++] = place;
		return;
	}
	free(place.prefix);
	free(place.path);
}

static int prefix_look(struct sockets *sockets, const char *runtime_dir, const char *prefix)
{
	struct dirent *entry;
	char *path;
	DIR *dir;
	int rc = 0;

	if (asprintf(&path, "%s/%s", runtime_dir, prefix) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir)
		rc = -errno;
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, SOCKET_NAME, strlen(SOCKET_NAME)))
			socket_add(sockets, path, prefix, entry->d_name);
	if (dir)
		closedir(dir);
	free(path);
	return rc;
}

static int place_compare(const void *a, const void *b)
{
	return strcmp(((const struct socket_place *)a)->path,
		      ((const struct socket_place *)b)->path);
}

int sockets_find(struct sockets *sockets, const struct options *options)
{
	struct dirent *entry;
	DIR *dir;

	*sockets = (struct sockets){ 0 };
	if (options->file_prefix)
		return prefix_look(sockets, options->runtime_dir, options->file_prefix);
	dir = opendir(options->runtime_dir);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			prefix_look(sockets, options->runtime_dir, entry->d_name);
	closedir(dir);
	if (sockets->n)
		qsort(sockets->at, sockets->n, sizeof(*sockets->at), place_compare);
	return 0;
}

void sockets_free(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->n; i++) {
		free(sockets->at[i].prefix);
		free(sockets->at[i].path);
	}
	free(sockets->at);
}
