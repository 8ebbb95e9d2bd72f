/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes: a pool shared with a forked child, and with a program started afresh. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pktpool.h>

#include "fds.h"

#define TAKEN 4 /* the second's exit code when the pool's addresses are in use there */

/* Allocates and hands over: an address means the same on both sides. */
static int buffer_send(struct pp_cache *cache, int sock, const char *who)
{
	char *buf = cache ? pp_alloc(cache, 0) : NULL;

	if (!buf)
		return 1;
	snprintf(buf, 128, "written by %s, process %d", who, getpid());
	return write(sock, &buf, sizeof(buf)) != sizeof(buf);
}

static int buffer_receive(struct pp_pool *pool, int sock)
{
	char *buf;

	if (read(sock, &buf, sizeof(buf)) != sizeof(buf) || pp_pool_find(buf) != pool)
		return 1;
	printf("process %d has a buffer %s\n", getpid(), buf);
	pp_free(pp_pool_cache(pool), buf);
	return 0;
}

static int second_run(void)
{
	int fds[2] = { -1, -1 }, rc = fds_pass(STDIN_FILENO, fds, false);
	struct pp_pool *pool;
	struct pp_cache *cache;

	rc = rc ? rc : pp_pool_attach(fds, &pool);
	if (rc)
		return rc == -EADDRINUSE ? TAKEN : 1;
	cache = pp_cache_create(pool, "second");
	rc = buffer_send(cache, STDIN_FILENO, "a second program");
	pp_cache_destroy(cache);
	/* Here it only lets go of the mapping. */
	return pp_pool_destroy(pool) || rc;
}

static int other_run(struct pp_pool *pool, bool afresh)
{
	int sock[2], fds[2], status, rc = 1;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock) || (child = fork()) < 0)
		return 1;
	if (!child && afresh && dup2(sock[1], STDIN_FILENO) == STDIN_FILENO)
		exit(execl("/proc/self/exe", "03-processes", "second", NULL));
	if (!child)
		exit(buffer_send(pp_pool_cache(pool), sock[1], "a forked child"));
	pp_pool_fds(pool, fds);
	if (afresh && fds_pass(sock[0], fds, true))
		return 1;
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		rc = WEXITSTATUS(status) ? WEXITSTATUS(status) : buffer_receive(pool, sock[0]);
	close(sock[0]);
	close(sock[1]);
	return rc;
}

int main(int argc, char **argv)
{
	struct pp_pool_params params = { .sz = sizeof(params),
					 .buffer_size = 512,
					 .buffers = 8192 };
	struct pp_pool *pool;
	int rc;

	if (argc > 1)
		return argv[1] ? second_run() : 1;
	rc = pp_pool_create(&params, &pool);
	if (rc) {
		fprintf(stderr, "%s\n", pp_error());
		return rc == -ENOMEM ? 77 : 1;
	}
	rc = other_run(pool, false);
	/* Programs are laid out at random. Where the pool's addresses happen to be
	 * taken, another start finds another layout. */
	for (int i = 0; !rc && i < 5 && (rc = other_run(pool, true)) == TAKEN; i++)
		rc = 0;
	pp_pool_print(pool, stdout);
	return pp_pool_destroy(pool) || rc;
}
