/* SPDX-License-Identifier: BSD-3-Clause */
/* Search: the highest load at which a device loses no more than a share, found by trials. */
#ifndef SEARCH_H
#define SEARCH_H

#include <stdbool.h>
#include <stdint.h>

/* What a trial came to. */
struct search_point {
	double asked;   /* packets a second, or packets in a burst: whatever is searched for */
	double offered; /* what was reached of it; below `asked` if the sender could not keep up */
	uint64_t sent;
	uint64_t lost;
};

/* One trial at a load; 0, or -errno, which ends the search. */
typedef int search_measure(void *arg, double load, struct search_point *point);

/* A sender this close to what was asked has kept up. */
#define SEARCH_KEPT_UP 0.98

/* Enough for three searches of a frame size with seven trials a load. */
#define SEARCH_POINTS 512

/*
 * A device and what is known of it. A second search with another share starts
 * from what the first one saw. One thread.
 */
struct search {
	search_measure *measure;
	void *arg;
	double most;          /* the highest load there is; lowered to what could be offered */
	double resolution;    /* the answer is this close to the truth, in units of load */
	unsigned repetitions; /* trials at a load, the majority of which decides; odd */
	unsigned probes;  /* loads looked at on either side of the answer: does it hold there? */
	unsigned confirm; /* trials at the answer, all of which must pass */
	struct search_point points[SEARCH_POINTS];
	unsigned point_count;
};

struct search_answer {
	double load;   /* highest load found to pass; 0 if none was */
	double upper;  /* lowest load above it that failed; 0 if none did */
	double failed; /* lowest load that failed although it is below the answer; 0 if none */
	unsigned trials;
	unsigned judged;   /* loads that were decided upon */
	unsigned noisy;    /* of those, where trials did not agree */
	unsigned starved;  /* of those, where the sender could not offer what was asked */
	unsigned retreats; /* steps down, because the answer did not pass when confirmed */
	bool at_most;      /* even the highest load passed */
	uint64_t confirm_sent;
	uint64_t confirm_lost;
	double confirm_offered; /* the least that was offered at that */
	unsigned confirmed; /* trials at the answer that passed, one after another, at the end */
};

/*
 * Halves the interval between what passes and what fails until it is no wider
 * than the resolution, then looks elsewhere too: a device that passes above a
 * load at which it fails is not what halving is for, and is found out.
 * share: of what was sent, 0..1 (exclusive). 0, or -errno: the measure's,
 * -EINVAL for a search that makes no sense, -ENOSPC when it takes more trials
 * than there is room for.
 */
int search_run(struct search *s, double share, struct search_answer *answer);

/* How many trials that is likely to be: for the time left. */
unsigned search_expect(const struct search *s);

#endif
