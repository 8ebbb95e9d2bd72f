/* SPDX-License-Identifier: BSD-3-Clause */
/* Client: a connection to the telemetry of one DPDK process. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app.h"
#include "client.h"

/* A process that is stopped, or whose telemetry is busy, is not waited for any longer. */
#define PATIENCE_S 2

static void __attribute__((format(printf, 2, 3)))
client_fail(struct client *client, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->error, sizeof(client->error), format, args);
	va_end(args);
}

/* One answer, which is one packet. */
static json_t *answer_read(struct client *client)
{
	char *text = malloc(client->answer_max);
	json_error_t wrong;
	json_t *answer = NULL;
	ssize_t n;

	if (!text) {
		client_fail(client, "no memory");
		return NULL;
	}
	do {
		n = recv(client->fd, text, client->answer_max, 0);
	} while (n < 0 && errno == EINTR && !app_stop);
	if (n > 0) {
		answer = json_loadb(text, (size_t)n, 0, &wrong);
		if (!json_is_object(answer))
			client_fail(client, "its answer is no JSON: %s", wrong.text);
	} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		client_fail(client, "no answer within %d s", PATIENCE_S);
	else
		client_fail(client, "it went away: %s", n ? strerror(errno) : "connection closed");
	free(text);
	if (json_is_object(answer))
		return answer;
	json_decref(answer);
	return NULL;
}

static int greeting_read(struct client *client)
{
	json_t *greeting;
	const char *version;
	json_int_t most;

	client->answer_max = CLIENT_ANSWER_MAX;
	greeting = answer_read(client);
	if (!greeting)
		return -EPROTO;
	version = json_string_value(json_object_get(greeting, "version"));
	snprintf(client->version, sizeof(client->version), "%s", version ? version : "?");
	client->pid = json_integer_value(json_object_get(greeting, "pid"));
	most = json_integer_value(json_object_get(greeting, "max_output_len"));
	if (most > 0 && most < CLIENT_ANSWER_MAX)
		client->answer_max = (size_t)most;
	json_decref(greeting);
	return 0;
}

int client_open(struct client *client, const char *path)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int rc;

	*client = (struct client){ .fd = -1 };
	if (strlen(path) >= sizeof(address.sun_path)) {
		client_fail(client, "its name has more than %zu characters",
			    sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address))) {
		rc = -errno;
		client_fail(client, "%s", strerror(errno));
		client_close(client);
		return rc;
	}
	rc = greeting_read(client);
	if (rc)
		client_close(client);
	return rc;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

json_t *client_ask(struct client *client, const char *command, const char *parameter)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s%s%s", command, parameter ? "," : "",
			 parameter ? parameter : "");
	json_t *answer, *value;

	if (n < 0 || (size_t)n >= sizeof(line)) {
		client_fail(client, "%s: a name is too long", command);
		return NULL;
	}
	if (send(client->fd, line, (size_t)n, MSG_NOSIGNAL) != n) {
		client_fail(client, "it went away: %s", strerror(errno));
		return NULL;
	}
	answer = answer_read(client);
	if (!answer)
		return NULL;
	value = json_incref(json_object_get(answer, command));
	json_decref(answer);
	if (!value)
		client_fail(client, "it answered something else than %s", command);
	return value;
}
