/* SPDX-License-Identifier: BSD-3-Clause */
/* Screen: a sample as a table, on a terminal or in a pipe. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stdio.h>

struct sample;

/* The terminal is all ours from here to screen_end(); nothing happens to a pipe. */
void screen_begin(void);
void screen_end(void);

/*
 * On a terminal: what its window has room for, in place of what was there; it
 * asks for the size each time. Elsewhere everything. False: it cannot be written.
 */
bool screen_show(const struct sample *sample);

#endif
