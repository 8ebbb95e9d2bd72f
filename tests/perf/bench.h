/* SPDX-License-Identifier: BSD-3-Clause */
/* Bench: what its parts share: patterns, peers, jobs, cells of the table. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pp_pool;
struct rte_mempool;
struct rte_ring;

#define BENCH_BURST_MAX 64
#define BENCH_BURSTS 4
extern const unsigned bench_bursts[BENCH_BURSTS];

/* Exit codes. */
enum { BENCH_FAILED = 1, BENCH_USAGE = 2, BENCH_ENVIRONMENT = 3 };

enum bench_pattern {
	PATTERN_HOT,       /* get n, put n */
	PATTERN_HOLD,      /* get n until `held` are out, then put them */
	PATTERN_PIPELINE,  /* one lcore gets, a ring, another puts */
	PATTERN_CONTENDED, /* two lcores run hold */
	PATTERN_ONE,       /* the calls for one buffer: alloc one, free one */
	PATTERNS,
};
extern const char *const bench_pattern_names[PATTERNS];

enum bench_peer { PEER_PKTPOOL, PEER_RING, PEER_STACK, PEER_FLOOR, PEERS };
extern const char *const bench_peer_names[PEERS];

static inline bool pattern_is_paired(enum bench_pattern pattern)
{
	return pattern == PATTERN_PIPELINE || pattern == PATTERN_CONTENDED;
}

#define BENCH_ASIDE_MAX 448

/* One lcore's part of one sample. */
struct bench_job {
	void *seat;  /* its handle on the pool */
	void **bufs; /* room for `held`, from a cache line's start */
	struct rte_ring *ring;
	uint32_t *tail_get, *tail_put; /* histograms of cycles, BENCH_TAIL_END long */
	unsigned burst;
	bool constant;  /* the burst is known at compile time */
	unsigned shift; /* pointers by which the arrays are off a cache line's start */
	unsigned aside; /* buffers out during the sample, up to BENCH_ASIDE_MAX */
	unsigned held, laps;
	unsigned count; /* buffers in all, of patterns without laps */
};
#define BENCH_TAIL_END (1u << 16)

/* What every peer is put through, compiled for it; each returns TSC cycles. */
typedef uint64_t (*bench_loop)(const struct bench_job *job);
struct bench_loops {
	bench_loop hot, hold, produce, consume, one, tail;
};
extern const struct bench_loops pktpool_loops, mempool_loops, lifo_loops, bare_loops;

/* An array of pointers with nothing around it: what no pool can beat. */
struct bench_lifo {
	unsigned count;
	void **slots;
};
struct bench_lifo *lifo_create(unsigned count);
void lifo_destroy(struct bench_lifo *lifo);
double memcpy_measure(unsigned rounds);

/* The cost of a pool that ran dry where it must not. */
_Noreturn void bench_starved(void);

/* Two lcores. */
struct pair_side {
	bench_loop loop;
	const struct bench_job *job;
};
struct pair_sample {
	double cycles[2];
	double elapsed;       /* from their start until both were done */
	double before, after; /* cycles of one round trip of a cache line */
};
void pair_run(unsigned lcore, const struct pair_side sides[2], struct pair_sample *sample);

/* What was asked for on the command line. */
struct bench_options {
	unsigned rounds;
	unsigned count; /* buffers of one sample */
	unsigned tail_turns;
	unsigned create_mib;
	unsigned create_rounds;
	unsigned held;        /* 0: 4096, or a quarter of a smaller pool */
	unsigned buffer_size; /* 0: 2048, or 64 in pools above 64 K */
	unsigned sizes[8];    /* of pools, in buffers; the first is the one that is plotted */
	unsigned size_count;
	bool owners;
	bool seeds;  /* the workloads of the kernel's threads instead */
	int cpus[2]; /* -1: the first two that this process may use */
	const char *json, *extra, *plot, *document;
};
/* 0 to go on, 1 after --help, or -EINVAL having said why. */
int options_parse(struct bench_options *options, int argc, char **argv);
unsigned options_buffer_size(const struct bench_options *options, unsigned buffers);
unsigned options_held(const struct bench_options *options, unsigned buffers);

/* rte_mempool's stack is measured up to here: beyond, it would cost 3 GiB more. */
#define BENCH_STACK_MAX (1u << 20)

/* The pools of one size, side by side in the same kind of memory. */
struct bench_pools {
	unsigned buffers, held;
	struct pp_pool *pktpool;
	struct rte_mempool *mempools[2]; /* ring_mp_mc, stack (none in the largest) */
	struct rte_mempool *small_cache; /* ring_mp_mc with a cache of 64, for tails */
	void *seats[PEERS][2];
	struct rte_ring *ring;
};
struct pp_pool *pktpool_create(unsigned buffers, unsigned buffer_size, bool owners);
struct rte_mempool *mempool_create(const char *name, unsigned buffers, unsigned size,
				   const char *ops, unsigned cache);
int mempool_check(const struct rte_mempool *pool);
int pools_create(struct bench_pools *pools, const struct bench_options *options, unsigned buffers);
int pools_add_small_cache(struct bench_pools *pools, const struct bench_options *options);
int pools_destroy(struct bench_pools *pools);
/* Seconds per GiB of buffers, the least of some rounds; negative on failure. */
double create_measure_pktpool(unsigned mib, unsigned rounds);
double create_measure_mempool(unsigned mib, unsigned rounds);
unsigned long pages_of_mempool(unsigned long buffers, unsigned long size);
/* Hugepages of 2 MiB that a run needs; how many are free; -1 if that can't be told. */
unsigned long pages_needed(const struct bench_options *options);
long pages_free(void);

/* One place in the table: a pattern, a burst, known to the compiler or not. */
struct bench_sample {
	double cycles; /* per buffer, get and put */
	double before, after;
	bool kept;
};
struct bench_summary {
	double least, median;
	unsigned kept;
};
struct bench_cell {
	enum bench_pattern pattern;
	unsigned burst;
	bool constant;
	unsigned buffers;
	unsigned held;
	unsigned rounds[PEERS]; /* samples taken */
	struct bench_sample *samples[PEERS];
	struct bench_summary peers[PEERS];
	double round_trip; /* cycles; 0 where one lcore works alone */
	unsigned discarded;
};
/* Whether two round trips are those of different machines. */
bool trip_differs(double a, double b);
/* Sorts the values. */
double samples_median(double *values, unsigned n);
int cell_init(struct bench_cell *cell, unsigned rounds);
void cell_add(struct bench_cell *cell, enum bench_peer peer, const struct bench_sample *sample);
int cell_summarize(struct bench_cell *cell);
void cell_free(struct bench_cell *cell);
static inline double cell_ratio(const struct bench_cell *cell, enum bench_peer peer)
{
	return cell->peers[peer].least / cell->peers[PEER_PKTPOOL].least;
}

/* Single bursts of 32 in hold: get, put, either. */
enum { TAIL_PKTPOOL, TAIL_RING, TAIL_STACK, TAIL_RING_64, TAILS };
enum { TAIL_GET, TAIL_PUT, TAIL_BOTH, TAIL_OPS };
extern const char *const bench_tail_names[TAILS];
extern const char *const bench_tail_ops[TAIL_OPS];
struct bench_tail {
	uint64_t bursts;
	unsigned p50, p99, p999;
};

#define BENCH_CELLS_MAX (8 * (PATTERNS * BENCH_BURSTS * 2))
struct bench_results {
	struct bench_cell cells[BENCH_CELLS_MAX];
	unsigned cell_count;
	struct bench_tail tails[TAILS][TAIL_OPS];
	double tail_empty; /* what timing nothing costs */
	double create_pktpool, create_mempool;
	double memcpy_pointer;
};

/* Where it was measured. */
struct bench_machine {
	char cpu[128];
	char kernel[160];
	const char *compiler;
	const char *dpdk;
	double ghz; /* of the TSC */
	long cpus;
};
void machine_describe(struct bench_machine *machine);

/* Where a round's samples begin: the same for every peer. */
void job_place(struct bench_job *job, unsigned buffers, unsigned round);
int tails_measure(struct bench_pools *pools, const struct bench_options *options, void **bufs,
		  struct bench_results *results);
int bench_run(const struct bench_options *options, unsigned lcore, struct bench_results *results);

void table_print(const struct bench_results *results, const struct bench_options *options,
		 const struct bench_machine *machine);
int json_write_rows(FILE *out, const struct bench_results *results,
		    const struct bench_machine *machine);
int json_write_extra(FILE *out, const struct bench_results *results,
		     const struct bench_options *options, const struct bench_machine *machine);
int plot_draw(const char *path, const struct bench_results *results,
	      const struct bench_machine *machine);

#endif
