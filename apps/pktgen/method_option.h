/* SPDX-License-Identifier: BSD-3-Clause */
/* Method option: what stands on the command line for one method, and is nothing to the others. */
#ifndef METHOD_OPTION_H
#define METHOD_OPTION_H

#include "method.h"

#define METHODS_MAX 8

struct method_option {
	const struct method *method;
	const char *given; /* the last of its own options that was given, or NULL */
};

struct method_options {
	struct method_option of[METHODS_MAX];
	struct argp argp[METHODS_MAX];
	struct argp_child children[METHODS_MAX + 1];
	unsigned n;
};

/* Then its children are the parser's. */
void method_options_begin(struct method_options *m);
/* At ARGP_KEY_INIT. */
void method_options_init(struct method_options *m, const struct argp_state *state);
/* At ARGP_KEY_END: none was given of a method that is not the chosen one, or the program ends. */
void method_options_check(const struct method_options *m, const struct method *chosen,
			  const struct argp_state *state);
/* The same for an option of all methods that was given. */
void method_without_check(const struct method *chosen, const char *option,
			  const struct argp_state *state);

/* For --method; ends the program if there is none of that name. */
const struct method *method_take(const struct argp_state *state, const char *text);

#endif
