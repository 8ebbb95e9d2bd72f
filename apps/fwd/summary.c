/* SPDX-License-Identifier: BSD-3-Clause */
/* Summary: what a run came to, in words and as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#include "app.h"
#include "output.h"
#include "summary.h"

static void verdicts_print(const struct tally *t)
{
	for (unsigned v = 0; v < VERDICTS; v++)
		printf("  %-14s %14" PRIu64 "\n", verdict_name(v), t->verdicts[v]);
}

static void short_print(const struct summary *s, const struct tally *sum)
{
	printf("  free           %14" PRIu64 "  buffers at the least, as far as was seen\n",
	       s->min_free);
	printf("  reserve        %14" PRIu64 "  buffers drawn, %" PRIu64 " of them refused to what "
	       "is not critical\n",
	       s->reserve_used, s->marked_refused);
	if (s->o->stall)
		printf("  held           %14" PRIu64 "  packets, until the end\n", sum->held);
}

/* 0 for a run that ended before it began. */
static double mpps(const struct summary *s, const struct tally *sum)
{
	return s->seconds > 0 ? (double)sum->rx / s->seconds / 1e6 : 0;
}

void summary_print(const struct summary *s)
{
	struct tally sum = loop_tally(s->loop, UINT_MAX);

	printf("\n%s: %.1f s, %u lcore%s, %.3f Mpps\n", s->o->program->name, s->seconds, s->lcores,
	       s->lcores == 1 ? "" : "s", mpps(s, &sum));
	verdicts_print(&sum);
	printf("  in             %14" PRIu64 "\n", sum.rx);
	if (sum.first != 0)
		printf("  made here      %14" PRIu64 "\n", sum.first);
	printf("  out            %14" PRIu64 "\n", sum.tx);
	printf("  dropped        %14" PRIu64 "  (%" PRIu64 " that the sending driver refused)\n",
	       tally_dropped(&sum), sum.refused);
	if (s->o->checksum)
		printf("  checksums      %14" PRIu64 "  filled in\n", sum.checksums);
	if (options_judge(s->o))
		short_print(s, &sum);
	printf("  kept by driver %14" PRIu64 "%s\n", s->kept_by_driver,
	       s->o->buffers.kind == BUFFERS_PKTPOOL
		       ? "  buffers, brought home"
		       : "  buffers: this pool cannot bring them home");
	printf("  in flight      %14" PRIu64 "  at exit\n", s->in_flight_at_exit);
}

int summary_balance(const struct summary *s)
{
	uint64_t most = ports_hold(s->ports, s->o->queues);
	int status = APP_OK;

	for (unsigned i = 0; i < s->ports->n; i++) {
		struct tally t = loop_tally(s->loop, i);
		uint64_t gone = t.tx + tally_dropped(&t);

		if (t.rx + t.first == gone)
			continue;
		complain("port %u: %" PRIu64 " packets came in and %" PRIu64 " went out or were "
			 "freed: packets were lost in here",
			 s->ports->at[i].id, t.rx + t.first, gone);
		status = APP_FAILED;
	}
	if (s->kept_by_driver > most) {
		complain("%" PRIu64 " buffers are out with all ports closed, and their rings hold "
			 "no more than %" PRIu64 ": the rest was lost in here",
			 s->kept_by_driver, most);
		status = APP_FAILED;
	}
	return status;
}

static json_t *verdicts_json(const struct tally *t)
{
	json_t *object = json_object();

	for (unsigned v = 0; v < VERDICTS; v++)
		json_object_set_new(object, verdict_name(v),
				    json_integer((json_int_t)t->verdicts[v]));
	return object;
}

/* What both a port and the whole have. */
static void tally_json(json_t *object, const struct tally *t)
{
	json_object_set_new(object, "rx", json_integer((json_int_t)t->rx));
	json_object_set_new(object, "tx", json_integer((json_int_t)t->tx));
	json_object_set_new(object, "first", json_integer((json_int_t)t->first));
	json_object_set_new(object, "dropped", json_integer((json_int_t)tally_dropped(t)));
	json_object_set_new(object, "tx_refused", json_integer((json_int_t)t->refused));
	json_object_set_new(object, "marked_dropped", json_integer((json_int_t)t->marked));
	json_object_set_new(object, "held", json_integer((json_int_t)t->held));
	json_object_set_new(object, "checksums_filled", json_integer((json_int_t)t->checksums));
	json_object_set_new(object, "verdicts", verdicts_json(t));
}

static json_t *port_json(const struct summary *s, unsigned at)
{
	const struct port *port = &s->ports->at[at];
	const struct rte_eth_stats *last = &port->last;
	struct tally t = loop_tally(s->loop, at);
	json_t *object = json_pack("{s:i, s:s, s:s, s:i, s:b}", "port", (int)port->id, "name",
				   port->name, "driver", port->driver, "peer",
				   (int)s->ports->at[port->peer].id, "gone", (int)port->gone);

	tally_json(object, &t);
	json_object_set_new(object, "driver_stats",
			    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "ipackets",
				      (json_int_t)last->ipackets, "opackets",
				      (json_int_t)last->opackets, "imissed",
				      (json_int_t)last->imissed, "ierrors",
				      (json_int_t)last->ierrors, "oerrors",
				      (json_int_t)last->oerrors, "rx_nombuf",
				      (json_int_t)last->rx_nombuf));
	return object;
}

static void short_json(const struct summary *s, json_t *object)
{
	json_object_set_new(object, "reserve", json_integer((json_int_t)s->o->buffers.reserve));
	json_object_set_new(object, "critical", json_boolean(!s->o->no_critical));
	json_object_set_new(object, "min_free", json_integer((json_int_t)s->min_free));
	json_object_set_new(object, "reserve_used", json_integer((json_int_t)s->reserve_used));
	json_object_set_new(object, "marked_refused", json_integer((json_int_t)s->marked_refused));
	json_object_set_new(object, "level", level_json(s->level));
}

static json_t *summary_json(const struct summary *s)
{
	struct tally sum = loop_tally(s->loop, UINT_MAX);
	bool ours = s->o->buffers.kind == BUFFERS_PKTPOOL;
	json_t *ports = json_array();
	json_t *object =
		json_pack("{s:s, s:s, s:I, s:i, s:s, s:i, s:i, s:i}", "program",
			  s->o->program->name, "pool", buffers_kind_name(s->o->buffers.kind),
			  "buffers", (json_int_t)s->o->buffers.buffers, "data_room",
			  (int)s->o->buffers.data_room, "pages",
			  ours ? buffers_pages_name(s->o->buffers.pages) : "EAL", "queues",
			  (int)s->o->queues, "burst", (int)s->o->burst, "lcores", (int)s->lcores);

	tally_json(object, &sum);
	json_object_set_new(object, "kept_by_driver", json_integer((json_int_t)s->kept_by_driver));
	json_object_set_new(object, "in_flight_at_exit",
			    json_integer((json_int_t)s->in_flight_at_exit));
	if (options_judge(s->o))
		short_json(s, object);
	json_object_set_new(object, "seconds", json_real(s->seconds));
	json_object_set_new(object, "mpps", json_real(mpps(s, &sum)));
	for (unsigned i = 0; i < s->ports->n; i++)
		json_array_append_new(ports, port_json(s, i));
	json_object_set_new(object, "ports", ports);
	return object;
}

int summary_write(const struct summary *s, int fd)
{
	json_t *object = fd < 0 ? NULL : summary_json(s);
	int status = output_json("json", s->o->json, fd, object);

	json_decref(object);
	return status;
}
