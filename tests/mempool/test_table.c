/* SPDX-License-Identifier: BSD-3-Clause */
/* Table: what the ops say where EAL's table of ops has no place for them. */
#include "ops_test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *plugin;

static int filler_alloc(struct rte_mempool *mp)
{
	(void)mp;
	return -ENOTSUP;
}

static int filler_put(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	(void)mp;
	(void)objs;
	(void)n;
	return -ENOTSUP;
}

static int filler_get(struct rte_mempool *mp, void **objs, unsigned n)
{
	(void)mp;
	(void)objs;
	(void)n;
	return -ENOTSUP;
}

static unsigned filler_count(const struct rte_mempool *mp)
{
	(void)mp;
	return 0;
}

static void table_fill(unsigned leave)
{
	struct rte_mempool_ops ops = {
		.alloc = filler_alloc,
		.enqueue = filler_put,
		.dequeue = filler_get,
		.get_count = filler_count,
	};
	unsigned i = 0;

	while (rte_mempool_ops_table.num_ops < RTE_MEMPOOL_MAX_OPS_IDX - leave) {
		/* An empty mempool has these before it is given others. */
		snprintf(ops.name, sizeof(ops.name), i ? "filler%u" : "ring_mp_mc", i);
		i++;
		assert_true(rte_mempool_register_ops(&ops) >= 0);
	}
}

/* In a process of its own: loads them with so many places left, and says on stderr what they say. */
static char *table_try(unsigned leave, int (*work)(void))
{
	static char text[4096];
	int said[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (!pid) {
		dup2(said[1], 2);
		table_fill(leave);
		if (!dlopen(plugin, RTLD_NOW)) {
			fprintf(stderr, "%s\n", dlerror());
			_exit(100);
		}
		_exit(work());
	}
	close(said[1]);
	memset(text, 0, sizeof(text));
	for (size_t at = 0; (n = read(said[0], text + at, sizeof(text) - 1 - at)) > 0;)
		at += (size_t)n;
	close(said[0]);
	waitpid(pid, &status, 0);
	if (status)
		fail_msg("ended with %#x: %s", status, text);
	return text;
}

static int eal_start(void)
{
	char prefix[32];
	char *args[] = { "table",
			 "--no-huge",
			 "-m",
			 "256",
			 "--no-pci",
			 "--no-telemetry",
			 "--log-level=lib.eal:error",
			 "--file-prefix",
			 prefix };

	snprintf(prefix, sizeof(prefix), "opst%d", (int)getpid());
	return rte_eal_init(RTE_DIM(args), args) < 0 ? 101 : 0;
}

static int pool_fails(void)
{
	struct rte_mempool *mp;
	int rc = eal_start();

	if (rc)
		return rc;
	mp = rte_mempool_create_empty("none", 100, 64, 0, 0, SOCKET_ID_ANY, 0);
	if (!mp)
		return 102;
	return rte_mempool_set_ops_byname(mp, "pktpool", NULL) == -EINVAL ? 0 : 1;
}

static int pool_works(void)
{
	struct rte_mempool *mp;
	int rc = eal_start();

	if (rc)
		return rc;
	mp = rte_mempool_create_empty("some", 100, 64, 0, 0, SOCKET_ID_ANY, 0);
	if (!mp)
		return 102;
	if (rte_mempool_set_ops_byname(mp, "pktpool", NULL))
		return 1;
	return rte_mempool_populate_default(mp) == 100 && rte_mempool_avail_count(mp) == 100 ? 0
											     : 2;
}

static int pool_has_the_last_index(void)
{
	int rc = pool_works();

	return rc                                                                     ? rc
	       : rte_mempool_lookup("some")->ops_index == RTE_MEMPOOL_MAX_OPS_IDX - 1 ? 0
										      : 3;
}

static void test_full_table_is_said_loudly_and_fails_the_pool(void **state)
{
	(void)state;
	assert_non_null(strstr(table_try(0, pool_fails), "NO mempool can have ops \"pktpool\""));
}

static void test_last_place_is_theirs_and_nobody_gets_it_afterwards(void **state)
{
	(void)state;
	/* EAL loads more ops than there are places then. */
	assert_null(strstr(table_try(2, pool_has_the_last_index), "pktpool:"));
	assert_null(strstr(table_try(1, pool_has_the_last_index), "pktpool:"));
}

static void test_last_place_may_be_lost_and_the_pool_not(void **state)
{
	(void)state;
	table_try(5, pool_works);
}

static void test_a_program_without_dpdk_is_told_so(void **state)
{
	char command[512], said[512] = "";
	FILE *file;

	(void)state;
	/* A process that has nothing to do with DPDK. */
	snprintf(command, sizeof(command), "LD_PRELOAD=%s /bin/true 2>&1", plugin);
	file = popen(command, "r");
	assert_non_null(file);
	assert_non_null(fgets(said, sizeof(said), file));
	assert_int_equal(pclose(file), 0);
	assert_non_null(strstr(said, "does not show its DPDK to plugins"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_table_is_said_loudly_and_fails_the_pool),
		cmocka_unit_test(test_last_place_is_theirs_and_nobody_gets_it_afterwards),
		cmocka_unit_test(test_last_place_may_be_lost_and_the_pool_not),
		cmocka_unit_test(test_a_program_without_dpdk_is_told_so),
	};

	(void)argc;
	plugin = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
