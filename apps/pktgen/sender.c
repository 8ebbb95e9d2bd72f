/* SPDX-License-Identifier: BSD-3-Clause */
/* Sender: takes buffers 64 at a time, makes packets of them and sends these in time. */
#include <math.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "counter.h"
#include "pktpool.h"
#include "sender.h"
#include "sum.h"

/* After the time is over, for what was due before. */
#define LATE_SECONDS 1

int sender_begin(struct sender *s, struct plan *plan, const struct replay *replay,
		 const uint8_t mac[6], struct wrong *wrong)
{
	uint32_t weights[PLAN_STREAMS], flows = 0;
	int err;

	s->replay = replay;
	if (replay != NULL)
		return 0;
	s->stream = calloc(plan->streams, sizeof(*s->stream));
	s->turn_of = calloc(MIX_TURNS, sizeof(*s->turn_of));
	if (s->stream == NULL || s->turn_of == NULL) {
		wrong_say(wrong, "no memory");
		return -ENOMEM;
	}
	for (; s->streams < plan->streams; s->streams++) {
		struct stream *stream = &s->stream[s->streams];
		struct stream_spec *spec = &plan->stream[s->streams];
		struct wrong inside;

		err = stream_begin(stream, spec, mac, number_mix(plan->seed + s->streams), &inside);
		if (err != 0) {
			wrong_say(wrong, "%s: %s", spec->name, inside.text);
			stream_end(stream);
			return err;
		}
		stream->flow_first = flows;
		flows += stream->flows;
		weights[s->streams] = spec->weight;
		if (flows > SIGNATURE_FLOWS)
			return wrong_say(wrong, "%u flows: at most %d in all streams", flows,
					 SIGNATURE_FLOWS);
	}
	err = mix_turns(weights, s->streams, s->turn_of, wrong);
	s->turns = err < 0 ? 0 : (unsigned)err;
	return err < 0 ? err : 0;
}

void sender_end(struct sender *s)
{
	for (unsigned i = 0; i < s->streams; i++)
		stream_end(&s->stream[i]);
	free(s->stream);
	free(s->turn_of);
	s->stream = NULL;
	s->turn_of = NULL;
	s->streams = 0;
}

uint32_t sender_flows(const struct sender *s)
{
	const struct stream *last = &s->stream[s->streams - 1];

	return s->replay != NULL ? 1 : last->flow_first + last->flows;
}

double sender_frame_mean(const struct sender *s)
{
	double bytes = 0, weight = 0;

	if (s->replay != NULL)
		return s->replay->mean;
	for (unsigned i = 0; i < s->streams; i++) {
		const struct stream_spec *spec = s->stream[i].spec;

		bytes += mix_mean(&spec->mix) * spec->weight;
		weight += spec->weight;
	}
	return bytes / weight;
}

int sender_prepare(struct sender *s, const struct sender_load *load, struct wrong *wrong)
{
	s->sent = s->bytes = s->refused = s->first = s->last = 0;
	s->end = SENDER_GOES;
	s->key = load->key;
	s->hz = rte_get_tsc_hz();
	s->ns_per_tick = 1e9 / (double)s->hz;
	s->turn = 0;
	s->replayed = 0;
	s->dry = 0;
	s->stashed = s->held = s->held_at = 0;
	s->left = load->packets;
	s->deadline = UINT64_MAX;
	if (load->packets == SENDER_ENDLESS) {
		s->deadline = load->start + (uint64_t)(load->seconds * (double)s->hz);
		if (load->pps > 0)
			s->left = (uint64_t)fmax(1, round(load->seconds * load->pps));
	}
	pacer_begin(&s->pacer, load->pps, (double)s->hz, load->start);
	for (unsigned i = 0; i < s->streams; i++) {
		int err = stream_rewind(&s->stream[i], load->frame, wrong);

		if (err != 0)
			return err;
	}
	return 0;
}

/* How many of the file's packets are due by its own timing. */
static unsigned replay_due(const struct sender *s, uint64_t now, unsigned most)
{
	const struct replay *r = s->replay;
	double ns = (double)(int64_t)(now - s->pacer.start) * s->ns_per_tick * s->speed;
	uint64_t at = s->replayed % r->n, rounds = s->replayed / r->n;
	double round = (double)rounds * (double)r->period;
	unsigned n = 0;

	while (n < most && round + (double)r->packets[at].ns <= ns) {
		n++;
		if (++at == r->n) {
			at = 0;
			round += (double)r->period;
		}
	}
	return n;
}

/* With a new signature, the checksum over it follows. */
static void replay_sign(const struct replay_packet *p, uint8_t *data, uint32_t key, uint32_t number,
			uint64_t tsc)
{
	struct signature signature = signature_make(key, number, 0, tsc);
	uint64_t sum = signature_sum(signature);
	uint16_t check;

	signature_write(signature, data + p->bytes - SIGNATURE_BYTES);
	if (p->check == 0)
		return;
	check = (uint16_t)~sum_fold((p->odd ? sum_shift(sum) : sum_fold(sum)) + (uint64_t)p->base);
	if (p->udp && check == 0)
		check = 0xffff;
	memcpy(data + p->check, &check, sizeof(check));
}

static void replay_fill(struct sender *s, struct rte_mbuf **mbufs, unsigned n, uint64_t now)
{
	const struct replay *r = s->replay;
	uint64_t at = s->replayed % r->n;

	for (unsigned i = 0; i < n; i++) {
		const struct replay_packet *p = &r->packets[at];
		struct rte_mbuf *m = mbufs[i];
		uint8_t *data;

		rte_pktmbuf_reset(m);
		data = rte_pktmbuf_mtod(m, uint8_t *);
		memcpy(data, r->data + p->at, p->bytes);
		if (r->sign)
			replay_sign(p, data, s->key, (uint32_t)(s->replayed + i), now);
		m->data_len = p->bytes;
		m->pkt_len = p->bytes;
		s->hold_of[i] = NULL;
		at = at + 1 == r->n ? 0 : at + 1;
	}
	s->replayed += n;
}

static void streams_fill(struct sender *s, struct rte_mbuf **mbufs, unsigned n, uint64_t now)
{
	unsigned done = 0;

	while (done < n) {
		struct stream *stream = &s->stream[s->turn_of[s->turn]];
		unsigned run = s->turns == 1 ? n : 1;

		if (s->turns > 1)
			s->turn = s->turn + 1 == s->turns ? 0 : s->turn + 1;
		stream_fill(stream, mbufs + done, run, s->key, now);
		for (unsigned i = 0; i < run; i++)
			s->hold_of[done + i] = stream;
		done += run;
	}
}

/* Whole bulks from the pool: a packet at a time would ask it each time. */
static bool stash_fill(struct sender *s, uint64_t now)
{
	if (pp_alloc_bulk(s->cache, (void **)s->stash, SENDER_BURST, 0) == SENDER_BURST)
		s->stashed = SENDER_BURST;
	else
		s->stashed = pp_alloc_burst(s->cache, (void **)s->stash, SENDER_BURST, 0);
	if (s->stashed > 0) {
		s->dry = 0;
		return true;
	}
	/* It is in rings, and comes back when the driver is asked. */
	sender_flush(s);
	if (s->dry == 0)
		s->dry = now;
	if (now - s->dry > s->hz)
		s->end = SENDER_DRY;
	return false;
}

/* Makes the packets that are due. */
static void sender_make(struct sender *s, uint64_t now)
{
	unsigned n = RTE_MIN((uint64_t)s->burst, s->left);

	/* What was due by then may still go, but not for ever. */
	if (n == 0 || (now >= s->deadline &&
		       (s->pacer.per_tick == 0 || now - s->deadline > LATE_SECONDS * s->hz))) {
		s->end = SENDER_DONE;
		return;
	}
	if (s->stashed == 0 && !stash_fill(s, now))
		return;
	n = RTE_MIN(n, s->stashed);
	n = s->speed > 0 ? replay_due(s, RTE_MIN(now, s->deadline), n)
			 : pacer_take(&s->pacer, RTE_MIN(now, s->deadline), n);
	if (n == 0) {
		if (now >= s->deadline)
			s->end = SENDER_DONE;
		return;
	}
	s->stashed -= n;
	for (unsigned i = 0; i < n; i++)
		s->hold[i] = s->stash[s->stashed + i];
	if (s->replay != NULL)
		replay_fill(s, s->hold, n, now);
	else
		streams_fill(s, s->hold, n, now);
	for (unsigned i = 0; i < n; i++)
		s->hold_bytes[i] = s->hold[i]->data_len;
	s->held_at = 0;
	s->held = n;
	s->left -= n;
	if (s->first == 0)
		s->first = s->last = now;
}

/* The driver took some: those count. */
static void sender_count(struct sender *s, unsigned from, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = from; i < from + n; i++) {
		bytes += s->hold_bytes[i] + RTE_ETHER_CRC_LEN;
		if (s->hold_of[i] != NULL)
			s->hold_of[i]->accepted++;
	}
	counter_add(&s->bytes, bytes);
	counter_add(&s->sent, n);
}

static void sender_restamp(struct sender *s, uint64_t now)
{
	for (unsigned i = s->held_at; i < s->held; i++) {
		uint8_t *data = rte_pktmbuf_mtod(s->hold[i], uint8_t *);

		if (s->hold_of[i] != NULL)
			stream_restamp(s->hold_of[i], data, s->hold_bytes[i], now);
		else if (s->replay->sign)
			replay_sign(&s->replay->packets[(s->replayed - s->held + i) % s->replay->n],
				    data, s->key, (uint32_t)(s->replayed - s->held + i), now);
	}
}

void sender_step(struct sender *s)
{
	uint64_t now = rte_rdtsc();
	unsigned n, took;

	if (s->held_at == s->held)
		sender_make(s, now);
	else if (now >= s->deadline &&
		 (s->pacer.per_tick == 0 || now - s->deadline > LATE_SECONDS * s->hz))
		s->end = SENDER_DONE;
	else
		sender_restamp(s, now);
	n = s->held - s->held_at;
	if (n == 0 || s->end != SENDER_GOES)
		return;
	took = rte_eth_tx_burst(s->port, 0, s->hold + s->held_at, (uint16_t)n);
	sender_count(s, s->held_at, took);
	s->held_at += took;
	if (took > 0)
		s->last = rte_rdtsc();
	if (took < n) {
		counter_add(&s->refused, 1);
		if (now - s->last > SENDER_PATIENCE * s->hz && now > s->last)
			s->end = SENDER_STUCK;
	}
}

void sender_finish(struct sender *s)
{
	if (s->held_at < s->held)
		pp_free_bulk(s->cache, (void *const *)s->hold + s->held_at, s->held - s->held_at);
	if (s->stashed > 0)
		pp_free_bulk(s->cache, (void *const *)s->stash, s->stashed);
	s->held = s->held_at = s->stashed = 0;
}

/*
 * Most drivers look for what has been sent only when there is more to send.
 * (net_af_xdp has no call for it, but sending none does it, and wakes the kernel.)
 */
void sender_flush(const struct sender *s)
{
	struct rte_mbuf *none[1];

	if (rte_eth_tx_done_cleanup(s->port, 0, 0) == -ENOTSUP)
		rte_eth_tx_burst(s->port, 0, none, 0);
}
