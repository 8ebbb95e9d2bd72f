/* SPDX-License-Identifier: BSD-3-Clause */
/* Main: pktpool-bench, from the command line to the files. */
#include "bench.h"
#include "seeds.h"

#include <errno.h>
#include <limits.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

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

/* EAL takes its hugepages from the kernel as it needs them and leaves no files. */
static int eal_start(const int cpus[2])
{
	char lcores[32];
	char *argv[] = { "pktpool-bench", "-l", lcores, "--in-memory", "--no-pci", "--no-telemetry",
			 "--log-level=4", NULL };

	snprintf(lcores, sizeof(lcores), "%d,%d", cpus[0], cpus[1]);
	return rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 ? -rte_errno : 0;
}

static FILE *file_open(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		fprintf(stderr, "pktpool-bench: %s: %s\n", path, strerror(errno));
	return file;
}

/* bench.svg beside the program, which is in the build folder. */
static const char *plot_default(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 16);
	char *slash;

	if (n < 0)
		return "bench.svg";
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, "bench.svg");
	return path;
}

static int environment_check(const struct bench_options *options, int cpus[2])
{
	unsigned long needed = options->seeds ? seeds_pages_needed() : pages_needed(options);
	long there = pages_free();

	if (cpus_choose(cpus)) {
		fprintf(stderr, "pktpool-bench: needs two CPUs, may use one (see taskset -p %d)\n",
			(int)getpid());
		return -ENODEV;
	}
	if (there >= 0 && (unsigned long)there >= needed)
		return 0;
	fprintf(stderr,
		"pktpool-bench: needs %lu hugepages of 2 MiB, %ld are free; as root:\n"
		"  echo %lu >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages\n",
		needed, there < 0 ? 0 : there, needed);
	return -ENOMEM;
}

static int results_write(FILE *json, FILE *extra, const struct bench_options *options,
			 const struct bench_results *results)
{
	struct bench_machine machine;
	int error = 0;

	machine_describe(&machine);
	table_print(results, options, &machine);
	if (json && json_write_rows(json, results, &machine))
		error = -EIO;
	if (extra && json_write_extra(extra, results, options, &machine))
		error = -EIO;
	if (error)
		fprintf(stderr, "pktpool-bench: could not write the results\n");
	if (options->plot) {
		int drawn = plot_draw(options->plot, results, &machine);

		if (drawn)
			fprintf(stderr, "pktpool-bench: gnuplot could not draw %s\n",
				options->plot);
		else
			printf("Drawn: %s\n", options->plot);
		error = drawn ? drawn : error;
	}
	return error;
}

static int seeds_report(FILE *json, const char *document, const struct seeds_results *results)
{
	struct bench_machine machine;
	int error = 0;

	machine_describe(&machine);
	seeds_print(stdout, results, &machine);
	if (json && seeds_write(json, results, &machine)) {
		fprintf(stderr, "pktpool-bench: could not write the results\n");
		error = -EIO;
	}
	if (document) {
		int written = seeds_document(document, results, &machine);

		if (written)
			fprintf(stderr, "pktpool-bench: %s: %s\n", document,
				written == -ENOENT ? "not there, or without the marks"
						   : strerror(-written));
		/* -ENOMEM would be the machine's. */
		error = written ? -EIO : error;
	}
	return error;
}

static int patterns_measure(const struct bench_options *options, FILE *json, FILE *extra)
{
	static struct bench_results results;
	int error = bench_run(options, rte_get_next_lcore(-1, 1, 0), &results);

	if (!error)
		error = results_write(json, extra, options, &results);
	for (unsigned i = 0; i < results.cell_count; i++)
		cell_free(&results.cells[i]);
	return error;
}

static int seeds_measure(const struct bench_options *options, FILE *json)
{
	static struct seeds_results results;
	int error = seeds_run(options, rte_get_next_lcore(-1, 1, 0), &results);

	if (!error)
		error = seeds_report(json, options->document, &results);
	rows_free(&results);
	return error;
}

int main(int argc, char **argv)
{
	struct bench_options options;
	FILE *json = NULL, *extra = NULL;
	char plot[PATH_MAX];
	int error = options_parse(&options, argc, argv);

	if (error)
		return error > 0 ? 0 : BENCH_USAGE;
	if (options.plot && !*options.plot)
		options.plot = plot_default(plot, sizeof(plot));
	/* Before an hour of work, not after. */
	if (options.json && !(json = file_open(options.json)))
		return BENCH_FAILED;
	if (options.extra && !(extra = file_open(options.extra)))
		return BENCH_FAILED;
	if (environment_check(&options, options.cpus))
		return BENCH_ENVIRONMENT;
	error = eal_start(options.cpus);
	if (error) {
		fprintf(stderr, "pktpool-bench: EAL does not start: %s\n", rte_strerror(-error));
		return BENCH_ENVIRONMENT;
	}
	error = options.seeds ? seeds_measure(&options, json)
			      : patterns_measure(&options, json, extra);
	rte_eal_cleanup();
	if (error == -ENOMEM)
		return BENCH_ENVIRONMENT;
	return error ? BENCH_FAILED : 0;
}
