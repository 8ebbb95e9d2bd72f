/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops-bench: an rte_mempool on our ops beside one on DPDK's own, by its own calls. */
#include <dlfcn.h>
#include <getopt.h>
#include <jansson.h>
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
#define OBJECTS_MIN 16384
#define HELD 4096
/* Round trips of a line between the two CPUs, and how much two of them may differ. */
#define TRIPS 1000
#define TRIP_SPREAD 0.2
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

/* The samples that count: of two lcores, those before and after which a line took
 * as long between them. */
struct cell {
	unsigned n, discarded;
	double cycles[ROUNDS_MAX];
	double trips[ROUNDS_MAX];
};

static struct rte_ring *ring;
static volatile unsigned started;
static unsigned ms = 20, rounds = 11, objects = OBJECTS;
static json_t *rows;

/* The line that goes to and fro; nothing else is in it. */
static struct {
	volatile uint64_t turn;
} line __rte_aligned(128);

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

static int lcore_pong(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < TRIPS; i++) {
		while (line.turn != 2 * i + 1)
			;
		line.turn = 2 * i + 2;
	}
	return 0;
}

/* Nanoseconds that it takes. */
static double trip_measure(void)
{
	uint64_t began;

	line.turn = 0;
	rte_eal_remote_launch(lcore_pong, NULL, rte_get_next_lcore(-1, 1, 0));
	/* The first one waits for the lcore. */
	line.turn = 1;
	while (line.turn != 2)
		;
	began = rte_rdtsc();
	for (uint64_t i = 1; i < TRIPS; i++) {
		line.turn = 2 * i + 1;
		while (line.turn != 2 * i + 2)
			;
	}
	rte_eal_mp_wait_lcore();
	return (double)(rte_rdtsc() - began) * 1e9 / (double)rte_get_tsc_hz() / (TRIPS - 1);
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
	subject->mp = rte_mempool_create_empty(name, objects, 2176, subject->cache, 64,
					       (int)rte_socket_id(), 0);
	must(subject->mp != NULL, "no mempool");
	rc = rte_mempool_set_ops_byname(subject->mp, subject->ops,
					(void *)(uintptr_t)subject->config);
	if (!rc)
		rc = rte_mempool_populate_default(subject->mp);
	must(rc == (int)objects, "a mempool cannot be made");
}

/* One more sample; of two lcores it counts if they stayed where they were. */
static void cell_measure(struct cell *cell, struct rte_mempool *mp, enum pattern pattern,
			 unsigned n)
{
	bool pair = pattern == PIPELINE || pattern == CONTENDED;
	double before = pair ? trip_measure() : 0, cycles = job_run(mp, pattern, n);
	double after = pair ? trip_measure() : 0;

	if (RTE_MAX(before, after) > (1 + TRIP_SPREAD) * RTE_MIN(before, after)) {
		cell->discarded++;
		return;
	}
	cell->trips[cell->n] = before;
	cell->cycles[cell->n++] = cycles;
}

/* A figure, or null. */
static json_t *figure_json(bool there, double value)
{
	return there ? json_real(value) : json_null();
}

static void cell_write(struct cell *cell, const struct subject *subject, const char *pattern,
		       unsigned n)
{
	bool pair = cell->n != 0 && cell->trips[0] > 0;

	qsort(cell->cycles, cell->n, sizeof(double), double_compare);
	qsort(cell->trips, cell->n, sizeof(double), double_compare);
	if (cell->n != 0)
		printf(" %9.2f (%7.2f)", cell->cycles[cell->n / 2], cell->cycles[0]);
	else
		printf(" %9s (%7s)", "-", "-");
	json_array_append_new(
		rows, json_pack("{s:s, s:i, s:s, s:i, s:s?, s:o, s:o, s:i, s:i, s:o}", "pattern",
				pattern, "n", (int)n, "ops", subject->ops, "cache",
				(int)subject->cache, "option", subject->config, "cycles",
				figure_json(cell->n != 0, cell->cycles[cell->n / 2]),
				"cycles_least", figure_json(cell->n != 0, cell->cycles[0]),
				"rounds", (int)cell->n, "discarded", (int)cell->discarded,
				"round_trip_ns", figure_json(pair, cell->trips[cell->n / 2])));
}

static void subjects_measure(struct subject *subjects, unsigned count)
{
	for (enum pattern pattern = HOT; pattern < PATTERNS; pattern++)
		for (unsigned b = 0; b < RTE_DIM(bursts); b++) {
			static struct cell cells[8];

			memset(cells, 0, sizeof(cells));
			/* Interleaved: what the machine does meanwhile, it does to all. */
			for (unsigned r = 0; r < rounds; r++)
				for (unsigned i = 0; i < count; i++)
					cell_measure(&cells[i], subjects[i].mp, pattern, bursts[b]);
			printf("%-10s %5u", pattern_names[pattern], bursts[b]);
			for (unsigned i = 0; i < count; i++)
				cell_write(&cells[i], &subjects[i], pattern_names[pattern],
					   bursts[b]);
			printf("\n");
			fflush(stdout);
		}
}

static void subjects_tails(struct subject *subjects, unsigned count)
{
	printf("%-16s", "p99.9, hold, 32");
	for (unsigned i = 0; i < count; i++) {
		struct cell cell = { 0 };

		for (unsigned r = 0; r < rounds; r++)
			cell.cycles[cell.n++] = tail_of(subjects[i].mp);
		cell_write(&cell, &subjects[i], "p99.9 of a burst in hold", 32);
	}
	printf("\n");
}

static void usage(void)
{
	printf("usage: ops-bench [--rounds N] [--ms N] [--objects N] [--json FILE] PLUGIN\n");
	exit(2);
}

static const char *options_read(int argc, char **argv)
{
	static const struct option options[] = { { "rounds", required_argument, NULL, 'r' },
						 { "ms", required_argument, NULL, 'm' },
						 { "objects", required_argument, NULL, 'o' },
						 { "json", required_argument, NULL, 'j' },
						 { NULL, 0, NULL, 0 } };
	const char *json = NULL;
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'r')
			rounds = (unsigned)atoi(optarg);
		else if (key == 'm')
			ms = (unsigned)atoi(optarg);
		else if (key == 'o')
			objects = (unsigned)atoi(optarg);
		else if (key == 'j')
			json = optarg;
		else
			usage();
	}
	if (optind != argc - 1 || !rounds || rounds > ROUNDS_MAX || !ms || objects < OBJECTS_MIN)
		usage();
	return json;
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
	const char *json = options_read(argc, argv);
	char prefix[32], mib[16];
	char *args[] = { "ops-bench",
			 "-m",
			 mib,
			 "-l",
			 "0,1",
			 "--no-pci",
			 "--in-memory",
			 "--no-telemetry",
			 "--file-prefix",
			 prefix,
			 "--log-level=lib.eal:error" };

	snprintf(prefix, sizeof(prefix), "opsb%d", (int)getpid());
	snprintf(mib, sizeof(mib), "%u", objects / OBJECTS_MIN * 256);
	if (!dlopen(argv[optind], RTLD_NOW) || rte_eal_init(RTE_DIM(args), args) < 0) {
		printf("EAL cannot start: two CPUs, %s MiB of hugepages?\n", mib);
		return 3;
	}
	rows = json_array();
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
	subjects_measure(subjects, RTE_DIM(subjects));
	subjects_tails(subjects, RTE_DIM(subjects));
	must(!json || json_dump_file(rows, json, JSON_INDENT(1)) == 0,
	     "the rows cannot be written");
	json_decref(rows);
	return 0;
}
