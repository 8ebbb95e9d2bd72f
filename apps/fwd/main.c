/* SPDX-License-Identifier: BSD-3-Clause */
/* Main: the order of things, from the command line to the last buffer home. */
#include <inttypes.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_lcore.h>

#include "app.h"
#include "buffers.h"
#include "environment.h"
#include "host.h"
#include "loop.h"
#include "options.h"
#include "output.h"
#include "pairs.h"
#include "ports.h"
#include "summary.h"
#include "watch.h"

const char app_name[] = "pktpool-fwd";

/* Too large for a stack, and one of each. */
static struct ports ports;
static struct loop loop;
static struct table table;
static struct level level;

static int forward(const struct options *o, struct buffers *buffers, struct summary *s)
{
	struct watch watch = {
		.table = &table,
		.ports = &ports,
		.o = o,
		.buffers = buffers,
		.min_free = UINT64_MAX,
		.level = &level,
	};
	int status = loop_prime(&loop, buffers->mp);

	if (status == APP_OK)
		status = loop_hold(&loop, buffers->mp);
	if (status != APP_OK)
		return status;
	table_prepare(&table, &ports, &loop, buffers);
	status = watch_start(&watch);
	if (status != APP_OK)
		return status;
	loop_run(&loop);
	watch_end(&watch);
	ports_watch(&ports);
	s->seconds = watch.elapsed;
	s->min_free = watch.min_free;
	return APP_OK;
}

/* With the ports closed: every buffer is home, or it is said where it is. */
static int books_close(const struct options *o, struct buffers *buffers, struct summary *s, int fd)
{
	int status;

	s->kept_by_driver = buffers_in_flight(buffers);
	status = summary_balance(s);
	/* A packet lost in here must not be taken for one that a driver kept. */
	if (status == APP_OK)
		buffers_recover(buffers);
	s->in_flight_at_exit = buffers_in_flight(buffers);
	buffers_reserve_used(buffers, &s->reserve_used, &s->marked_refused);
	summary_print(s);
	status = worse(status, buffers_audit(buffers));
	if (o->buffers.kind == BUFFERS_PKTPOOL && s->in_flight_at_exit != 0) {
		complain("%" PRIu64 " buffers are still in flight", s->in_flight_at_exit);
		status = worse(status, APP_FAILED);
	}
	status = worse(status, summary_write(s, fd));
	return worse(status, buffers_destroy(buffers));
}

static int run(const struct options *o, int fd)
{
	struct buffers buffers = { 0 };
	struct summary s = {
		.o = o, .ports = &ports, .loop = &loop, .level = &level, .lcores = rte_lcore_count()
	};
	struct ports_demand demand = options_demand(o);
	int status = ports_find(&ports, o->queues);

	if (status != APP_OK)
		return status;
	status = pairs_make(&ports, o->program->way);
	if (status == APP_OK)
		status = ports_weigh(&ports, &demand);
	if (status != APP_OK)
		return status;
	status = buffers_create(&buffers, &o->buffers, ports_any_xdp(&ports));
	if (status != APP_OK)
		return status;
	loop_prepare(&loop, &ports, o);
	host_refresh();
	status = ports_open(&ports, &demand, buffers.mp);
	if (status != APP_OK) {
		ports_close(&ports);
		buffers_recover(&buffers);
		buffers_destroy(&buffers);
		return status;
	}
	pairs_print(&ports, o->program->way);
	fflush(stdout);
	status = forward(o, &buffers, &s);
	loop_end(&loop);
	status = worse(status, ports_close(&ports));
	return worse(status, books_close(o, &buffers, &s, fd));
}

static void own_parse(void *options, int argc, char **argv)
{
	options_parse(options, argc, argv);
}

int main(int argc, char **argv)
{
	int eal = app_eal_count(argc, argv);
	struct options o;
	int fd, status;

	app_signals_set();
	app_own_parse(argc, argv, eal, own_parse, &o);
	status = environment_check(eal, argv);
	if (status != APP_OK)
		return status;
	fd = output_open("json", o.json);
	if (fd == OUTPUT_IMPOSSIBLE)
		return APP_ENVIRONMENT;
	status = environment_begin(eal, argv);
	if (status != APP_OK)
		return status;
	status = environment_ports_check(eal, argv);
	if (status == APP_OK)
		status = run(&o, fd);
	rte_eal_cleanup();
	return status;
}
