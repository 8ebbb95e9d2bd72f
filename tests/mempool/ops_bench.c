/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops-bench: an rte_mempool on our ops beside one on DPDK's own, by its own calls. */
#include <dlfcn.h>
#include <getopt.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>

#include "ops_jobs.h"

/* What a node of testpmd's size has. */
#define OBJECTS 65536
#define OBJECTS_MIN 16384
/* How much two round trips of a line between the two CPUs may differ. */
#define TRIP_SPREAD 0.2
#define ROUNDS_MAX 101
#define TAIL 200000

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

static unsigned ms = 20, rounds = 11, objects = OBJECTS;
static json_t *rows;

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
	double before = pair ? trip_measure() : 0, cycles = job_run(mp, pattern, n, ms);
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
	jobs_begin();
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
