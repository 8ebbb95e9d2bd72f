/* SPDX-License-Identifier: BSD-3-Clause */
/* Search: the highest load at which a device loses no more than a share, found by trials. */
#include "search.h"

#include <errno.h>
#include <math.h>

/* Downhill from an answer that does not hold: each step twice as far. */
#define SEARCH_RETREATS 16

static bool point_passes(const struct search_point *point, double share)
{
	return (double)point->lost <= share * (double)point->sent && point->sent != 0;
}

static int search_measure_once(struct search *s, double load, struct search_point *point)
{
	int error;

	if (s->point_count == SEARCH_POINTS)
		return -ENOSPC;
	*point = (struct search_point){ 0 };
	error = s->measure(s->arg, load, point);
	if (error)
		return error;
	point->asked = load;
	s->points[s->point_count++] = *point;
	return 0;
}

/* What the majority of the trials at a load says, and the load that it says it of. */
struct verdict {
	bool passes;
	double load;
};

static int search_judge(struct search *s, double load, double share, struct search_answer *answer,
			struct verdict *verdict)
{
	unsigned passed = 0, failed = 0, most = s->repetitions / 2 + 1;
	/* The most that was offered and passed, the least that was and failed. */
	double pass = 0, fail = load, reached;

	while (passed < most && failed < most) {
		struct search_point point;
		int error = search_measure_once(s, load, &point);

		if (error)
			return error;
		answer->trials++;
		if (point_passes(&point, share)) {
			passed++;
			pass = fmax(pass, point.offered);
		} else {
			failed++;
			fail = fmin(fail, point.offered);
		}
	}
	answer->judged++;
	answer->noisy += passed && failed;
	verdict->passes = passed >= most;
	verdict->load = load;
	reached = verdict->passes ? pass : fail;
	if (reached < load * SEARCH_KEPT_UP) {
		/* Passing what was not offered says nothing of what was asked. */
		answer->starved++;
		verdict->load = reached;
	}
	return 0;
}

/* What the trials so far at one load say of it: more passed than failed, 1; fewer, -1; 0 otherwise. */
static int search_majority(const struct search *s, double load, double share)
{
	int balance = 0;

	for (unsigned i = 0; i < s->point_count; i++) {
		const struct search_point *point = &s->points[i];

		if (point->asked != load)
			continue;
		if (!point_passes(point, share))
			balance--;
		else if (point->offered >= load * SEARCH_KEPT_UP)
			balance++;
	}
	return (balance > 0) - (balance < 0);
}

/* From what other searches saw: the highest load that passes, and the lowest above it that fails. */
static void search_recall(const struct search *s, double share, double *low, double *high)
{
	*low = 0;
	*high = 0;
	for (unsigned i = 0; i < s->point_count; i++) {
		double load = s->points[i].asked;

		if (load > *low && load <= s->most && search_majority(s, load, share) > 0)
			*low = load;
	}
	for (unsigned i = 0; i < s->point_count; i++) {
		double load = s->points[i].asked;

		if (load > *low && (*high == 0 || load < *high) && load <= s->most &&
		    search_majority(s, load, share) < 0)
			*high = load;
	}
}

/* Between a load that passes (or 0) and one that fails. */
static int search_halve(struct search *s, double share, struct search_answer *answer)
{
	while (answer->upper - answer->load > s->resolution) {
		double middle = (answer->load + answer->upper) / 2;
		struct verdict verdict;
		int error = search_judge(s, middle, share, answer, &verdict);

		if (error)
			return error;
		if (verdict.passes && verdict.load > answer->load)
			answer->load = verdict.load;
		/* What cannot be offered cannot be searched above. */
		if (!verdict.passes || verdict.load < middle)
			answer->upper = middle;
	}
	return 0;
}

/* From the top, as the RFC has it: a device that keeps up needs no search. */
static int search_top(struct search *s, double share, struct search_answer *answer)
{
	struct verdict verdict;
	int error = search_judge(s, s->most, share, answer, &verdict);

	if (error)
		return error;
	s->most = verdict.load;
	if (verdict.passes) {
		answer->load = verdict.load;
		answer->at_most = true;
	} else {
		answer->upper = verdict.load;
	}
	return 0;
}

/* Loads above the answer that should fail; one that passes moves the search up there. */
static int search_look_above(struct search *s, double share, struct search_answer *answer,
			     bool *moved)
{
	double failed = answer->upper;

	*moved = false;
	for (unsigned i = 1; i <= s->probes; i++) {
		double load = failed + (s->most - failed) * i / (s->probes + 1);
		struct verdict verdict;
		int error;

		if (load - failed <= s->resolution)
			continue;
		error = search_judge(s, load, share, answer, &verdict);
		if (error)
			return error;
		if (!verdict.passes && *moved) {
			answer->upper = load;
			break;
		}
		if (!verdict.passes || verdict.load <= failed)
			continue;
		if (answer->failed == 0 || failed < answer->failed)
			answer->failed = failed;
		answer->load = verdict.load;
		answer->upper = s->most;
		*moved = true;
	}
	return 0;
}

/* Loads below the answer that should pass. */
static int search_look_below(struct search *s, double share, struct search_answer *answer)
{
	for (unsigned i = 1; i <= s->probes; i++) {
		double load = answer->load * i / (s->probes + 1);
		struct verdict verdict;
		int error;

		if (load < s->resolution)
			continue;
		error = search_judge(s, load, share, answer, &verdict);
		if (error)
			return error;
		if (!verdict.passes && (answer->failed == 0 || load < answer->failed))
			answer->failed = load;
	}
	return 0;
}

/* The same load again, as often as asked, without one failure. */
static int search_hold(struct search *s, double share, struct search_answer *answer, bool *held)
{
	answer->confirmed = 0;
	answer->confirm_sent = answer->confirm_lost = 0;
	answer->confirm_offered = answer->load;
	*held = false;
	for (unsigned i = 0; i < s->confirm; i++) {
		struct search_point point;
		int error = search_measure_once(s, answer->load, &point);

		if (error)
			return error;
		answer->trials++;
		answer->confirm_sent += point.sent;
		answer->confirm_lost += point.lost;
		answer->confirm_offered = fmin(answer->confirm_offered, point.offered);
		if (!point_passes(&point, share))
			return 0;
		answer->confirmed++;
	}
	*held = true;
	return 0;
}

static int search_confirm(struct search *s, double share, struct search_answer *answer)
{
	double step = s->resolution;

	while (answer->load > 0) {
		bool held;
		int error = search_hold(s, share, answer, &held);

		if (error || held)
			return error;
		answer->retreats++;
		answer->at_most = false;
		answer->upper = answer->load;
		answer->load =
			answer->retreats < SEARCH_RETREATS ? fmax(answer->load - step, 0) : 0;
		step *= 2;
	}
	return 0;
}

int search_run(struct search *s, double share, struct search_answer *answer)
{
	bool moved = true;
	int error = 0;

	if (!(s->most > 0) || !(s->resolution > 0) || s->repetitions % 2 == 0 || share < 0 ||
	    share >= 1)
		return -EINVAL;
	*answer = (struct search_answer){ 0 };
	search_recall(s, share, &answer->load, &answer->upper);
	if (answer->upper == 0) {
		error = search_top(s, share, answer);
		if (error)
			return error;
	}
	while (moved && !answer->at_most) {
		error = search_halve(s, share, answer);
		if (!error)
			error = search_look_above(s, share, answer, &moved);
		if (error)
			return error;
	}
	error = search_look_below(s, share, answer);
	return error ? error : search_confirm(s, share, answer);
}

unsigned search_expect(const struct search *s)
{
	/* Most loads are decided by a bare majority. */
	unsigned each = s->repetitions / 2 + 1;
	unsigned halvings = (unsigned)ceil(log2(s->most / s->resolution));

	return each * (1 + halvings + 2 * s->probes) + s->confirm;
}
