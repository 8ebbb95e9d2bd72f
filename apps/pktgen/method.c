/* SPDX-License-Identifier: BSD-3-Clause */
/* Method: a way of measuring, made of trials: chosen by --method, with options of its own. */
#include <errno.h>
#include <string.h>

#include "app.h"
#include "method.h"

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

int method_trial(void *arg, const struct trial_load *load, struct trial_result *result)
{
	return trial_run(arg, load, result);
}

void method_progress(void *arg, const char *what, double done, double total)
{
	trial_progress(arg, what, done, total);
}
