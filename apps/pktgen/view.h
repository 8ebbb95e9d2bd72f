/* SPDX-License-Identifier: BSD-3-Clause */
/* View: the thread beside the lcores: a table of what goes and comes, a bar, a look at the links. */
#ifndef VIEW_H
#define VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ports.h"
#include "trial.h"

#define VIEW_WHAT_BYTES 48

struct view {
	bool started;
	volatile bool end;
	pthread_t thread;
	pthread_mutex_t lock; /* over what follows */
	bool table, table_terminal, bar_terminal;
	bool bar_shown;
	unsigned drawn; /* lines of the table on the terminal */
	double began;   /* the trial, on the monotonic clock; 0: none runs */
	double last;    /* when the table was drawn */
	double seconds; /* that the trial takes, if that is known */
	/* Of something longer: see trial_progress(). */
	char what[VIEW_WHAT_BYTES];
	double done, total;
	struct {
		uint64_t sent, received;
	} before[PORTS_MAX];
};

/* An enum app_exit. */
int view_begin(struct generator *g);
void view_end(struct generator *g);

void view_trial(struct generator *g, const struct trial_load *load);
void view_trial_end(struct generator *g);

#endif
