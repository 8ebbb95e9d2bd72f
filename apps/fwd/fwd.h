/* SPDX-License-Identifier: BSD-3-Clause */
/* Fwd: what all of pktpool-fwd shares: how it ends, and how it complains. */
#ifndef FWD_H
#define FWD_H

#include <stdbool.h>

/* How the program ends. */
enum fwd_exit {
	FWD_OK = 0,
	FWD_FAILED = 1,      /* it ran, and something went wrong */
	FWD_USAGE = 2,       /* it was asked for something that cannot be */
	FWD_ENVIRONMENT = 3, /* what it needs is not there */
};

/*
 * Set by signals, by limits that were reached and by nobody else; read by all
 * lcores in their loops. Never cleared.
 */
extern volatile bool fwd_stop;

/* A line on stderr that begins with the program's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
