/* SPDX-License-Identifier: BSD-3-Clause */
/* File: one that is replaced as a whole, so that who reads it never sees half. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"

static int file_write(int fd, const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, text, bytes);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			bytes -= (size_t)n;
		}
	}
	/* Some file systems find out only now that they are full. */
	return fsync(fd) && errno != EINVAL && errno != EROFS ? -errno : 0;
}

int file_replace(const char *path, const char *text, size_t bytes)
{
	char *beside;
	int fd, rc;

	if (asprintf(&beside, "%s.%d", path, (int)getpid()) < 0)
		return -ENOMEM;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	rc = fd < 0 ? -errno : file_write(fd, text, bytes);
	if (fd >= 0 && close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(beside, path))
		rc = -errno;
	if (rc && fd >= 0)
		unlink(beside);
	free(beside);
	return rc;
}
