/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what pktpool-top's command line says. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "options.h"
#include "pp_types.h"

const char *argp_program_version = "pktpool-top " PP_VERSION;

enum option_key {
	KEY_ONCE = 0x100,
	KEY_JSON,
	KEY_PROMETHEUS,
	KEY_INTERVAL,
	KEY_COUNT,
	KEY_FILE_PREFIX,
	KEY_RUNTIME_DIR,
	KEY_POOL,
};

static const struct argp_option option_table[] = {
	{ "once", KEY_ONCE, NULL, 0, "one sample, and the end", 0 },
	{ "count", KEY_COUNT, "N", 0, "end after N samples", 0 },
	{ "interval", KEY_INTERVAL, "SECONDS", 0, "between samples, 0.1 to 86400; default 1", 0 },
	{ "json", KEY_JSON, NULL, 0, "a line of JSON for each sample", 0 },
	{ "prometheus", KEY_PROMETHEUS, "FILE", OPTION_ARG_OPTIONAL,
	  "Prometheus' text format, to stdout or to a file that is replaced as a whole", 0 },
	{ "pool", KEY_POOL, "NAME", 0, "only pools of that name", 0 },
	{ "file-prefix", KEY_FILE_PREFIX, "PREFIX", 0, "only processes that EAL knows by it", 0 },
	{ "runtime-dir", KEY_RUNTIME_DIR, "DIR", 0,
	  "where EAL keeps its sockets; default /var/run/dpdk, for others than root "
	  "$XDG_RUNTIME_DIR/dpdk or /tmp/dpdk",
	  0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Shows where the buffers of all pktpools are, in every DPDK process that runs.\v"
	"What is short comes first: pools that somebody waits for, that are below their low "
	"watermark, that have least free. Under the table are the caches and the oldest holders of "
	"the first pool, on a terminal that is not too small; into a pipe, of every pool.\n\n"
	"It ends at SIGINT, SIGTERM, SIGHUP or after the samples it was asked for: 0 all well, 1 a "
	"process went away or did not answer (with --once or --count), or what was asked for could "
	"not be written, 2 a bad option, 3 there is no such process or directory.";

static double interval_parse(struct argp_state *state, const char *text)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(value) || value < 0.1 || value > 86400)
		argp_error(state, "--interval %s: must be seconds, 0.1 to 86400, e.g. --interval 1",
			   text);
	return value;
}

static uint32_t count_parse(struct argp_state *state, const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !value || value > 1000000000)
		argp_error(
			state,
			"--count %s: must be a whole number from 1 to 1000000000, e.g. --count 2",
			text);
	return (uint32_t)value;
}

/* One form of output only. */
static void form_set(struct options *o, struct argp_state *state, enum options_form form)
{
	if (o->form != FORM_SCREEN && o->form != form)
		argp_error(state, "--json and --prometheus: one of them at a time");
	o->form = form;
}

/* It names one directory, or files elsewhere would be looked at. */
static const char *prefix_parse(struct argp_state *state, const char *text)
{
	if (!*text || strchr(text, '/') || !strcmp(text, ".") || !strcmp(text, ".."))
		argp_error(state,
			   "--file-prefix %s: must be a name without a slash, e.g. "
			   "--file-prefix rte",
			   text);
	return text;
}

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_ONCE:
		o->count = 1;
		break;
	case KEY_COUNT:
		o->count = count_parse(state, arg);
		break;
	case KEY_INTERVAL:
		o->interval = interval_parse(state, arg);
		break;
	case KEY_JSON:
		form_set(o, state, FORM_JSON);
		break;
	case KEY_PROMETHEUS:
		form_set(o, state, FORM_PROMETHEUS);
		o->file = arg;
		o->wanted_output = !arg;
		break;
	case KEY_POOL:
		o->pool = arg;
		break;
	case KEY_FILE_PREFIX:
		o->file_prefix = prefix_parse(state, arg);
		break;
	case KEY_RUNTIME_DIR:
		o->runtime_dir = arg;
		break;
	case ARGP_KEY_ARG:
		/* argp takes an optional argument after `=` only; a blank will do here. */
		if (!o->wanted_output)
			argp_error(state, "%s: not an option", arg);
		o->file = arg;
		o->wanted_output = false;
		break;
	case ARGP_KEY_END:
		if (o->file && !*o->file)
			argp_error(state, "--prometheus: the file's name is empty");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* As EAL chooses it. */
static const char *runtime_dir_default(void)
{
	static char dir[256];
	/* What systemd gives a service. */
	const char *under = getenv("RUNTIME_DIRECTORY");

	if (!under)
		under = getuid() ? getenv("XDG_RUNTIME_DIR") : "/var/run";
	snprintf(dir, sizeof(dir), "%s/dpdk", under ? under : "/tmp");
	return dir;
}

void options_parse(struct options *o, int argc, char **argv)
{
	static const struct argp argp = { option_table, option_take, NULL, doc, NULL, NULL, NULL };

	*o = (struct options){ .interval = 1 };
	argp_err_exit_status = APP_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, o);
	if (!o->runtime_dir)
		o->runtime_dir = runtime_dir_default();
	if (o->file && !strcmp(o->file, "-"))
		o->file = NULL;
}
