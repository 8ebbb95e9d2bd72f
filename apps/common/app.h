/* SPDX-License-Identifier: BSD-3-Clause */
/* App: what our applications share: how they begin and end, and how they complain. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>

/* How a program ends. */
enum app_exit {
	APP_OK = 0,
	APP_FAILED = 1,      /* it ran, and something went wrong */
	APP_USAGE = 2,       /* it was asked for something that cannot be */
	APP_ENVIRONMENT = 3, /* what it needs is not there */
};

/*
 * Set by signals, by limits that were reached and by nobody else; read by all
 * lcores in their loops. Never cleared.
 */
extern volatile bool app_stop;

/* "pktpool-fwd", ...: each application defines it. */
extern const char app_name[];

/* A line on stderr that begins with the program's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whatever worse happened first is what the program ends with. */
static inline int worse(int status, int other)
{
	return status != APP_OK ? status : other;
}

/* SIGINT, SIGTERM and SIGHUP set app_stop from now on; SIGPIPE is ignored. */
void app_signals_set(void);

/* How many arguments are EAL's: those before `--`, or all but a call for help. */
int app_eal_count(int argc, char **argv);

/* Calls parse with the arguments behind EAL's, the program's name before them. */
void app_own_parse(int argc, char **argv, int eal,
		   void (*parse)(void *options, int argc, char **argv), void *options);

#endif
