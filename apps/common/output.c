/* SPDX-License-Identifier: BSD-3-Clause */
/* Output: a file that an option names, opened before anything runs and written at the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "output.h"

int output_open(const char *option, const char *path)
{
	int fd;

	if (path == NULL)
		return OUTPUT_NONE;
	/* Emptied now: an older run's must not be taken for this one's, should it fail. */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		complain("--%s %s: %s: name a file that can be written", option, path,
			 strerror(errno));
		return OUTPUT_IMPOSSIBLE;
	}
	return fd;
}

int output_text(const char *option, const char *path, int fd, const char *text)
{
	size_t left = strlen(text);
	int err = 0;

	if (fd < 0)
		return APP_OK;
	while (left > 0 && err == 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			err = errno;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	/* Some file systems report a full disk only here. */
	if (close(fd) != 0 && err == 0)
		err = errno;
	if (err == 0)
		return APP_OK;
	complain("--%s %s: the summary could not be written: %s", option, path, strerror(err));
	return APP_FAILED;
}

int output_json(const char *option, const char *path, int fd, const json_t *object)
{
	char *text, *line;
	int status;

	if (fd < 0)
		return APP_OK;
	text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	line = text == NULL ? NULL : realloc(text, strlen(text) + 2);
	if (line == NULL) {
		free(text);
		close(fd);
		complain("--%s %s: the summary could not be written: %s", option, path,
			 strerror(ENOMEM));
		return APP_FAILED;
	}
	status = output_text(option, path, fd, strcat(line, "\n"));
	free(line);
	return status;
}
