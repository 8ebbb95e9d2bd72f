/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what pktpool-top's command line says. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum options_form {
	FORM_SCREEN,
	FORM_JSON,
	FORM_PROMETHEUS,
};

struct options {
	const char *runtime_dir; /* holds a directory for each file prefix */
	const char *file_prefix; /* or NULL: all */
	const char *pool;        /* or NULL: all */
	enum options_form form;
	const char *file;   /* Prometheus text goes there, not to stdout */
	uint32_t count;     /* samples; 0: until a signal */
	double interval;    /* seconds */
	bool wanted_output; /* --prometheus was given, and its file may follow */
};

/* Ends the program with APP_USAGE where the line is wrong. */
void options_parse(struct options *options, int argc, char **argv);

#endif
