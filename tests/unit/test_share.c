/* SPDX-License-Identifier: BSD-3-Clause */
/* Share: forked children and second processes with caches of their own. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT 4096

static struct pp_pool *pool_shared(uint32_t owners)
{
	struct pp_pool_params params = params_4k(2048, COUNT);

	params.owners = owners;
	return pool_of(&params);
}

/* Fills its cache, writes and frees again: with whatever default flags reach. */
static int use(struct pp_pool *pool)
{
	static void *bufs[COUNT];
	struct pp_cache *cache = pp_pool_cache(pool);
	unsigned n;

	if (!cache)
		return 10;
	n = pp_alloc_burst(cache, bufs, 2000, 0);
	if (n < 1000)
		return 11;
	for (unsigned i = 0; i < n; i++)
		memset(bufs[i], (int)getpid(), 2048);
	pp_free_bulk(cache, bufs, n);
	return 0;
}

struct fork_case {
	struct pp_pool *pool;
	struct pp_cache *parents;
	enum { LEAVE_BY_EXIT, LEAVE_AT_ONCE, LEAVE_KILLED } how;
};

static int child_uses_and_leaves(void *arg)
{
	struct fork_case *c = arg;
	int rc = use(c->pool);

	if (pp_pool_cache(c->pool) == c->parents)
		rc = 12;
	if (rc)
		_exit(rc);
	if (c->how == LEAVE_BY_EXIT)
		exit(0);
	if (c->how == LEAVE_KILLED)
		raise(SIGKILL);
	_exit(0);
}

static void child_then_parent(struct fork_case *c, int expected)
{
	uint64_t in_flight = stats_of(c->pool).in_flight;

	assert_int_equal(child_do(child_uses_and_leaves, c), expected);
	books_hold(c->pool, in_flight);
}

static void test_forked_child_has_a_cache_of_its_own_and_leaves_its_buffers(void **state)
{
	struct fork_case c = { .pool = pool_shared(8) };
	void *mine[100];

	(void)state;
	c.parents = pp_pool_cache(c.pool);
	assert_int_equal(pp_alloc_bulk(c.parents, mine, 100, 0), 100);
	for (unsigned i = 0; i < 100; i++)
		memset(mine[i], 0x42, 2048);
	c.how = LEAVE_BY_EXIT;
	child_then_parent(&c, 0);
	c.how = LEAVE_AT_ONCE;
	child_then_parent(&c, 0);
	c.how = LEAVE_KILLED;
	child_then_parent(&c, 256 + SIGKILL);
	for (unsigned i = 0; i < 100; i++)
		for (unsigned j = 0; j < 2048; j++)
			assert_int_equal(((uint8_t *)mine[i])[j], 0x42);
	pp_free_bulk(c.parents, mine, 100);
	/* Also what lies in the caches of those that never said goodbye. */
	all_can_be_had(c.pool, c.parents);
	pool_end(c.pool);
}

static int use_and_exit(void *arg)
{
	exit(use(arg));
}

static void test_children_that_exit_give_their_place_back(void **state)
{
	struct pp_pool *pool = pool_shared(2);

	(void)state;
	pp_pool_cache(pool);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(child_do(use_and_exit, pool), 0);
	assert_int_equal(stats_of(pool).owners, 1);
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
}

static int take_one(void *arg)
{
	void **out = arg;
	struct pp_pool *pool = out[0];

	out[1] = pp_alloc(pp_pool_cache(pool), 0);
	if (out[1])
		memcpy(out[1], "from the child", 15);
	return out[1] ? 0 : 1;
}

static void test_a_buffer_taken_by_a_child_can_be_freed_by_the_parent(void **state)
{
	void **out = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pp_pool *pool = pool_shared(4);

	(void)state;
	out[0] = pool;
	assert_int_equal(child_do(take_one, out), 0);
	books_hold(pool, 1);
	assert_string_equal(out[1], "from the child");
	assert_int_equal(pp_pool_destroy(pool), -EBUSY);
	assert_int_equal(pp_free_any(&out[1], 1), 1);
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
	munmap(out, 4096);
}

static void fds_send(int socket, const int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
	MUST(sendmsg(socket, &msg, 0) == 1);
}

static void fds_receive(int socket, int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	MUST(recvmsg(socket, &msg, 0) == 1);
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), 2 * sizeof(int));
}

/* Attaches to what comes over the socket; frees a buffer that comes too, sends one back. */
static int attached(int socket, bool orderly)
{
	struct pp_pool *pool = NULL, *again = NULL;
	void *base, *buf;
	int fds[2];

	fds_receive(socket, fds);
	if (pp_pool_attach(fds, &pool)) {
		fprintf(stderr, "attach: %s\n", pp_error());
		return 20;
	}
	/* They were duplicated. */
	close(fds[0]);
	close(fds[1]);
	pp_pool_fds(pool, fds);
	if (pp_pool_attach(fds, &again) != -EADDRINUSE || again)
		return 21;
	MUST(read(socket, &base, sizeof(base)) == sizeof(base));
	MUST(read(socket, &buf, sizeof(buf)) == sizeof(buf));
	if (pp_buffer_at(pp_pool_region(pool), 0) != base || pp_pool_find(buf) != pool)
		return 22;
	if (strcmp(buf, "hello") || strcmp(pp_pool_name(pool), "test"))
		return 23;
	pp_free(pp_pool_cache(pool), buf);
	if (use(pool) || pp_pool_check(pool))
		return 24;
	buf = pp_alloc(pp_pool_cache(pool), 0);
	memcpy(buf, "hello yourself", 15);
	MUST(write(socket, &buf, sizeof(buf)) == sizeof(buf));
	if (!orderly)
		raise(SIGKILL);
	return pp_pool_destroy(pool) ? 25 : 0;
}

static void second_process(bool orderly, uint32_t flags)
{
	struct pp_pool_params params = params_4k(2048, COUNT);
	struct pp_cache *cache;
	struct pp_pool *pool;
	int sockets[2], fds[2], status;
	void *base, *buf;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	/* Forked before there is a pool: it inherits nothing of it. */
	pid = fork();
	if (!pid)
		_exit(attached(sockets[1], orderly));
	close(sockets[1]);
	params.owners = 4;
	params.flags = flags;
	pool = pool_of(&params);
	cache = pp_pool_cache(pool);
	pp_pool_fds(pool, fds);
	fds_send(sockets[0], fds);
	base = pp_buffer_at(pp_pool_region(pool), 0);
	buf = pp_alloc(cache, 0);
	strcpy(buf, "hello");
	MUST(write(sockets[0], &base, sizeof(base)) == sizeof(base));
	MUST(write(sockets[0], &buf, sizeof(buf)) == sizeof(buf));
	MUST(read(sockets[0], &buf, sizeof(buf)) == sizeof(buf));
	assert_string_equal(buf, "hello yourself");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (orderly)
		assert_int_equal(status, 0);
	else
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	pp_free(cache, buf);
	books_hold(pool, 0);
	all_can_be_had(pool, cache);
	pool_end(pool);
	close(sockets[0]);
}

static void test_second_process_attaches_at_the_same_address(void **state)
{
	(void)state;
	second_process(true, 0);
	second_process(true, PP_POOL_OWNERS);
}

static void test_a_killed_second_process_does_not_hold_the_pool(void **state)
{
	(void)state;
	second_process(false, 0);
}

static void test_what_is_not_a_pool_is_refused(void **state)
{
	struct pp_pool *pool = pool_shared(2), *other = NULL;
	int fds[2], wrong[2], empty = memfd_create("empty", 0);
	unsigned before;

	(void)state;
	pp_pool_fds(pool, fds);
	before = fds_open();
	wrong[0] = empty;
	wrong[1] = fds[1];
	assert_int_equal(pp_pool_attach(wrong, &other), -EPROTO);
	wrong[0] = fds[1];
	wrong[1] = fds[0];
	assert_int_equal(pp_pool_attach(wrong, &other), -EPROTO);
	wrong[0] = wrong[1] = -1;
	assert_true(pp_pool_attach(wrong, &other) < 0);
	assert_int_equal(pp_pool_attach(fds, &other), -EADDRINUSE);
	assert_null(other);
	assert_int_equal(fds_open(), before);
	all_can_be_had(pool, pp_pool_cache(pool));
	pool_end(pool);
	close(empty);
}

static void test_descriptors_do_not_leak_through_exec(void **state)
{
	struct pp_pool *pool = pool_shared(2);
	int fds[2];

	(void)state;
	pp_pool_fds(pool, fds);
	for (unsigned i = 0; i < 2; i++)
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
	pool_end(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forked_child_has_a_cache_of_its_own_and_leaves_its_buffers),
		cmocka_unit_test(test_children_that_exit_give_their_place_back),
		cmocka_unit_test(test_a_buffer_taken_by_a_child_can_be_freed_by_the_parent),
		cmocka_unit_test(test_second_process_attaches_at_the_same_address),
		cmocka_unit_test(test_a_killed_second_process_does_not_hold_the_pool),
		cmocka_unit_test(test_what_is_not_a_pool_is_refused),
		cmocka_unit_test(test_descriptors_do_not_leak_through_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
