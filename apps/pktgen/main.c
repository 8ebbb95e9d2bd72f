/* SPDX-License-Identifier: BSD-3-Clause */
/* Main: the order of things, from the command line to the last buffer home. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_lcore.h>

#include "app.h"
#include "environment.h"
#include "generator.h"
#include "options.h"
#include "output.h"
#include "result.h"

const char app_name[] = "pktpool-pktgen";

/* Too large for a stack. */
static struct options options;
static struct generator generator;

static json_t *ports_json(const struct generator *g)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < g->ports.n; i++) {
		const struct port *port = &g->ports.at[i];

		json_array_append_new(array, json_pack("{s:i, s:s, s:s, s:b}", "port",
						       (int)port->id, "name", port->name, "driver",
						       port->driver, "gone", (int)port->gone));
	}
	return array;
}

static void buffers_json(json_t *out, const struct generator *g)
{
	json_object_set_new(out, "buffers", json_integer(g->o->buffers.buffers));
	json_object_set_new(out, "pages", json_string(buffers_pages_name(g->o->buffers.pages)));
	json_object_set_new(out, "kept_by_driver", json_integer((json_int_t)g->kept_by_driver));
	json_object_set_new(out, "in_flight_at_exit",
			    json_integer((json_int_t)g->in_flight_at_exit));
}

static int csv_write(const json_t *out, int fd)
{
	const struct method *method = options.method;
	char *text = fd < 0        ? NULL
		     : method->csv ? method->csv()
				   : result_csv(json_object_get(out, "trials"));
	int status = output_text("csv", options.csv, fd, text != NULL ? text : "");

	free(text);
	return status;
}

static int run(int json, int csv)
{
	json_t *out = json_object();
	int status = generator_open(&generator, &options);

	if (status == APP_OK) {
		json_object_set_new(out, "method", json_string(options.method->name));
		json_object_set_new(out, "machine", result_machine());
		json_object_set_new(out, "ports", ports_json(&generator));
		status = options.method->run(&generator, out);
	} else {
		/* Nothing that could be written; the files stay empty. */
		json_decref(out);
		generator_close(&generator);
		return status;
	}
	status = worse(status, generator_close(&generator));
	json_object_set_new(out, "passed", json_boolean(status == APP_OK));
	buffers_json(out, &generator);
	status = worse(status, output_json("json", options.json, json, out));
	status = worse(status, csv_write(out, csv));
	json_decref(out);
	return status;
}

int main(int argc, char **argv)
{
	int eal = app_eal_count(argc, argv);
	int json, csv, status;

	app_signals_set();
	app_own_parse(argc, argv, eal, options_parse, &options);
	status = environment_check(eal, argv);
	if (status != APP_OK)
		return status;
	json = output_open("json", options.json);
	csv = json == OUTPUT_IMPOSSIBLE ? OUTPUT_IMPOSSIBLE : output_open("csv", options.csv);
	if (csv == OUTPUT_IMPOSSIBLE)
		return APP_ENVIRONMENT;
	status = environment_begin(eal, argv);
	if (status != APP_OK)
		return status;
	status = environment_ports_check(eal, argv);
	if (status == APP_OK)
		status = run(json, csv);
	rte_eal_cleanup();
	options_end(&options);
	return status;
}
