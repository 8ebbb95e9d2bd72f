/* SPDX-License-Identifier: BSD-3-Clause */
/* Rfc2544: a device measured as RFC 2544 says, frame size by frame size. */
#ifndef RFC2544_H
#define RFC2544_H

#include <stdbool.h>
#include <stdint.h>

#include "search.h"
#include "trial.h"

enum rfc_test {
	RFC_THROUGHPUT,   /* section 26.1, and NDR, PDR and MRR beside it */
	RFC_LATENCY,      /* section 26.2 */
	RFC_LOSS,         /* section 26.3 */
	RFC_BACK_TO_BACK, /* section 26.4, and RFC 9004 */
	RFC_TESTS,
};

#define RFC_FRAMES_MAX 16
#define RFC_LOADS_MAX 100
#define RFC_LATENCY_LOADS 3
/* Loads on either side of a throughput that are looked at, should the device be odd there. */
#define RFC_PROBES 1

/* What is to be done. Seconds are of one trial. */
struct rfc_plan {
	bool tests[RFC_TESTS];
	bool full;                       /* trials as long and as many as the RFC has them */
	uint16_t frames[RFC_FRAMES_MAX]; /* bytes with FCS */
	unsigned frame_count;
	double settle;    /* that late frames are waited for (section 23); 0: as --settle says */
	double rest;      /* between trials (section 23) */
	double line_rate; /* bits a second; 0: as much as the sender can */
	double seconds;
	double latency_seconds;
	double burst_seconds;    /* the longest burst, at the highest rate */
	double resolution;       /* of a throughput, as a share of the highest rate */
	double burst_resolution; /* of a burst, as a share of it; never below a frame */
	double partial;          /* loss that PDR allows, of what was sent */
	double loss_step;        /* between loads, as a share of the highest rate */
	unsigned repetitions;    /* of a throughput trial; odd, the majority decides */
	unsigned confirm;        /* trials at the throughput, all of which must pass */
	unsigned latency_repetitions;
	unsigned burst_repetitions;
};

struct rfc_rate {
	struct search_answer search; /* packets a second */
	double allowed;              /* share that may be lost */
};

struct rfc_latency {
	double load; /* share of the throughput */
	double pps;  /* offered, the mean of all repetitions */
	uint64_t sent, lost;
	unsigned measured; /* repetitions in which packets had times: all else is 0 if none */
	/* Nanoseconds; percentiles are means over the repetitions, min and max are of all. */
	double min, p50, p90, p99, p999, max;
};

struct rfc_loss {
	double load; /* share of the highest rate */
	double pps;  /* offered */
	uint64_t sent, lost;
};

struct rfc_burst {
	unsigned repetitions;
	unsigned unbounded; /* of those, in which even the longest burst came through whole */
	double frames;      /* mean */
	double least, most, deviation;
	double rate;      /* packets a second within a burst */
	double implied;   /* seconds: the device's buffer if it forwarded nothing meanwhile */
	double corrected; /* seconds: what it forwards meanwhile taken off (RFC 9004) */
};

/* What came of one frame size. */
struct rfc_row {
	uint16_t frame;
	bool done[RFC_TESTS];
	double most;         /* the highest rate: the line's, or what the sender reached */
	double mrr;          /* packets a second that came back at that rate */
	double mrr_lost;     /* share */
	struct rfc_rate ndr; /* the RFC's throughput: nothing lost */
	struct rfc_rate pdr;
	struct rfc_latency latency[RFC_LATENCY_LOADS];
	unsigned latency_count;
	struct rfc_loss loss[RFC_LOADS_MAX];
	unsigned loss_count;
	bool loss_ended; /* with two loads without loss, not at the lowest */
	struct rfc_burst burst;
};

/* What the trials run on. */
struct rfc_device {
	int (*trial)(void *arg, const struct trial_load *load, struct trial_result *result);
	void *arg;
	/* Nothing for so long: 0 or -errno; or NULL. */
	int (*rest)(void *arg, double seconds);
	/* Before each trial, or NULL: done and total are seconds of trials, the last an estimate. */
	void (*progress)(void *arg, const char *what, double done, double total);
	void *progress_arg;
};

extern const char *const rfc_test_names[RFC_TESTS];

/* Shortened, all tests, the RFC's frame sizes. */
void rfc_plan_demo(struct rfc_plan *plan);
/* As the RFC has it: days. */
void rfc_plan_full(struct rfc_plan *plan);
/* Seconds that are likely to go by beside each trial; in a test of one frame size; in all of it. */
double rfc_plan_pause(const struct rfc_plan *plan);
double rfc_plan_test_seconds(const struct rfc_plan *plan, enum rfc_test test);
double rfc_plan_seconds(const struct rfc_plan *plan);

/*
 * Rows are the caller's, one a frame size; what was not finished in one is not
 * `done` there. Throughput is measured for what needs it, asked for or not. 0;
 * -EINTR when a trial was interrupted; -ENODATA when nothing at all came back;
 * or the trial's -errno.
 */
int rfc_run(const struct rfc_plan *plan, const struct rfc_device *device, struct rfc_row *rows);

#endif
