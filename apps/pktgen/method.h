/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: a way of measuring, made of trials: chosen by --method, with options of its own. */
#ifndef METHOD_H
#define METHOD_H

#include <argp.h>
#include <jansson.h>

#include "trial.h"

/*
 * One object of these in a file of its own, and a line in methods[] of
 * method.c. Its options are static in that file; their keys are from
 * METHOD_KEY_FIRST + 0x100 * its place in methods[].
 */
#define METHOD_KEY_FIRST 0x1000

struct method {
	const char *name; /* for --method */
	/* Options of its own, or NULL. Parsed whichever method is chosen; ARGP_KEY_END is the
	 * place to look whether they go together. */
	const struct argp *argp;
	const char *title; /* above its options in --help */
	/*
	 * Runs it: prints what it found on stdout, adds it to `out` (an object: what
	 * is written by --json, which has "method", "machine" and "ports" already; its
	 * array "trials", of objects of the same members, is what --csv writes), and
	 * returns an enum app_exit: APP_FAILED if a limit was missed. Interrupted: what
	 * it has, "interrupted": true, and APP_OK.
	 */
	int (*run)(struct generator *g, json_t *out);
	/* What --csv writes, to be freed, after run(); NULL: lines of out's "trials". */
	char *(*csv)(void);
};

/* trial_run() and trial_progress() for who knows no generator: `arg` is one. */
int method_trial(void *arg, const struct trial_load *load, struct trial_result *result);
void method_progress(void *arg, const char *what, double done, double total);

/* For -EINVAL, ... of trial_run(): an enum app_exit; -EINTR is APP_OK. */
int method_status(int err);

/* NULL if there is none of that name. */
const struct method *method_find(const char *name);
/* All of them; ends with NULL. */
extern const struct method *const methods[];

#endif
