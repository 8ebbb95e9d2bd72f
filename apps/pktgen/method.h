/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: a way of measuring, made of trials: chosen by --method, with options of its own. */
#ifndef METHOD_H
#define METHOD_H

#include <argp.h>
#include <jansson.h>

#include "trial.h"
#include "wrong.h"

struct options;

/*
 * One object of these in a file of its own, and a line in methods[] of
 * method.c. Its options are static in that file; their keys are from
 * METHOD_KEY_FIRST + 0x100 * its place in methods[].
 */
#define METHOD_KEY_FIRST 0x1000

/* An option that says nothing to a method, and why, for who gives it nevertheless. */
struct method_without {
	const char *option, *why;
};

struct method {
	const char *name; /* for --method */
	/* Options of its own, or NULL. Parsed whichever method is chosen; ARGP_KEY_END is the
	 * place to look whether they go together; those of another method are refused. */
	const struct argp *argp;
	const char *title;                    /* above its options in --help */
	const struct method_without *without; /* ends with NULL; or NULL */
	/*
	 * Whether the options and the test file are something that it can do, before
	 * what was not given has its default. May set what it has a default of its own for.
	 * 0 or -EINVAL.
	 */
	int (*check)(struct options *o, struct wrong *wrong);
	/*
	 * Runs it: prints what it found on stdout, adds it to `out` (an object: what
	 * is written by --json, which has "method", "machine" and "ports" already, and
	 * gets "passed" from what is returned; its array "trials", of objects of the same
	 * members, is what --csv writes), and returns an enum app_exit: APP_FAILED if a
	 * limit was missed. Interrupted: what it has, "interrupted": true, and APP_OK.
	 */
	int (*run)(struct generator *g, json_t *out);
	/* What --csv writes, to be freed, after run(); NULL: lines of out's "trials". */
	char *(*csv)(void);
};

/* trial_progress() for who knows no generator: `arg` is one. */
void method_progress(void *arg, const char *what, double done, double total);
/* Nothing is sent or received for so long. 0, or -EINTR if app_stop was set. */
int method_rest(void *arg, double seconds);

/* For -EINVAL, ... of trial_run(): an enum app_exit; -EINTR is APP_OK. */
int method_status(int err);

/* NULL if there is none of that name. */
const struct method *method_find(const char *name);
/* All of them; ends with NULL. */
extern const struct method *const methods[];

#endif
