/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeds-run: one workload after another. */
#include "seeds.h"

#include <errno.h>
#include <rte_cycles.h>

#define SECONDS 15 /* for each workload */
#define ROUNDS_LEAST 3

bool seeds_goes_on(const struct seeds_runner *run, unsigned round)
{
	return round <= run->options->rounds && (round <= ROUNDS_LEAST || rte_rdtsc() < run->late);
}

int seeds_run(const struct bench_options *options, unsigned lcore, struct seeds_results *results)
{
	static int (*const workloads[])(struct seeds_runner *) = { refill_run, crypt_run, fill_run,
								   wait_run, page_run };
	struct seeds_runner run = {
		.options = options,
		.lcore = lcore,
		.ghz = (double)rte_get_tsc_hz() / 1e9,
		.results = results,
	};
	int error = 0;

	results->rounds = options->rounds;
	for (unsigned i = 0; i < sizeof(workloads) / sizeof(workloads[0]) && !error; i++) {
		run.late = rte_rdtsc() + SECONDS * rte_get_tsc_hz();
		error = workloads[i](&run);
	}
	return error ? error : rows_summarize(results);
}
