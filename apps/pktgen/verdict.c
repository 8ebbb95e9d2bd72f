/* SPDX-License-Identifier: BSD-3-Clause */
/* Verdict: what is said of a result: limits that were missed, and ports that heard nothing. */
#include <inttypes.h>

#include "app.h"
#include "generator.h"
#include "verdict.h"

json_t *verdict_limits(const char *name, const struct limits *l, const struct trial_result *r)
{
	uint32_t missed = limits_missed(l, r);
	json_t *array = json_array();

	for (unsigned i = 0; i < LIMITS; i++) {
		double measured = limit_measured(i, r);

		if (!(missed >> i & 1))
			continue;
		complain("%s: %s is %.9g, the limit is %.9g%s", name, limit_name(i), measured,
			 l->value[i], limit_measurable(i, r) ? "" : ": too few packets came");
		json_array_append_new(array, json_pack("{s:s, s:f, s:f}", "limit", limit_name(i),
						       "value", l->value[i], "measured", measured));
	}
	return array;
}

void silence_add(struct silence *s, const struct generator *g)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct receiver *r = g->lane[i].receiver;

		s->sent[i] += g->lane[i].sender->sent;
		s->heard[i] += r->received + r->corrupt;
		s->foreign[i] += r->foreign;
	}
}

bool silence_say(const struct silence *s, const struct generator *g, const char *name)
{
	bool said = false;

	for (unsigned i = 0; i < g->lanes && !g->o->tx_only; i++) {
		const struct port *tx = &g->ports.at[g->lane[i].tx_at];
		const struct port *rx = &g->ports.at[g->lane[i].rx_at];

		if (s->sent[i] == 0 || s->heard[i] > 0)
			continue;
		complain("%s: of %" PRIu64 " packets that port %u (%s) sent none was received on "
			 "port %u (%s)%s: is anything forwarding? --tx-only expects nothing",
			 name, s->sent[i], tx->id, tx->name, rx->id, rx->name,
			 s->foreign[i] > 0 ? ", only others" : "");
		said = true;
	}
	return said;
}
