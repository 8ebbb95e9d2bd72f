/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows: what became of each flow in the last trial. */
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "generator.h"

#define NAMED_MAX 64

struct named {
	const char *stream;
	unsigned lane;
	uint32_t flow; /* of its stream */
	uint64_t sent, received, lost, duplicated, reordered;
};

struct account {
	uint64_t flows, lossy, doubled, disordered;
	unsigned named, most;
	struct named worst[NAMED_MAX + 1];
};

static bool named_worse(const struct named *a, const struct named *b)
{
	return a->lost != b->lost ? a->lost > b->lost
				  : a->duplicated + a->reordered > b->duplicated + b->reordered;
}

/* Kept in order, the worst first. */
static void account_name(struct account *account, const struct named *n)
{
	unsigned at = account->named;

	while (at > 0 && named_worse(n, &account->worst[at - 1])) {
		account->worst[at] = account->worst[at - 1];
		at--;
	}
	account->worst[at] = *n;
	if (account->named < account->most)
		account->named++;
}

static void account_take(struct account *account, const struct named *n)
{
	account->flows++;
	account->lossy += n->lost > 0;
	account->doubled += n->duplicated > 0;
	account->disordered += n->reordered > 0;
	if (n->lost + n->duplicated + n->reordered > 0)
		account_name(account, n);
}

/* A stream's packets go to its flows in turn, so each has as many, or one more. */
static void stream_account(struct account *account, const struct lane *lane, unsigned at,
			   const struct stream *s)
{
	for (uint32_t i = 0; i < s->flows; i++) {
		const struct flow *f = &lane->receiver->sequence.at[s->flow_first + i];
		struct named n = {
			.stream = s->spec->name,
			.lane = at,
			.flow = i,
			.sent = s->accepted / s->flows + (i < s->accepted % s->flows),
			.received = f->received,
			.duplicated = f->duplicated,
			.reordered = f->reordered,
		};

		n.lost = n.received < n.sent ? n.sent - n.received : 0;
		account_take(account, &n);
	}
}

json_t *flows_json(const struct generator *g, unsigned most)
{
	struct account account = { .most = most < NAMED_MAX ? most : NAMED_MAX };
	json_t *worst = json_array();

	for (unsigned i = 0; i < g->lanes && !g->o->tx_only; i++)
		for (unsigned k = 0; k < g->lane[i].sender->streams; k++)
			stream_account(&account, &g->lane[i], i, &g->lane[i].sender->stream[k]);
	for (unsigned i = 0; i < account.named; i++) {
		const struct named *n = &account.worst[i];

		json_array_append_new(worst,
				      json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I}",
						"stream", n->stream, "lane", (int)n->lane, "flow",
						(json_int_t)n->flow, "sent", (json_int_t)n->sent,
						"received", (json_int_t)n->received, "lost",
						(json_int_t)n->lost, "duplicated",
						(json_int_t)n->duplicated, "reordered",
						(json_int_t)n->reordered));
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "flows", (json_int_t)account.flows, "lossy",
			 (json_int_t)account.lossy, "duplicated", (json_int_t)account.doubled,
			 "reordered", (json_int_t)account.disordered, "worst", worst);
}
