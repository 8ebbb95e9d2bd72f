/* SPDX-License-Identifier: BSD-3-Clause */
/* Client: a connection to the telemetry of one DPDK process. */
#ifndef CLIENT_H
#define CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The most that telemetry answers; it says so itself, and less is taken for less. */
#define CLIENT_ANSWER_MAX (64 << 10)

struct client {
	int fd;
	int64_t pid;
	size_t answer_max;
	char version[64];
	char error[192]; /* why the last call failed */
};

/* 0, or -errno with `error` set: -ECONNREFUSED, nobody is behind that socket any more. */
int client_open(struct client *client, const char *path);
void client_close(struct client *client);

/* What stands under the command's name, to be decref'd; NULL with `error` set. */
json_t *client_ask(struct client *client, const char *command, const char *parameter);

#endif
