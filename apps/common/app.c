/* SPDX-License-Identifier: BSD-3-Clause */
/* App: what our applications share: how they begin and end, and how they complain. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

volatile bool app_stop;

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", app_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void signal_take(int number)
{
	(void)number;
	app_stop = true;
}

/* Explicitly, as a shell starts background processes with SIGINT ignored. */
void app_signals_set(void)
{
	struct sigaction action = { .sa_handler = signal_take };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* A reader of the table that goes away must not leave an XDP program attached. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

int app_eal_count(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 ||
			  strcmp(argv[1], "--usage") == 0 || strcmp(argv[1], "--version") == 0 ||
			  strcmp(argv[1], "-V") == 0))
		return 1;
	return argc;
}

void app_own_parse(int argc, char **argv, int eal,
		   void (*parse)(void *options, int argc, char **argv), void *options)
{
	/* The `--` gives its place to the program's name, which argp wants first. */
	int skip = eal == argc || strcmp(argv[eal], "--") != 0 ? eal - 1 : eal;
	char *kept = argv[skip];

	argv[skip] = argv[0];
	parse(options, argc - skip, argv + skip);
	argv[skip] = kept;
}
