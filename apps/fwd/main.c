/* SPDX-License-Identifier: BSD-3-Clause */
/* Main: the order of things, from the command line to the last buffer home. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "buffers.h"
#include "environment.h"
#include "fwd.h"
#include "host.h"
#include "loop.h"
#include "options.h"
#include "ports.h"
#include "summary.h"
#include "watch.h"

volatile bool fwd_stop;

/* Too large for a stack, and one of each. */
static struct ports ports;
static struct loop loop;
static struct table table;

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("pktpool-fwd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void signal_take(int number)
{
	(void)number;
	fwd_stop = true;
}

/* Explicitly, as a shell starts background processes with SIGINT ignored. */
static void signals_set(void)
{
	struct sigaction action = { .sa_handler = signal_take };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* A reader of the table that goes away must not leave an XDP program attached. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

/* How many arguments are EAL's: those before `--`, or all but a call for help. */
static int eal_count(int argc, char **argv)
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

static void own_options_parse(struct options *o, int argc, char **argv, int eal)
{
	/* The `--` gives its place to the program's name, which argp wants first. */
	int skip = eal == argc || strcmp(argv[eal], "--") != 0 ? eal - 1 : eal;
	char *kept = argv[skip];

	argv[skip] = argv[0];
	options_parse(o, argc - skip, argv + skip);
	argv[skip] = kept;
}

/* Whatever worse happened first is what the program ends with. */
static int worse(int status, int other)
{
	return status != FWD_OK ? status : other;
}

static int forward(const struct options *o, struct buffers *buffers, struct summary *s)
{
	struct watch watch = {
		.table = &table,
		.ports = &ports,
		.o = o,
		.buffers = buffers,
		.min_free = UINT64_MAX,
	};
	int status = loop_prime(&loop, buffers->mp);

	if (status == FWD_OK)
		status = loop_stall(&loop, buffers->mp);
	if (status != FWD_OK)
		return status;
	table_prepare(&table, &ports, &loop, buffers);
	status = watch_start(&watch);
	if (status != FWD_OK)
		return status;
	loop_run(&loop);
	watch_end(&watch);
	ports_watch(&ports);
	s->seconds = watch.elapsed;
	s->min_free = watch.min_free;
	return FWD_OK;
}

/* With the ports closed: every buffer is home, or it is said where it is. */
static int books_close(const struct options *o, struct buffers *buffers, struct summary *s, int fd)
{
	int status;

	s->kept_by_driver = buffers_in_flight(buffers);
	status = summary_balance(s);
	/* A packet lost in here must not be taken for one that a driver kept. */
	if (status == FWD_OK)
		buffers_recover(buffers);
	s->in_flight_at_exit = buffers_in_flight(buffers);
	buffers_reserve_used(buffers, &s->reserve_used, &s->marked_refused);
	summary_print(s);
	status = worse(status, buffers_audit(buffers));
	if (o->kind == BUFFERS_PKTPOOL && s->in_flight_at_exit != 0) {
		complain("%" PRIu64 " buffers are still in flight", s->in_flight_at_exit);
		status = worse(status, FWD_FAILED);
	}
	status = worse(status, summary_write(s, fd));
	return worse(status, buffers_destroy(buffers));
}

static int run(const struct options *o, int fd)
{
	struct buffers buffers = { 0 };
	struct summary s = { .o = o, .ports = &ports, .loop = &loop, .lcores = rte_lcore_count() };
	int status = ports_find(&ports, o);

	if (status != FWD_OK)
		return status;
	status = buffers_create(&buffers, o, ports_any_xdp(&ports));
	if (status != FWD_OK)
		return status;
	loop_prepare(&loop, &ports, o);
	host_refresh();
	status = ports_open(&ports, o, buffers.mp);
	if (status != FWD_OK) {
		ports_close(&ports);
		buffers_recover(&buffers);
		buffers_destroy(&buffers);
		return status;
	}
	ports_print(&ports, o);
	fflush(stdout);
	status = forward(o, &buffers, &s);
	loop_end(&loop);
	status = worse(status, ports_close(&ports));
	return worse(status, books_close(o, &buffers, &s, fd));
}

int main(int argc, char **argv)
{
	int eal = eal_count(argc, argv);
	struct options o;
	int fd, status;

	signals_set();
	own_options_parse(&o, argc, argv, eal);
	status = environment_check(eal, argv);
	if (status != FWD_OK)
		return status;
	fd = summary_open(o.json);
	if (fd == -2)
		return FWD_ENVIRONMENT;
	if (rte_eal_init(eal, argv) < 0)
		return environment_explain(eal, argv, rte_errno);
	status = environment_ports_check(eal, argv);
	if (status == FWD_OK)
		status = run(&o, fd);
	rte_eal_cleanup();
	return status;
}
