/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: rfc2544: its options, its trials on the generator, its results. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "argument.h"
#include "generator.h"
#include "rfc_output.h"
#include "verdict.h"

enum {
	KEY_TESTS = METHOD_KEY_FIRST + 0x100,
	KEY_FRAMES,
	KEY_FULL,
	KEY_TRIAL,
	KEY_LATENCY_TRIAL,
	KEY_RESOLUTION,
	KEY_VOTES,
	KEY_LATENCY_REPEAT,
	KEY_BURST_REPEAT,
	KEY_PARTIAL,
	KEY_LINE,
	KEY_REST,
};

static const struct argp_option option_table[] = {
	{ "tests", KEY_TESTS, "LIST", 0,
	  "throughput, latency, loss, back-to-back, with commas; default all", 0 },
	{ "frames", KEY_FRAMES, "LIST", 0, "bytes with FCS; default 64,128,256,512,1024,1280,1518",
	  0 },
	{ "full", KEY_FULL, NULL, 0,
	  "trials as long and as many as the RFC has them: days; default is a demonstration", 0 },
	{ "trial", KEY_TRIAL, "SECONDS", 0, "of throughput and loss; default 0.15, full 60", 0 },
	{ "latency-trial", KEY_LATENCY_TRIAL, "SECONDS", 0, "default 0.2, full 120", 0 },
	{ "resolution", KEY_RESOLUTION, "PERCENT", 0,
	  "how close to the truth a throughput is, of the highest rate; default 2, full 0.1", 0 },
	{ "votes", KEY_VOTES, "N", 0,
	  "trials at a load, the majority of which decides: odd; default 3, full 1", 0 },
	{ "latency-repeat", KEY_LATENCY_REPEAT, "N", 0, "default 2, full 20", 0 },
	{ "burst-repeat", KEY_BURST_REPEAT, "N", 0, "default 3, full 50", 0 },
	{ "partial", KEY_PARTIAL, "PERCENT", 0, "loss that PDR allows; default 0.5", 0 },
	{ "line", KEY_LINE, "GBITS", 0,
	  "what 100% is, in Gbit/s with preamble and gap; default what the sender reaches", 0 },
	{ "rest", KEY_REST, "SECONDS", 0,
	  "nothing is sent so long between trials; default 0, full 5", 0 },
	{ 0 },
};

/* What was asked for; negative or 0: not. */
static struct {
	bool full, tests_given;
	bool tests[RFC_TESTS];
	uint16_t frames[RFC_FRAMES_MAX];
	unsigned frame_count;
	double trial, latency_trial, resolution, partial, line, rest;
	unsigned votes, latency_repeat, burst_repeat;
} asked = { .partial = -1, .rest = -1 };

static struct rfc_plan plan;
static struct rfc_row rows[RFC_FRAMES_MAX];
static struct silence silence;

static void tests_parse(struct argp_state *state, char *text)
{
	unsigned words = 0;
	char *rest;

	memset(asked.tests, 0, sizeof(asked.tests));
	asked.tests_given = true;
	for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned test = 0;

		while (test < RFC_TESTS && strcmp(word, rfc_test_names[test]))
			test++;
		if (test == RFC_TESTS)
			argp_error(state,
				   "--tests %s: there is no such test: throughput, latency, loss, "
				   "back-to-back",
				   word);
		else
			asked.tests[test] = true;
		words++;
	}
	if (words == 0)
		argp_error(state, "--tests: which? throughput, latency, loss, back-to-back");
}

static void frames_parse(struct argp_state *state, char *text)
{
	char *rest;

	asked.frame_count = 0;
	for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (asked.frame_count == RFC_FRAMES_MAX) {
			argp_error(state, "--frames: no more than %u sizes", RFC_FRAMES_MAX);
			return;
		}
		asked.frames[asked.frame_count++] =
			(uint16_t)argument_whole(state, "frames", word, 64, 9600);
	}
	if (asked.frame_count == 0)
		argp_error(state, "--frames: of which bytes? e.g. --frames 64,1518");
}

/* Over the defaults, whichever stood first on the command line. */
static void plan_make(void)
{
	if (asked.full)
		rfc_plan_full(&plan);
	else
		rfc_plan_demo(&plan);
	if (asked.tests_given)
		memcpy(plan.tests, asked.tests, sizeof(plan.tests));
	if (asked.frame_count) {
		memcpy(plan.frames, asked.frames, sizeof(plan.frames));
		plan.frame_count = asked.frame_count;
	}
	if (asked.trial > 0)
		plan.seconds = asked.trial;
	if (asked.latency_trial > 0)
		plan.latency_seconds = asked.latency_trial;
	if (asked.resolution > 0)
		plan.resolution = asked.resolution / 100;
	if (asked.votes)
		plan.repetitions = asked.votes;
	if (asked.latency_repeat)
		plan.latency_repetitions = asked.latency_repeat;
	if (asked.burst_repeat)
		plan.burst_repetitions = asked.burst_repeat;
	if (asked.partial >= 0)
		plan.partial = asked.partial / 100;
	if (asked.rest >= 0)
		plan.rest = asked.rest;
	plan.line_rate = asked.line * 1e9;
}

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_TESTS:
		tests_parse(state, arg);
		break;
	case KEY_FRAMES:
		frames_parse(state, arg);
		break;
	case KEY_FULL:
		asked.full = true;
		break;
	case KEY_TRIAL:
		asked.trial = argument_real(state, "trial", arg, 0.01, 86400);
		break;
	case KEY_LATENCY_TRIAL:
		asked.latency_trial = argument_real(state, "latency-trial", arg, 0.01, 86400);
		break;
	case KEY_RESOLUTION:
		asked.resolution = argument_real(state, "resolution", arg, 0.0001, 50);
		break;
	case KEY_VOTES:
		asked.votes = (unsigned)argument_whole(state, "votes", arg, 1, 9);
		if (asked.votes % 2 == 0)
			argp_error(state, "--votes %s: an even number may find no majority", arg);
		break;
	case KEY_LATENCY_REPEAT:
		asked.latency_repeat =
			(unsigned)argument_whole(state, "latency-repeat", arg, 1, 1000);
		break;
	case KEY_BURST_REPEAT:
		asked.burst_repeat = (unsigned)argument_whole(state, "burst-repeat", arg, 1, 1000);
		break;
	case KEY_PARTIAL:
		asked.partial = argument_real(state, "partial", arg, 0, 99);
		break;
	case KEY_LINE:
		asked.line = argument_real(state, "line", arg, 0.001, 10000);
		break;
	case KEY_REST:
		asked.rest = argument_real(state, "rest", arg, 0, 3600);
		break;
	case ARGP_KEY_END:
		plan_make();
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int check(struct options *o, struct wrong *wrong)
{
	/* Of the file: options of the same names are refused before. */
	if (o->test != NULL && o->plan.pcap != NULL)
		return wrong_say(wrong, "the test file's \"pcap\": its frames are as long as they "
					"are, not as --frames says: leave it out");
	if (o->test != NULL && o->plan.trials > 0)
		return wrong_say(
			wrong, "the test file's \"trials\": RFC 2544 has its own: leave them out");
	if (o->plan.limits.given != 0)
		return wrong_say(
			wrong,
			"the test file's \"limits\": it measures, and judges nothing: leave them out");
	if (!o->settle_given && plan.settle > 0)
		o->settle = plan.settle;
	plan.settle = o->settle;
	/* What is shorter or less often is not the RFC's, whatever was asked. */
	if (plan.seconds < 60 || plan.latency_seconds < 120 || plan.latency_repetitions < 20 ||
	    plan.burst_repetitions < 50 || plan.settle < 2 || plan.rest < 5)
		plan.full = false;
	return 0;
}

static int frames_check(struct generator *g)
{
	for (unsigned i = 0; i < plan.frame_count; i++) {
		if (plan.frames[i] >= trial_frame_min(g) && plan.frames[i] <= trial_frame_max(g))
			continue;
		complain("--frames %u: these streams and ports take %u to %u", plan.frames[i],
			 trial_frame_min(g), trial_frame_max(g));
		return APP_USAGE;
	}
	return APP_OK;
}

static int failure_explain(int error)
{
	unsigned at = 0;

	while (at + 1 < plan.frame_count && rows[at + 1].frame)
		at++;
	if (error == -ENODATA)
		complain("of the frames of %u bytes that were sent none came back: does the device "
			 "forward, and to the receiving port?",
			 rows[at].frame);
	else if (error == -ENOSPC)
		complain("frames of %u bytes: the search took more than %u trials: a coarser "
			 "--resolution, or fewer --votes",
			 rows[at].frame, SEARCH_POINTS);
	else
		complain("frames of %u bytes: a trial failed: %s", rows[at].frame,
			 strerror(-error));
	return APP_FAILED;
}

static int rfc2544_trial(void *arg, const struct trial_load *load, struct trial_result *result)
{
	int err = trial_run(arg, load, result);

	if (err == 0)
		silence_add(&silence, arg);
	return err;
}

static int rfc2544_run(struct generator *g, json_t *out)
{
	const struct rfc_device device = {
		.trial = rfc2544_trial,
		.arg = g,
		.rest = method_rest,
		.progress = method_progress,
		.progress_arg = g,
	};
	int status = frames_check(g), error;

	if (status != APP_OK)
		return status;
	error = rfc_run(&plan, &device, rows);
	if (error && error != -EINTR)
		status = failure_explain(error);
	/* One direction of several: half of the packets came nevertheless. */
	else if (silence_say(&silence, g, "rfc2544"))
		status = APP_FAILED;
	rfc_table(stdout, &plan, rows);
	rfc_json(out, &plan, rows);
	json_object_set_new(out, "interrupted", json_boolean(error == -EINTR));
	return status;
}

static char *rfc2544_csv(void)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (out) {
		rfc_csv(out, &plan, rows);
		fclose(out);
	}
	return text;
}

#define RATES "it finds the rates itself, in trials of --trial seconds"
#define FRAMES "its frames are those of the streams at the lengths of --frames"

static const struct method_without without[] = {
	{ "rate", RATES },    { "seconds", RATES },
	{ "packets", RATES }, { "frame", FRAMES },
	{ "pcap", FRAMES },   { "speed", FRAMES },
	{ "sign", FRAMES },   { "tx-only", "it is about what comes back" },
	{ NULL, NULL },
};

static const struct argp rfc2544_argp = { option_table, option_take, NULL, NULL, NULL, NULL, NULL };

extern const struct method method_rfc2544;
const struct method method_rfc2544 = {
	.name = "rfc2544",
	.argp = &rfc2544_argp,
	.title = "Of --method rfc2544:",
	.without = without,
	.check = check,
	.run = rfc2544_run,
	.csv = rfc2544_csv,
};
