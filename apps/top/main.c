/* SPDX-License-Identifier: BSD-3-Clause */
/* Main: pktpool-top: samples until it is told to end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "file.h"
#include "options.h"
#include "prometheus.h"
#include "sample.h"
#include "screen.h"

const char app_name[] = "pktpool-top";

/* The window has another size now. */
static volatile sig_atomic_t resized;

static void resize_note(int signal)
{
	(void)signal;
	resized = 1;
}

static bool written(bool well, const char *where)
{
	int error = errno;

	if (well)
		return true;
	screen_end();
	complain("%s: cannot be written: %s", where, strerror(error));
	return false;
}

static bool json_show(const struct sample *sample)
{
	return written(!json_dumpf(sample->json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(13)) &&
			       putchar('\n') != EOF && !fflush(stdout),
		       "--json");
}

static bool prometheus_show(const struct sample *sample, const char *path)
{
	size_t bytes = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &bytes);
	int rc = 0;

	if (!out)
		return written(false, "--prometheus");
	prometheus_write(out, sample->json);
	fclose(out);
	if (path)
		rc = file_replace(path, text, bytes);
	else if (fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout))
		rc = -errno;
	free(text);
	errno = -rc;
	return written(!rc, path ? path : "--prometheus");
}

static bool sample_show(const struct sample *sample, const struct options *options)
{
	switch (options->form) {
	case FORM_JSON:
		return json_show(sample);
	case FORM_PROMETHEUS:
		return prometheus_show(sample, options->file);
	default:
		return written(screen_show(sample), "standard output");
	}
}

/* Until the next sample is due, or a signal: a terminal that is resized is filled at once. */
static bool sample_rest(const struct sample *sample, const struct options *options,
			struct timespec *due)
{
	struct timespec now;

	due->tv_nsec += (long)((options->interval - (double)(long)options->interval) * 1e9);
	due->tv_sec += (long)options->interval + due->tv_nsec / 1000000000;
	due->tv_nsec %= 1000000000;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* What a slow answer cost is not made up for. */
	if (due->tv_sec < now.tv_sec)
		*due = now;
	while (!app_stop && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL) == EINTR) {
		if (resized && options->form == FORM_SCREEN && !sample_show(sample, options))
			return false;
		resized = 0;
	}
	return true;
}

/* Of a run that ends by itself, what it did not find. */
static int lack_say(const struct sample *sample, const struct options *options, int rc)
{
	const char *slash = options->file_prefix ? "/" : "";
	const char *prefix = options->file_prefix ? options->file_prefix : "";

	if (rc)
		screen_end();
	if (rc)
		complain("%s%s%s: %s: no DPDK process keeps its sockets there; name it by "
			 "--runtime-dir and --file-prefix",
			 options->runtime_dir, slash, prefix, strerror(-rc));
	else if (!sample->processes && !sample->troubles)
		complain("no DPDK process answers at %s%s%s: it is not running, or with "
			 "--no-telemetry",
			 options->runtime_dir, slash, prefix);
	else if (options->pool && !sample->pools && !sample->troubles)
		complain("--pool %s: no process has a pool of that name", options->pool);
	else
		return APP_OK;
	return APP_ENVIRONMENT;
}

static int samples_run(const struct options *options)
{
	struct sample last = { 0 };
	struct timespec due;
	int status = APP_OK;

	clock_gettime(CLOCK_MONOTONIC, &due);
	for (uint32_t n = 1; !app_stop && status != APP_ENVIRONMENT; n++) {
		struct sample sample;
		int rc = sample_take(&sample, options, last.json);

		json_decref(last.json);
		last = sample;
		/* Who goes on looking waits for them to come, but not for permission. */
		if ((options->count && n == 1) || (rc && rc != -ENOENT))
			status = worse(status, lack_say(&sample, options, rc));
		if (options->count && sample.troubles)
			status = worse(status, APP_FAILED);
		if (status == APP_ENVIRONMENT)
			break;
		if (!sample_show(&sample, options)) {
			status = worse(status, APP_FAILED);
			break;
		}
		if (n == options->count)
			break;
		if (!sample_rest(&last, options, &due)) {
			status = worse(status, APP_FAILED);
			break;
		}
	}
	json_decref(last.json);
	return status;
}

int main(int argc, char **argv)
{
	struct sigaction resize = { .sa_handler = resize_note };
	struct options options;
	int status;

	options_parse(&options, argc, argv);
	app_signals_set();
	sigaction(SIGWINCH, &resize, NULL);
	if (options.form == FORM_SCREEN && options.count != 1)
		screen_begin();
	status = samples_run(&options);
	screen_end();
	return status;
}
