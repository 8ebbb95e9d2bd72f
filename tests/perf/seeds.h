/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeds: the workloads of the kernel's threads, and what their measuring shares. */
#ifndef SEEDS_H
#define SEEDS_H

#include "bench.h"

#include <stddef.h>

/* What a refill takes at once there (PP_ALLOC_CACHE_REFILL), and a poll's budget. */
#define SEEDS_REFILL 64
/* Frames that a redirect hands on at once (DEV_MAP_BULK_SIZE). */
#define SEEDS_FLUSH 16
/* Buffers of one request: 1 MiB of 4 KiB each (dm-crypt, sunrpc). */
#define SEEDS_REQUEST 256
#define SEEDS_PAGE 4096u
/* Of rte_mempool, where it may have one. */
#define SEEDS_CACHE 512

enum seeds_subject {
	SEEDS_REFILLING,
	SEEDS_CRYPT,
	SEEDS_CRYPT_ALLOC,
	SEEDS_FILL,
	SEEDS_WAIT,
	SEEDS_WAKEUPS,
	SEEDS_ONE,
	SEEDS_RING,
	SEEDS_THREAD,
	SEEDS_SUBJECTS,
};

/* A figure that somebody else published, on a machine of theirs. */
struct seeds_published {
	const char *what;
	double figure;
	const char *unit;
	const char *source;
	const char *machine;
};

struct seeds_workload {
	const char *name, *title;
	const char *unit;      /* of a cost: less is better */
	const char *rate_unit; /* NULL: it has none */
	const char *share_of;  /* NULL, or what `whole` is, of which this is a part */
	bool tail;             /* each sample is one call, and its p99 is told */
	const char *note;
	struct seeds_published published[4];
};
extern const struct seeds_workload seeds_workloads[SEEDS_SUBJECTS];

struct seeds_sample {
	double cost;
	double before, after; /* cycles of a round trip; 0 where one lcore works alone */
	bool kept;
};

struct seeds_row {
	enum seeds_subject subject;
	const char *who;
	unsigned n; /* buffers of one call */
	bool floor;
	int against; /* the row that it is said to gain on, of the same pool; -1: none */
	int whole;   /* the row of which it is a part; -1: none */
	double rate; /* over a cost: what the workload calls its rate */
	struct seeds_sample *samples;
	unsigned count, room;
	double least, median, p99;
	unsigned kept, discarded;
	double round_trip;
};

#define SEEDS_ROWS_MAX 64
struct seeds_results {
	struct seeds_row rows[SEEDS_ROWS_MAX];
	unsigned count;
	unsigned rounds;
};

/* What every workload is given. */
struct seeds_runner {
	const struct bench_options *options;
	unsigned lcore; /* the second one */
	double ghz;     /* of the TSC */
	uint64_t late;  /* when the workload has taken as long as it may */
	struct seeds_results *results;
};
/* Whether there is another round: on a busy machine there are fewer, but some. */
bool seeds_goes_on(const struct seeds_runner *run, unsigned round);

/* A new row, or NULL without memory; the floor's comes last of its workload. */
struct seeds_row *row_open(struct seeds_runner *run, enum seeds_subject subject, const char *who,
			   unsigned n, unsigned room);
int row_index(const struct seeds_results *results, const struct seeds_row *row);
void row_add(struct seeds_row *row, double cost, const struct pair_sample *pair);
int rows_summarize(struct seeds_results *results);
void rows_free(struct seeds_results *results);
/* In percent, of what is done in the same time; NAN without samples. */
double row_gain(const struct seeds_results *results, const struct seeds_row *row, bool median);
const struct seeds_row *row_floor(const struct seeds_results *results, enum seeds_subject subject);

/* Loops compiled for each peer (seeds_loops.h). */
struct seeds_loops {
	bench_loop receive_bulk, receive_one, transmit, ring, give, take;
};
extern const struct seeds_loops pktpool_seeds, mempool_seeds, carousel_seeds;

/* Buffers taken in turn from an array and never given back: what is no pool's cost. */
struct seeds_carousel {
	unsigned mask, next;
	char *memory;
	void *slots[];
};
struct seeds_carousel *carousel_create(unsigned buffers, unsigned buffer_size);
void carousel_shuffle(struct seeds_carousel *carousel);
void carousel_destroy(struct seeds_carousel *carousel);

/* Two caches of ours on a pool, and an rte_mempool, alike. */
struct seeds_pools {
	struct pp_pool *pktpool;
	struct pp_cache *caches[2];
	struct rte_mempool *mempool;
	struct rte_ring *ring;
};
int seeds_pools_create(struct seeds_pools *pools, unsigned buffers, unsigned buffer_size,
		       unsigned mempool_cache, unsigned ring_slots);
int seeds_pools_destroy(struct seeds_pools *pools);
/* Hugepages of 2 MiB that the largest of them needs. */
unsigned long seeds_pages_needed(void);

int refill_run(struct seeds_runner *run);
int crypt_run(struct seeds_runner *run);
int fill_run(struct seeds_runner *run);
int wait_run(struct seeds_runner *run);
int page_run(struct seeds_runner *run);

int seeds_run(const struct bench_options *options, unsigned lcore, struct seeds_results *results);
void seeds_print(FILE *out, const struct seeds_results *results,
		 const struct bench_machine *machine);
/* Puts the table between two marks of a file; -ENOENT if it has none. */
int seeds_document(const char *path, const struct seeds_results *results,
		   const struct bench_machine *machine);
int seeds_write(FILE *out, const struct seeds_results *results,
		const struct bench_machine *machine);

/* A buffer that came with another's content: two had it at once. */
_Noreturn void seeds_damaged(const char *workload);

#endif
