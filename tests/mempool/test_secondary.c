/* SPDX-License-Identifier: BSD-3-Clause */
/* Secondary: a mempool used by two processes that loaded their ops in another order. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>

#define N 6000
#define SKIPPED 77
#define MUST(x)                                                                    \
	do {                                                                       \
		if (!(x)) {                                                        \
			printf("%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #x, \
			       rte_strerror(rte_errno));                           \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static void *objs[N];
/* Of the ops' name, in this process's table. */
static uint32_t index_here;

static void plugin_load(const char *plugin)
{
	if (!dlopen(plugin, RTLD_NOW)) {
		printf("cannot load it: %s\n", dlerror());
		exit(1);
	}
	for (uint32_t i = 0; i < rte_mempool_ops_table.num_ops; i++)
		if (!strcmp(rte_mempool_ops_table.ops[i].name, "pktpool")) {
			index_here = i;
			return;
		}
}

static void process_start(const char *plugin, const char *prefix, const char *type)
{
	/* Where nothing else is in either of them, sanitizers' shadows included. */
	char *args[] = { "secondary",
			 "-m",
			 "64",
			 "--no-pci",
			 "--no-telemetry",
			 "-l",
			 "0",
			 "--proc-type",
			 (char *)type,
			 "--file-prefix",
			 (char *)prefix,
			 "--base-virtaddr=0x200000000000" };

	/* Before all that EAL loads, or after. */
	if (!strcmp(type, "primary"))
		plugin_load(plugin);
	if (rte_eal_init(RTE_DIM(args), args) < 0) {
		printf("skipped: EAL cannot start: %s (64 MiB of hugepages are needed)\n",
		       rte_strerror(rte_errno));
		exit(SKIPPED);
	}
	if (strcmp(type, "primary"))
		plugin_load(plugin);
}

static void all_of(struct rte_mempool *mp)
{
	MUST(!rte_mempool_get_bulk(mp, objs, N));
	MUST(rte_mempool_avail_count(mp) == 0);
	rte_mempool_put_bulk(mp, objs, N);
	MUST(rte_mempool_avail_count(mp) == N);
}

/* Takes what the primary has cached, and leaves all in its own cache; hands over by the pipes. */
static int secondary(const char *plugin, const char *prefix, const char *how)
{
	struct rte_mempool *mp;
	char go;

	process_start(plugin, prefix, "secondary");
	mp = rte_mempool_lookup("shared");
	MUST(mp && rte_mempool_avail_count(mp) == N);
	all_of(mp);
	MUST(write(4, &(char){ (char)index_here }, 1) == 1);
	if (!strcmp(how, "die"))
		raise(SIGKILL);
	/* Until the primary has all of them from here. */
	MUST(read(3, &go, 1) == 1);
	/* Half of them are the primary's now. */
	MUST(rte_mempool_avail_count(mp) == N / 2);
	MUST(rte_mempool_get_bulk(mp, objs, N / 2 + 1) == -ENOBUFS);
	MUST(!rte_mempool_get_bulk(mp, objs, N / 2));
	rte_mempool_put_bulk(mp, objs, N / 2);
	MUST(write(4, "x", 1) == 1);
	MUST(read(3, &go, 1) == 1);
	/* The mempool has ended meanwhile, and this process's cache with it. */
	rte_eal_cleanup();
	return 0;
}

struct child {
	pid_t pid;
	int to, from;
};

static struct child child_start(const char *plugin, const char *prefix, const char *how)
{
	int there[2], back[2];
	struct child child;

	MUST(!pipe(there) && !pipe(back));
	child.pid = fork();
	MUST(child.pid >= 0);
	if (!child.pid) {
		/* Out of the way of each other first. */
		int in = dup2(there[0], 100), out = dup2(back[1], 101);

		dup2(in, 3);
		dup2(out, 4);
		execl("/proc/self/exe", "secondary", plugin, prefix, how, NULL);
		_exit(1);
	}
	close(there[0]);
	close(back[1]);
	child.to = there[1];
	child.from = back[0];
	return child;
}

static int child_end(struct child *child)
{
	int status;

	MUST(waitpid(child->pid, &status, 0) == child->pid);
	return status;
}

int main(int argc, char **argv)
{
	struct rte_mempool *mp;
	struct child child;
	char prefix[32], done;

	if (argc == 4)
		return secondary(argv[1], argv[2], argv[3]);
	MUST(argc == 2);
	snprintf(prefix, sizeof(prefix), "opss%d", (int)getpid());
	process_start(argv[1], prefix, "primary");
	mp = rte_mempool_create_empty("shared", N, 512, 0, 0, SOCKET_ID_ANY, 0);
	MUST(mp && !rte_mempool_set_ops_byname(mp, "pktpool", NULL));
	MUST(rte_mempool_populate_default(mp) == N);
	all_of(mp);

	/* One that dies with everything in its cache takes nothing with it. */
	child = child_start(argv[1], prefix, "die");
	MUST(read(child.from, &done, 1) == 1);
	/* Or there is nothing to be shown here. */
	MUST((uint32_t)done != index_here);
	MUST(WIFSIGNALED(child_end(&child)));
	MUST(rte_mempool_avail_count(mp) == N);
	all_of(mp);

	child = child_start(argv[1], prefix, "live");
	MUST(read(child.from, &done, 1) == 1);
	all_of(mp);
	MUST(!rte_mempool_get_bulk(mp, objs, N / 2));
	MUST(write(child.to, "x", 1) == 1 && read(child.from, &done, 1) == 1);
	rte_mempool_put_bulk(mp, objs, N / 2);
	MUST(rte_mempool_avail_count(mp) == N);
	all_of(mp);
	rte_mempool_free(mp);
	MUST(write(child.to, "x", 1) == 1);
	MUST(child_end(&child) == 0);
	rte_eal_cleanup();
	printf("%d objects went to two processes and back\n", N);
	return 0;
}
