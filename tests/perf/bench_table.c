/* SPDX-License-Identifier: BSD-3-Clause */
/* Table: the results for a person. */
#include "bench.h"

#include <string.h>

static void peer_print(const struct bench_cell *cell, enum bench_peer peer, bool ratio)
{
	const struct bench_summary *summary = &cell->peers[peer];
	char median[16] = "";

	if (!summary->kept) {
		printf("  %7s %-9s", "-", "");
		if (ratio)
			printf(" %5s", "");
		return;
	}
	snprintf(median, sizeof(median), "(%.2f)", summary->median);
	printf("  %7.2f %-9s", summary->least, median);
	if (!ratio)
		return;
	if (cell->peers[PEER_PKTPOOL].kept)
		printf(" %4.1fx", cell_ratio(cell, peer));
	else
		printf(" %5s", "");
}

static void cell_print(const struct bench_cell *cell, double ghz)
{
	printf("%-10s %2u %-5s", bench_pattern_names[cell->pattern], cell->burst,
	       cell->constant ? "known" : "open");
	for (unsigned peer = 0; peer < PEERS; peer++)
		peer_print(cell, peer, peer == PEER_RING || peer == PEER_STACK);
	if (cell->round_trip > 0)
		printf("  %5.0f ns", cell->round_trip / ghz);
	if (cell->discarded)
		printf(", %u discarded", cell->discarded);
	putchar('\n');
}

static void tails_print(const struct bench_results *results)
{
	printf("\nOne burst of 32 in hold, cycles, timing included (which alone is %.0f):\n"
	       "%-20s %5s %8s %8s %8s %10s\n",
	       results->tail_empty, "", "", "p50", "p99", "p99.9", "bursts");
	for (unsigned i = 0; i < TAILS; i++)
		for (unsigned op = 0; op < TAIL_OPS; op++) {
			const struct bench_tail *tail = &results->tails[i][op];

			printf("%-20s %5s %8u %8u %8u %10lu\n", bench_tail_names[i],
			       bench_tail_ops[op], tail->p50, tail->p99, tail->p999,
			       (unsigned long)tail->bursts);
		}
}

void table_print(const struct bench_results *results, const struct bench_options *options,
		 const struct bench_machine *machine)
{
	unsigned buffers = 0;

	printf("%s, %ld CPUs, TSC %.2f GHz; %s; %s; %s\n", machine->cpu, machine->cpus,
	       machine->ghz, machine->kernel, machine->compiler, machine->dpdk);
	printf("TSC cycles per buffer, get + put: least (median) of %u rounds, peers interleaved;\n"
	       "rte_mempool with a cache of 512; x: how many times pktpool's least.%s\n",
	       options->rounds, options->owners ? "\npktpool remembers owners." : "");
	for (unsigned i = 0; i < results->cell_count; i++) {
		const struct bench_cell *cell = &results->cells[i];

		if (cell->buffers != buffers) {
			buffers = cell->buffers;
			printf("\n%u buffers of %u bytes, %u held\n%-10s %2s %-5s", buffers,
			       options_buffer_size(options, buffers), cell->held, "pattern", "n",
			       "n is");
			for (unsigned peer = 0; peer < PEERS; peer++)
				printf("  %7s%-10s%s",
				       peer == PEER_RING ? "ring_mp" : bench_peer_names[peer],
				       peer == PEER_RING ? "_mc" : "",
				       peer == PEER_RING || peer == PEER_STACK ? "      " : "");
			puts("  round trip");
		}
		cell_print(cell, machine->ghz);
	}
	tails_print(results);
	printf("\nCreating a pool on hugepages: %.3f s per GiB; rte_mempool %.3f s per GiB.\n",
	       results->create_pktpool, results->create_mempool);
	printf("memcpy of 64 pointers: %.2f cycles a pointer (hold moves each twice and more).\n",
	       results->memcpy_pointer);
}
