/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: a way of measuring, made of trials: chosen by --method, with options of its own. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "method.h"

#define NAP_NS (20 * 1000 * 1000)

extern const struct method method_run, method_rfc2544, method_soak;

const struct method *const methods[] = {
	&method_run,
	&method_rfc2544,
	&method_soak,
	NULL,
};

const struct method *method_find(const char *name)
{
	for (unsigned i = 0; methods[i] != NULL; i++)
		if (strcmp(methods[i]->name, name) == 0)
			return methods[i];
	return NULL;
}

int method_status(int err)
{
	switch (err) {
	case 0:
	case -EINTR:
		return APP_OK;
	case -EINVAL:
		return APP_USAGE;
	default:
		return APP_FAILED;
	}
}

void method_progress(void *arg, const char *what, double done, double total)
{
	trial_progress(arg, what, done, total);
}

static double clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int method_rest(void *arg, double seconds)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	double end = clock_read() + seconds;

	(void)arg;
	while (!app_stop && clock_read() < end)
		nanosleep(&nap, NULL);
	return app_stop ? -EINTR : 0;
}
