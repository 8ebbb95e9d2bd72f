/* SPDX-License-Identifier: BSD-3-Clause */
/* Defer: pktpool-bench-defer, deferred freeing beside its peers, by how many are freed at once. */
#include "bench.h"
#include "defer_peers.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES 4
#define MODES 2
#define ROUNDS_MAX 1000
#define GRACES 200

static const unsigned batch_sizes[BATCHES] = { 1, 10, 100, 1000 };
static const char *const mode_names[MODES] = { "self", "other" };

/* Cycles an object by peer; the least of some in `grace`, of one grace period waited for. */
struct results {
	double samples[MODES][BATCHES][DEFER_PEERS][ROUNDS_MAX];
	double grace[MODES][ROUNDS_MAX];
	unsigned rounds;
};

struct options {
	unsigned rounds, objects;
	int cpus[2];
	const char *json;
};

struct reader {
	struct defer_bench *bench;
	int cpu;
	bool up, stop;
	pthread_t thread;
};

static void *reader_run(void *arg)
{
	struct reader *reader = arg;
	struct rte_rcu_qsbr *qsbr = reader->bench->qsbr;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(reader->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	rte_rcu_qsbr_thread_register(qsbr, DEFER_OTHER);
	rte_rcu_qsbr_thread_online(qsbr, DEFER_OTHER);
	__atomic_store_n(&reader->up, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE)) {
		rte_rcu_qsbr_quiescent(qsbr, DEFER_OTHER);
		rte_pause();
	}
	rte_rcu_qsbr_thread_offline(qsbr, DEFER_OTHER);
	rte_rcu_qsbr_thread_unregister(qsbr, DEFER_OTHER);
	return NULL;
}

static int readers_begin(struct defer_bench *bench, struct reader *reader, unsigned mode)
{
	bench->self = mode == DEFER_SELF;
	if (bench->self) {
		rte_rcu_qsbr_thread_register(bench->qsbr, DEFER_SELF);
		rte_rcu_qsbr_thread_online(bench->qsbr, DEFER_SELF);
		return 0;
	}
	reader->up = reader->stop = false;
	if (pthread_create(&reader->thread, NULL, reader_run, reader))
		return -EAGAIN;
	while (!__atomic_load_n(&reader->up, __ATOMIC_ACQUIRE))
		sched_yield();
	return 0;
}

static void readers_end(struct defer_bench *bench, struct reader *reader)
{
	if (bench->self) {
		rte_rcu_qsbr_thread_offline(bench->qsbr, DEFER_SELF);
		rte_rcu_qsbr_thread_unregister(bench->qsbr, DEFER_SELF);
	} else {
		__atomic_store_n(&reader->stop, true, __ATOMIC_RELEASE);
		pthread_join(reader->thread, NULL);
	}
}

static double grace_measure(struct defer_bench *bench)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < GRACES; i++) {
		uint64_t began = rte_rdtsc_precise(), took;

		rte_rcu_qsbr_synchronize(bench->qsbr,
					 bench->self ? DEFER_SELF : RTE_QSBR_THRID_INVALID);
		took = rte_rdtsc_precise() - began;
		least = took < least ? took : least;
	}
	return (double)least;
}

/* Peers one after another, so that what happens to the machine happens to all. */
static int round_measure(struct defer_bench *bench, const struct options *options,
			 struct results *results, unsigned round)
{
	struct reader reader = { .bench = bench, .cpu = options->cpus[1] };

	for (unsigned mode = 0; mode < MODES; mode++) {
		if (readers_begin(bench, &reader, mode))
			return -EAGAIN;
		results->grace[mode][round] = grace_measure(bench);
		for (unsigned b = 0; b < BATCHES; b++)
			for (unsigned p = 0; p < DEFER_PEERS; p++) {
				/* Beginning with another each time. */
				unsigned peer = (p + round) % DEFER_PEERS;
				unsigned batches = options->objects / batch_sizes[b];
				uint64_t cycles =
					defer_peers[peer].run(bench, batch_sizes[b], batches);

				defer_peers[peer].settle(bench);
				results->samples[mode][b][peer][round] =
					(double)cycles / batches / batch_sizes[b];
			}
		readers_end(bench, &reader);
	}
	return 0;
}

static int all_measure(struct defer_bench *bench, const struct options *options,
		       struct results *results)
{
	/* The first warms up, and is written over. */
	int rc = round_measure(bench, options, results, 0);

	for (unsigned round = 0; !rc && round < options->rounds; round++)
		rc = round_measure(bench, options, results, round);
	results->rounds = options->rounds;
	return rc;
}

static void figures_of(double *samples, unsigned rounds, double *least, double *median)
{
	/* Sorts them. */
	*median = samples_median(samples, rounds);
	*least = samples[0];
}

static void table_show(struct results *results, const struct bench_machine *machine,
		       uint64_t starved)
{
	double least, median, ours = 0;

	printf("%s, %ld CPUs, TSC %.2f GHz; %s; %s; %s\n"
	       "TSC cycles per object, allocated, deferred and freed: least (median) of %u rounds,\n"
	       "peers interleaved; x: how many times pp_defer's least.\n",
	       machine->cpu, machine->cpus, machine->ghz, machine->kernel, machine->compiler,
	       machine->dpdk, results->rounds);
	for (unsigned p = 0; p < DEFER_PEERS; p++)
		printf("  %-14s %s\n", defer_peers[p].name, defer_peers[p].what);
	for (unsigned mode = 0; mode < MODES; mode++) {
		figures_of(results->grace[mode], results->rounds, &least, &median);
		printf("\n%s; a grace period takes %.0f (%.0f) cycles\n%5s",
		       mode == DEFER_SELF
			       ? "The thread is the only reader and rests after each batch"
			       : "A reader on another CPU rests all the time",
		       least, median, "batch");
		for (unsigned p = 0; p < DEFER_PEERS; p++)
			printf(" %21s", defer_peers[p].name);
		for (unsigned b = 0; b < BATCHES; b++) {
			printf("\n%5u", batch_sizes[b]);
			for (unsigned p = 0; p < DEFER_PEERS; p++) {
				figures_of(results->samples[mode][b][p], results->rounds, &least,
					   &median);
				ours = p ? ours : least;
				printf(" %6.1f (%6.1f) %4.1fx", least, median, least / ours);
			}
		}
		putchar('\n');
	}
	if (starved)
		printf("\n%llu times all objects waited for a reader that had lost its CPU: was the "
		       "machine quiet?\n",
		       (unsigned long long)starved);
}

static json_t *json_rows(struct results *results, double ghz)
{
	json_t *rows = json_array();
	double least, median, ours = 0, grace, ignored;

	for (unsigned mode = 0; mode < MODES; mode++)
		for (unsigned b = 0; b < BATCHES; b++)
			for (unsigned p = 0; p < DEFER_PEERS; p++) {
				figures_of(results->grace[mode], results->rounds, &ignored, &grace);
				figures_of(results->samples[mode][b][p], results->rounds, &least,
					   &median);
				ours = p ? ours : least;
				json_array_append_new(
					rows,
					json_pack("{s:s, s:i, s:s, s:f, s:f, s:f, s:f, s:i}",
						  "reader", mode_names[mode], "batch",
						  (int)batch_sizes[b], "peer", defer_peers[p].name,
						  "least", least, "median", median, "ratio",
						  least / ours, "grace_ns", grace / ghz, "rounds",
						  (int)results->rounds));
			}
	return rows;
}

static int json_show(FILE *out, struct results *results, const struct bench_machine *machine,
		     const struct pp_defer_stats *stats)
{
	json_t *json = json_pack(
		"{s:{s:s, s:i, s:s, s:s, s:s, s:f}, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:o}",
		"machine", "cpu", machine->cpu, "cpus", (int)machine->cpus, "kernel",
		machine->kernel, "compiler", machine->compiler, "dpdk", machine->dpdk, "tsc_ghz",
		machine->ghz, "pp_defer", "freed", (json_int_t)stats->freed, "calls",
		(json_int_t)stats->calls, "tried", (json_int_t)stats->tried, "recycled",
		(json_int_t)stats->recycled, "grown", (json_int_t)stats->grown, "to_wait",
		(json_int_t)stats->to_wait, "rows", json_rows(results, machine->ghz));
	int failed = !json || json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) ||
		     fputc('\n', out) == EOF;

	json_decref(json);
	return failed || fflush(out) ? -EIO : 0;
}

static const char usage[] =
	"usage: pktpool-bench-defer [OPTION]...\n"
	"Freeing after a grace period: pp_defer beside fixed arrays, a list, rte_rcu_qsbr_dq.\n"
	"  --json FILE\n"
	"  --rounds N         samples of each figure, 1..1000 (default: 64)\n"
	"  --cpus A,B         the thread's and the reader's (default: the first two allowed)\n"
	"  --quick            a few small samples: to see that it works\n"
	"  --help\n"
	"Exits 1 if it fails, 2 on wrong usage, 3 if hugepages or CPUs are missing.\n";

static int cpus_parse(const char *text, int cpus[2])
{
	int used = 0;

	return sscanf(text, "%d,%d%n", &cpus[0], &cpus[1], &used) == 2 && !text[used] &&
			       cpus[0] >= 0 && cpus[1] >= 0 && cpus[0] != cpus[1]
		       ? 0
		       : -EINVAL;
}

static int rounds_parse(const char *text, unsigned *rounds)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*rounds = (unsigned)value;
	return *text < '0' || *text > '9' || *end || !value || value > ROUNDS_MAX ? -EINVAL : 0;
}

/* 0 to go on, 1 after --help, or -EINVAL having said why. */
static int arguments_parse(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = { { "json", required_argument, NULL, 'j' },
					       { "rounds", required_argument, NULL, 'r' },
					       { "cpus", required_argument, NULL, 'c' },
					       { "quick", no_argument, NULL, 'q' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	int option, rc = 0;

	*options = (struct options){ .rounds = 64, .objects = 40000, .cpus = { -1, -1 } };
	while (!rc && (option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (option) {
		case 'j':
			options->json = optarg;
			break;
		case 'r':
			rc = rounds_parse(optarg, &options->rounds);
			break;
		case 'c':
			rc = cpus_parse(optarg, options->cpus);
			break;
		case 'q':
			options->rounds = 3;
			options->objects = 4000;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			rc = -EINVAL;
		}
	if (!rc && optind == argc)
		return 0;
	fputs(usage, stderr);
	return -EINVAL;
}

static int cpus_choose(int cpus[2])
{
	unsigned found = 0;
	cpu_set_t allowed;

	if (cpus[0] >= 0)
		return 0;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[found++] = cpu;
	return found == 2 ? 0 : -ENODEV;
}

static int eal_start(int cpu)
{
	char lcore[16];
	char *argv[] = { "pktpool-bench-defer", "-l",       lcore,
			 "--in-memory",         "--no-pci", "--no-telemetry",
			 "--log-level=4",       NULL };

	snprintf(lcore, sizeof(lcore), "%d", cpu);
	return rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 ? -rte_errno : 0;
}

static int environment_start(struct options *options)
{
	if (cpus_choose(options->cpus)) {
		fprintf(stderr, "pktpool-bench-defer: needs two CPUs, may use one\n");
		return BENCH_ENVIRONMENT;
	}
	if (!eal_start(options->cpus[0]))
		return 0;
	fprintf(stderr, "pktpool-bench-defer: EAL does not start: %s (hugepages?)\n",
		rte_strerror(rte_errno));
	return BENCH_ENVIRONMENT;
}

static int bench_measure(const struct options *options, FILE *json)
{
	static struct results results;
	static struct defer_bench bench;
	struct bench_machine machine;
	struct pp_defer_stats stats;
	int rc = defer_bench_open(&bench);

	if (rc)
		return BENCH_ENVIRONMENT;
	rc = all_measure(&bench, options, &results);
	pp_defer_stats(bench.defer, &stats);
	rc = defer_bench_close(&bench) || rc;
	if (rc)
		return BENCH_FAILED;
	machine_describe(&machine);
	table_show(&results, &machine, bench.starved);
	if (json && json_show(json, &results, &machine, &stats)) {
		fprintf(stderr, "pktpool-bench-defer: could not write the results\n");
		return BENCH_FAILED;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	FILE *json = NULL;
	int rc = arguments_parse(&options, argc, argv);

	if (rc)
		return rc > 0 ? 0 : BENCH_USAGE;
	if (options.json && !(json = fopen(options.json, "w"))) {
		fprintf(stderr, "pktpool-bench-defer: %s: %s\n", options.json, strerror(errno));
		return BENCH_FAILED;
	}
	rc = environment_start(&options);
	rc = rc ? rc : bench_measure(&options, json);
	if (rc != BENCH_ENVIRONMENT)
		rte_eal_cleanup();
	if (json && fclose(json))
		rc = rc ? rc : BENCH_FAILED;
	return rc;
}
