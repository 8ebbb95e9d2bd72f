/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops-bench: an rte_mempool on our ops beside one on DPDK's own, by its own calls. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <rte_ring.h>

/* What a node of testpmd's size has, and what hold and contended hold at a time. */
#define OBJECTS 65536
#define HELD 4096
#define ROUNDS_MAX 101
#define TAIL 200000

enum pattern { HOT, HOLD, PIPELINE, CONTENDED, PATTERNS };
static const char *const pattern_names[] = { "hot", "hold", "pipeline", "contended" };
static const unsigned bursts[] = { 1, 8, 32, 64 };

struct subject {
	const char *ops;
	const char *config;
	unsigned cache;
	struct rte_mempool *mp;
};

struct cell {
	double cycles[ROUNDS_MAX];
};

static struct rte_ring *ring;
static volatile unsigned started;
static unsigned ms = 20;

struct job {
	struct rte_mempool *mp;
	unsigned n;
	uint64_t cycles; /* to be spent */
	uint64_t objs, spent;
};

static void must(int good, const char *what)
{
	if (good)
		return;
	printf("%s\n", what);
	exit(1);
}

static void job_hot(struct job *job)
{
	void *objs[64];
	uint64_t began = rte_rdtsc();

	do {
		for (unsigned i = 0; i < 256; i++) {
			must(!rte_mempool_get_bulk(job->mp, objs, job->n), "no objects");
			rte_mempool_put_bulk(job->mp, objs, job->n);
		}
		job->objs += 256 * job->n;
		job->spent = rte_rdtsc() - began;
	} while (job->spent < job->cycles);
}

static void job_hold(struct job *job)
{
	static __thread void *objs[HELD];
	uint64_t began = rte_rdtsc();

	do {
		for (unsigned i = 0; i < HELD; i += job->n)
			must(!rte_mempool_get_bulk(job->mp, objs + i, job->n), "no objects");
		for (unsigned i = 0; i < HELD; i += job->n)
			rte_mempool_put_bulk(job->mp, objs + i, job->n);
		job->objs += HELD;
		job->spent = rte_rdtsc() - began;
	} while (job->spent < job->cycles);
}

static int lcore_hold(void *arg)
{
	__atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) < 2)
		rte_pause();
	job_hold(arg);
	return 0;
}

/* Until a NULL comes. */
static int lcore_sink(void *arg)
{
	struct job *job = arg;
	void *objs[64];

	for (;;) {
		unsigned n = rte_ring_sc_dequeue_burst(ring, objs, job->n, NULL);

		if (n && !objs[n - 1]) {
			if (n > 1)
				rte_mempool_put_bulk(job->mp, objs, n - 1);
			return 0;
		}
		if (n)
			rte_mempool_put_bulk(job->mp, objs, n);
	}
}

static void job_pipeline(struct job *job)
{
	void *objs[64], *end = NULL;
	uint64_t began;

	rte_eal_remote_launch(lcore_sink, job, rte_get_next_lcore(-1, 1, 0));
	began = rte_rdtsc();
	do {
		for (unsigned i = 0; i < 64; i++) {
			must(!rte_mempool_get_bulk(job->mp, objs, job->n), "no objects");
			while (!rte_ring_sp_enqueue_bulk(ring, objs, job->n, NULL))
				rte_pause();
		}
		job->objs += 64 * job->n;
		job->spent = rte_rdtsc() - began;
	} while (job->spent < job->cycles);
	while (rte_ring_sp_enqueue(ring, end))
		rte_pause();
	rte_eal_mp_wait_lcore();
}

static void job_contended(struct job *job)
{
	struct job other = *job;

	started = 0;
	rte_eal_remote_launch(lcore_hold, &other, rte_get_next_lcore(-1, 1, 0));
	lcore_hold(job);
	rte_eal_mp_wait_lcore();
	job->objs += other.objs;
	job->spent += other.spent;
}

static double job_run(struct rte_mempool *mp, enum pattern pattern, unsigned n)
{
	struct job job = { .mp = mp, .n = n, .cycles = rte_get_tsc_hz() / 1000 * ms };

	switch (pattern) {
	case HOT:
		job_hot(&job);
		break;
	case HOLD:
		job_hold(&job);
		break;
	case PIPELINE:
		job_pipeline(&job);
		break;
	default:
		job_contended(&job);
	}
	return (double)job.spent / (double)job.objs;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int u32_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* One burst of 32 in hold, the 999th of 1000. */
static unsigned tail_of(struct rte_mempool *mp)
{
	static uint32_t took[TAIL];
	static void *objs[HELD];
	unsigned n = 0;

	while (n + 2 * HELD / 32 <= TAIL) {
		for (unsigned i = 0; i < HELD; i += 32) {
			uint64_t began = rte_rdtsc_precise();

			must(!rte_mempool_get_bulk(mp, objs + i, 32), "no objects");
			took[n++] = (uint32_t)(rte_rdtsc_precise() - began);
		}
		for (unsigned i = 0; i < HELD; i += 32) {
			uint64_t began = rte_rdtsc_precise();

			rte_mempool_put_bulk(mp, objs + i, 32);
			took[n++] = (uint32_t)(rte_rdtsc_precise() - began);
		}
	}
	qsort(took, n, sizeof(*took), u32_compare);
	return took[(uint64_t)n * 999 / 1000];
}

static void subject_make(struct subject *subject, unsigned i)
{
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "bench%u", i);
	subject->mp = rte_mempool_create_empty(name, OBJECTS, 2176, subject->cache, 64,
					       (int)rte_socket_id(), 0);
	must(subject->mp != NULL, "no mempool");
	rc = rte_mempool_set_ops_byname(subject->mp, subject->ops,
					(void *)(uintptr_t)subject->config);
	if (!rc)
		rc = rte_mempool_populate_default(subject->mp);
	must(rc == OBJECTS, "a mempool cannot be made");
}

static void subjects_measure(struct subject *subjects, unsigned count, unsigned rounds)
{
	for (enum pattern pattern = HOT; pattern < PATTERNS; pattern++)
		for (unsigned b = 0; b < RTE_DIM(bursts); b++) {
			static struct cell cells[8];

			/* Interleaved: what the machine does meanwhile, it does to all. */
			for (unsigned r = 0; r < rounds; r++)
				for (unsigned i = 0; i < count; i++)
					cells[i].cycles[r] =
						job_run(subjects[i].mp, pattern, bursts[b]);
			printf("%-10s %5u", pattern_names[pattern], bursts[b]);
			for (unsigned i = 0; i < count; i++) {
				qsort(cells[i].cycles, rounds, sizeof(double), double_compare);
				printf(" %9.2f (%7.2f)", cells[i].cycles[rounds / 2],
				       cells[i].cycles[0]);
			}
			printf("\n");
			fflush(stdout);
		}
}

int main(int argc, char **argv)
{
	struct subject subjects[] = {
		{ "ring_mp_mc", NULL, 0, NULL },
		{ "pktpool", NULL, 0, NULL },
		{ "ring_mp_mc", NULL, 250, NULL },
		{ "pktpool", NULL, 250, NULL },
		{ "pktpool", "lcore_cache=64", 250, NULL },
		{ "pktpool", "lcore_cache=0", 250, NULL },
	};
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 11;
	char prefix[32];
	char *args[] = { "ops-bench",
			 "-m",
			 "1024",
			 "-l",
			 "0,1",
			 "--no-pci",
			 "--in-memory",
			 "--no-telemetry",
			 "--file-prefix",
			 prefix,
			 "--log-level=lib.eal:error" };

	if (argc < 2 || !rounds || rounds > ROUNDS_MAX) {
		printf("usage: ops-bench PLUGIN [ROUNDS [MS]]\n");
		return 2;
	}
	if (argc > 3)
		ms = (unsigned)atoi(argv[3]);
	snprintf(prefix, sizeof(prefix), "opsb%d", (int)getpid());
	if (!dlopen(argv[1], RTLD_NOW) || rte_eal_init(RTE_DIM(args), args) < 0) {
		printf("EAL cannot start: two CPUs, 1 GiB of hugepages?\n");
		return 3;
	}
	ring = rte_ring_create("bench", 1024, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
	must(ring != NULL, "no ring");
	for (unsigned i = 0; i < RTE_DIM(subjects); i++)
		subject_make(&subjects[i], i);
	printf("cycles an object, got and put: median of %u interleaved rounds (minimum)\n",
	       rounds);
	printf("%-16s", "cache, option");
	for (unsigned i = 0; i < RTE_DIM(subjects); i++)
		printf(" %11s %3u %s", subjects[i].ops, subjects[i].cache,
		       subjects[i].config ? strchr(subjects[i].config, '=') : "  ");
	printf("\n");
	subjects_measure(subjects, RTE_DIM(subjects), rounds);
	printf("%-16s", "p99.9, hold, 32");
	for (unsigned i = 0; i < RTE_DIM(subjects); i++) {
		double tails[ROUNDS_MAX];

		for (unsigned r = 0; r < rounds; r++)
			tails[r] = tail_of(subjects[i].mp);
		qsort(tails, rounds, sizeof(*tails), double_compare);
		printf(" %9.0f (%7.0f)", tails[rounds / 2], tails[0]);
	}
	printf("\n");
	return 0;
}
