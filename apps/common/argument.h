/* SPDX-License-Identifier: BSD-3-Clause */
/* Argument: what stands behind an option; one that cannot be ends the program (argp_error()). */
#ifndef ARGUMENT_H
#define ARGUMENT_H

#include <argp.h>
#include <stdint.h>

/* A whole number of low..high. `name` is the option's, without its dashes. */
uint64_t argument_whole(struct argp_state *state, const char *name, const char *text, uint64_t low,
			uint64_t high);
/* Any number of low..high. */
double argument_real(struct argp_state *state, const char *name, const char *text, double low,
		     double high);
/* enum pp_pages, of --pages. */
int argument_pages(struct argp_state *state, const char *text);

#endif
