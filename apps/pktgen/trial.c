/* SPDX-License-Identifier: BSD-3-Clause */
/* Trial: one load for a time, and what came of it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "app.h"
#include "counter.h"
#include "generator.h"
#include "pktpool.h"
#include "pp_pktmbuf.h"
#include "trial.h"

/* Rounds without anything to receive after which what was sent is looked for. */
#define IDLE_ROUNDS 1024
/* All there: of --settle, how long a duplicate is still waited for. */
#define LINGER 0.1
/* After app_stop nobody waits longer. */
#define HURRY_SECONDS 0.2
#define START_SECONDS 0.001

/* Which lanes an lcore sends for, and which it receives for: every step'th from first. */
struct share {
	unsigned tx_first, tx_step, rx_first, rx_step; /* step 0: none */
};

/* One lcore does all; else the first half of them sends and the others receive. */
static struct share share_of(const struct generator *g, unsigned lcore)
{
	unsigned lcores = rte_lcore_count(), senders, receivers;

	if (lcores == 1)
		return (struct share){ 0, 1, 0, 1 };
	senders = RTE_MIN(g->lanes, lcores / 2);
	receivers = RTE_MIN(g->lanes, lcores - senders);
	if (lcore < senders)
		return (struct share){ .tx_first = lcore, .tx_step = senders };
	if (lcore < senders + receivers)
		return (struct share){ .rx_first = lcore - senders, .rx_step = receivers };
	return (struct share){ 0 };
}

static bool all_sent(const struct generator *g)
{
	for (unsigned i = 0; i < g->lanes; i++)
		if (__atomic_load_n(&g->lane[i].sender->end, __ATOMIC_ACQUIRE) == SENDER_GOES)
			return false;
	return true;
}

/* When the last packet went or came. */
static uint64_t last_moment(const struct generator *g)
{
	uint64_t last = g->started;

	for (unsigned i = 0; i < g->lanes; i++) {
		last = RTE_MAX(last, counter_read(&g->lane[i].sender->last));
		last = RTE_MAX(last, counter_read(&g->lane[i].receiver->last));
	}
	return last;
}

static bool all_came(const struct generator *g)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct receiver *r = g->lane[i].receiver;

		if (counter_read(&r->received) + counter_read(&r->corrupt) <
		    counter_read(&g->lane[i].sender->sent))
			return false;
	}
	return true;
}

/* Asked by the main lcore: whether nothing more is to be expected. */
static bool trial_over(const struct generator *g)
{
	double wait = g->o->settle;

	if (!all_sent(g))
		return false;
	if (g->o->tx_only || g->down)
		return true;
	if (all_came(g))
		wait *= LINGER;
	if (app_stop)
		wait = RTE_MIN(wait, HURRY_SECONDS);
	return (double)(int64_t)(rte_rdtsc() - last_moment(g)) > wait * (double)g->hz;
}

static void caches_take(struct generator *g, const struct share *share)
{
	struct pp_cache *cache = pp_pool_cache(pp_pktmbuf_pool(g->buffers.mp));

	for (unsigned i = share->tx_first; share->tx_step != 0 && i < g->lanes; i += share->tx_step)
		g->lane[i].sender->cache = cache;
	for (unsigned i = share->rx_first; share->rx_step != 0 && i < g->lanes; i += share->rx_step)
		g->lane[i].receiver->cache = cache;
}

/* Returns whether it may still send. */
static bool lane_send(struct generator *g, struct sender *s)
{
	enum sender_end end = s->end;

	if (end != SENDER_GOES)
		return false;
	if (likely(!app_stop && !g->down)) {
		sender_step(s);
		if (likely(s->end == SENDER_GOES))
			return true;
		end = s->end;
	} else {
		end = SENDER_DONE;
	}
	sender_finish(s);
	__atomic_store_n(&s->end, end, __ATOMIC_RELEASE);
	return false;
}

static unsigned lanes_receive(struct generator *g, const struct share *share)
{
	unsigned n = 0;

	for (unsigned i = share->rx_first; share->rx_step != 0 && i < g->lanes; i += share->rx_step)
		n += receiver_step(g->lane[i].receiver);
	return n;
}

static int lcore_run(void *arg)
{
	struct generator *g = arg;
	struct share share = share_of(g, (unsigned)rte_lcore_index(rte_lcore_id()));
	bool main = rte_lcore_id() == rte_get_main_lcore();
	unsigned idle = 0;

	if (g->o->tx_only)
		share.rx_step = 0;
	caches_take(g, &share);
	while (rte_rdtsc() < g->started)
		rte_pause();
	while (!g->over) {
		bool sends = false;
		unsigned came;

		for (unsigned i = share.tx_first; share.tx_step != 0 && i < g->lanes;
		     i += share.tx_step)
			sends |= lane_send(g, g->lane[i].sender);
		came = lanes_receive(g, &share);
		if (main && !sends && trial_over(g))
			g->over = true;
		idle = came == 0 ? idle + 1 : 0;
		if (sends || idle < IDLE_ROUNDS)
			continue;
		idle = 0;
		rte_pause();
		for (unsigned i = share.tx_first; share.tx_step != 0 && i < g->lanes;
		     i += share.tx_step)
			sender_flush(g->lane[i].sender);
	}
	return 0;
}

static int load_check(const struct generator *g, const struct trial_load *load)
{
	if (!(load->pps >= 0) || load->pps > RATE_PPS_MAX) {
		complain("a rate of %g packets a second: impossible: must be up to %g, or 0 for as "
			 "many as go",
			 load->pps, RATE_PPS_MAX);
		return -EINVAL;
	}
	if (load->packets == 0 && !(load->seconds > 0 && load->seconds <= PLAN_SECONDS_MAX)) {
		complain("a trial of %g seconds: must be above 0 and up to %g", load->seconds,
			 PLAN_SECONDS_MAX);
		return -EINVAL;
	}
	if (load->frame == 0)
		return 0;
	if (load->frame >= trial_frame_min(g) && load->frame <= trial_frame_max(g))
		return 0;
	complain("a frame of %u bytes: must be from %u to %u here", load->frame, trial_frame_min(g),
		 trial_frame_max(g));
	return -EINVAL;
}

static int trial_prepare(struct generator *g, const struct trial_load *load)
{
	uint64_t spare = load->packets % g->lanes;
	struct wrong wrong;

	g->trials++;
	g->over = false;
	g->started = rte_rdtsc() + (uint64_t)(START_SECONDS * (double)g->hz);
	for (unsigned i = 0; i < g->lanes; i++) {
		struct sender_load share = {
			.key = (uint32_t)number_mix((uint64_t)g->key << 32 | g->trials << 8 | i),
			.frame = load->frame,
			.pps = load->pps / g->lanes,
			.seconds = load->seconds,
			.packets = load->packets == 0 ? SENDER_ENDLESS
						      : load->packets / g->lanes + (i < spare),
			.start = g->started,
		};

		g->lane[i].sender->speed = g->o->plan.speed;
		if (sender_prepare(g->lane[i].sender, &share, &wrong) != 0) {
			complain("%s", wrong.text);
			return -EINVAL;
		}
		receiver_prepare(g->lane[i].receiver, share.key);
	}
	return 0;
}

double trial_seconds(const struct generator *g, const struct trial_load *load)
{
	if (load->packets == 0)
		return load->seconds;
	/* The first lanes send the odd ones, too. */
	if (g->o->plan.speed > 0)
		return replay_seconds(&g->replay, (load->packets + g->lanes - 1) / g->lanes) /
		       g->o->plan.speed;
	return load->pps > 0 ? (double)load->packets / load->pps : 0;
}

void trial_latency_add(const struct generator *g, struct histogram *h)
{
	for (unsigned i = 0; i < g->lanes; i++)
		histogram_merge(h, &g->lane[i].receiver->latency);
}

void trial_latency_make(const struct generator *g, struct trial_latency *l,
			const struct histogram *h)
{
	double ns = 1e9 / (double)g->hz;

	*l = (struct trial_latency){ 0 };
	if (h->count == 0)
		return;
	l->count = h->count;
	l->min = (uint64_t)((double)h->min * ns);
	l->p50 = (uint64_t)((double)histogram_quantile(h, 0.5) * ns);
	l->p90 = (uint64_t)((double)histogram_quantile(h, 0.9) * ns);
	l->p99 = (uint64_t)((double)histogram_quantile(h, 0.99) * ns);
	l->p999 = (uint64_t)((double)histogram_quantile(h, 0.999) * ns);
	l->max = (uint64_t)((double)h->max * ns);
	l->mean = (double)h->sum / (double)h->count * ns;
}

/* From the first to the last of n there are n - 1 distances. */
static double pps_of(uint64_t n, uint64_t first, uint64_t last, uint64_t hz)
{
	return n < 2 || last <= first ? 0 : (double)(n - 1) * (double)hz / (double)(last - first);
}

static void result_make(const struct generator *g, const struct trial_load *load,
			struct trial_result *r)
{
	static struct histogram all;
	uint64_t bytes = 0, first = UINT64_MAX, last = 0;

	memset(&all, 0, sizeof(all));
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct sender *s = g->lane[i].sender;
		const struct receiver *v = g->lane[i].receiver;

		r->sent += s->sent;
		bytes += s->bytes;
		r->refused += s->refused;
		r->received += v->received;
		r->corrupt += v->corrupt;
		r->foreign += v->foreign;
		r->duplicated += v->sequence.duplicated;
		r->reordered += v->sequence.reordered;
		r->extent = RTE_MAX(r->extent, v->sequence.extent);
		r->tx_pps += pps_of(s->sent, s->first, s->last, g->hz);
		r->rx_pps += pps_of(v->received, v->first, v->last, g->hz);
		if (s->sent == 0)
			continue;
		first = RTE_MIN(first, s->first);
		last = RTE_MAX(last, s->last);
	}
	if (!g->o->tx_only && r->received < r->sent)
		r->lost = r->sent - r->received;
	r->seconds = last > first ? (double)(last - first) / (double)g->hz : 0;
	if (r->sent > 0) {
		double mean = (double)bytes / (double)r->sent;

		r->tx_bps_l2 = r->tx_pps * mean * 8;
		r->tx_bps_l1 = r->tx_pps * (mean + TRIAL_WIRE_BYTES) * 8;
	}
	if (load->pps > 0 && r->sent > 1)
		r->rate_error = r->tx_pps / load->pps - 1;
	r->interrupted = app_stop;
	trial_latency_add(g, &all);
	trial_latency_make(g, &r->latency, &all);
}

/* What made it end that is not in the numbers. */
static int trial_judge(struct generator *g, const struct trial_result *r)
{
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct port *port = &g->ports.at[g->lane[i].tx_at];

		switch (g->lane[i].sender->end) {
		case SENDER_DRY:
			complain(
				"the pool had no buffer to send for 1 s: its %u are in rings, or in "
				"packets that nobody takes: --buffers %u",
				g->o->buffers.buffers, 2 * g->o->buffers.buffers);
			return -ENOBUFS;
		case SENDER_STUCK:
			complain("port %u (%s) took no packet for %d s: is its other end there?",
				 port->id, port->name, SENDER_PATIENCE);
			return -ENETDOWN;
		default:
			break;
		}
	}
	if (g->down)
		return -ENETDOWN;
	return r->interrupted ? -EINTR : 0;
}

int trial_run(struct generator *g, const struct trial_load *load, struct trial_result *r)
{
	int err = load_check(g, load);

	memset(r, 0, sizeof(*r));
	if (err != 0)
		return err;
	if (app_stop) {
		r->interrupted = true;
		return -EINTR;
	}
	if (g->down)
		return -ENETDOWN;
	err = trial_prepare(g, load);
	if (err != 0)
		return err;
	view_trial(g, load);
	g->running = true;
	rte_eal_mp_remote_launch(lcore_run, g, CALL_MAIN);
	rte_eal_mp_wait_lcore();
	g->running = false;
	result_make(g, load, r);
	view_trial_end(g);
	return trial_judge(g, r);
}
