/* SPDX-License-Identifier: BSD-3-Clause */
/* Device: one that forwards as it was built to, in no time: what a search must find is known. */
#ifndef DEVICE_H
#define DEVICE_H

#include "rfc2544.h"

struct device {
	double most;     /* what the sender can, packets a second */
	double capacity; /* what the device can */
	double buffer;   /* packets that it keeps while it cannot */
	/* Share that it loses beside that, by packets a second and the number of the trial; or NULL */
	double (*loses)(const struct device *d, double pps);
	unsigned stop;         /* trial that is interrupted; 0: none */
	unsigned stop_resting; /* the same of a rest */
	int error;             /* of every trial */
	/* What it saw. */
	unsigned trials;
	double seconds;               /* of trials and rests in all */
	double settle;                /* that it is waited for what was lost */
	unsigned rests, rested_short; /* between trials; shorter than 5 seconds */
	double last, total;
	struct trial_load loads[20000];
};

/* As rfc_device wants it. */
int device_trial(void *arg, const struct trial_load *load, struct trial_result *result);
int device_rest(void *arg, double seconds);
void device_progress(void *arg, const char *what, double done, double total);
/* As search wants it: trials of a second. */
int device_measure(void *arg, double pps, struct search_point *point);

#endif
