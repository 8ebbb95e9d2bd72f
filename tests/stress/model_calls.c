/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: see model_calls.h. */
#include "model_calls.h"

#include <time.h>

#include "model_forms.h"
#include "model_refuser.h"

#define MOST 400

/* What a call that comes too late has in line all the same (pp_queue.c). */
#define IN_LINE_NS 20000000

uint32_t model_random(struct model *m, uint32_t below)
{
	return below ? random_next(&m->seed) % below : 0;
}

static uint32_t model_amount(struct model *m)
{
	static const uint32_t most[] = { 2, 40, 40, MOST, 3 * MOST };

	return model_random(m, most[model_random(m, 5)]);
}

static bool model_marked(struct model *m, const void *buf)
{
	return pp_marked(m->pool, buf);
}

uint32_t marked_among(const struct pp_pool *pool, void *const *bufs, uint32_t n)
{
	uint32_t marked = 0;

	for (uint32_t i = 0; i < n; i++)
		marked += pp_marked(pool, bufs[i]);
	return marked;
}

static void model_take(struct model *m, uint64_t n)
{
	marks_take(&m->marks, m->pool, m->held + m->n, (unsigned)n, 1);
	m->n += (uint32_t)n;
	m->out += n;
}

/* The last n of what is held, after some have changed places; no longer held. */
static void **model_drop(struct model *m, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = model_random(m, m->n - i), k = m->n - 1 - i;
		void *buf = m->held[j];

		m->held[j] = m->held[k];
		m->held[k] = buf;
	}
	m->n -= n;
	m->out -= n;
	marks_drop(&m->marks, m->pool, m->held + m->n, n, 1);
	return m->held + m->n;
}

/* Its deadline is long ago, or it has none and is cancelled: either way it does not sleep. */
static uint32_t call_wait(struct model *m, const struct call *call)
{
	bool late = model_random(m, 2);
	struct pp_wait wait;
	uint32_t got;

	pp_wait_until(&wait, late ? model_random(m, 3) : PP_FOREVER);
	if (!late)
		pp_wait_cancel(&wait);
	errno = 0;
	got = pp_alloc_bulk_wait(m->cache, m->held + m->n, call->n, call->flags, &wait);
	MUST(got || errno == (!call_possible(call, &m->before) ? EINVAL
			      : late                           ? ETIMEDOUT
							       : ECANCELED));
	return got;
}

static uint32_t call_run(struct model *m, struct call *call)
{
	void **bufs = m->held + m->n;
	uint32_t got;

	if (call->flags & PP_WAIT && !call->burst)
		return call_wait(m, call);
	if (call->n == 1 && model_random(m, 2))
		return (bufs[0] = pp_alloc(m->cache, call->flags)) != NULL;
	if (!(call->flags & PP_WAIT) && form_run(m, call, &got))
		return got;
	return call->burst ? pp_alloc_burst(m->cache, bufs, call->n, call->flags)
			   : pp_alloc_bulk(m->cache, bufs, call->n, call->flags);
}

static void call_make(struct model *m, struct call *call)
{
	static const unsigned flags[] = {
		0,
		0,
		PP_CRITICAL,
		PP_CRITICAL,
		PP_GROW,
		PP_GROW | PP_CRITICAL,
		PP_WAIT,
		PP_WAIT | PP_CRITICAL,
		PP_WAIT | PP_GROW,
		PP_WAIT | PP_GROW | PP_CRITICAL,
	};

	*call = (struct call){
		.n = model_amount(m),
		.flags = flags[model_random(m, 10)],
		.burst = model_random(m, 2),
		.refused = refusing || m->remembered,
	};
	/* New hugepages take their time. */
	if (call->flags & PP_GROW && model_random(m, 50))
		call->flags &= ~(unsigned)PP_GROW;
	/* There is one node only: it changes nothing. */
	if (model_random(m, 3) == 0)
		call->flags |= PP_REMOTE;
}

static void call_report(const struct call *call, const struct places *p, uint32_t got)
{
	fprintf(stderr,
		"flags %#x%s: %u of %u had, %llu by the rules; own %llu, others' %llu, "
		"deques %llu, home %llu, reserve %llu of %llu\n",
		call->flags, call->burst ? " burst" : "", got, call->n,
		(unsigned long long)call->got, (unsigned long long)p->own,
		(unsigned long long)p->others, (unsigned long long)p->deques,
		(unsigned long long)p->home, (unsigned long long)p->stats.reserve,
		(unsigned long long)p->stats.floor);
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void model_alloc(struct model *m)
{
	struct places after;
	struct call call;
	uint64_t drawn, began;
	uint32_t got, marked, had;
	bool slow;

	call_make(m, &call);
	if (m->n + call.n > HELD || !call.n)
		return;
	began = clock_ns();
	got = call_run(m, &call);
	slow = clock_ns() - began >= IN_LINE_NS;
	places_look(&after, m->pool, m->cache);
	call_judge(&call, &m->before, after.stats.total - m->before.stats.total);
	/* Its time in line went by while it had no CPU: then nothing is certain. */
	slow = slow && call.flags & PP_WAIT &&
	       after.stats.sum.timeout > m->before.stats.sum.timeout;
	had = call.stop && call.stop < call.got ? call.stop : (uint32_t)call.got;
	if (got != had && !slow)
		call_report(&call, &m->before, got);
	MUST(got == had || (slow && got < had));
	marked = marked_among(m->pool, m->held + m->n, got);
	/* Of those that a callback did not want some may have been. */
	drawn = after.stats.sum.reserve - m->before.stats.sum.reserve;
	MUST(marked == drawn || (got < call.got && marked < drawn));
	MUST((drawn >= call.drawn || slow) && drawn <= call.drawn_most);
	MUST(after.stats.total - m->before.stats.total >= call.grown || slow);
	MUST(call.grown || after.stats.total == m->before.stats.total);
	m->timeouts += call.waits && got < call.n;
	m->failed[call.waits] += call.got < call.n;
	m->grown += call.grown;
	m->remembered |= after.stats.pages_lost > m->before.stats.pages_lost;
	m->drawn += drawn;
	model_take(m, got);
}

/* Own, at once, or not at all: the least that can be said of it. */
static void model_try(struct model *m)
{
	uint32_t n = 1 + model_random(m, 40), got;
	bool burst = model_random(m, 2), handed = !burst && model_random(m, 2), sure = false;
	void **bufs = m->held + m->n;

	if (m->n + n > HELD)
		return;
	/* What it has just been given it has, unless somebody needs that. */
	if (m->n && model_random(m, 2)) {
		bufs = model_drop(m, 1);
		pp_free(m->cache, bufs[0]);
		places_look(&m->before, m->pool, m->cache);
		sure = m->before.own && !m->before.stats.pressed;
		n = 1;
	}
	bufs = m->held + m->n;
	got = burst    ? pp_alloc_burst(m->cache, bufs, n, PP_TRY)
	      : handed ? form_callback(m, n, PP_TRY)
		       : pp_alloc_bulk(m->cache, bufs, n, PP_TRY);
	MUST(got <= m->before.own && (got == n || burst || !got) && got <= n);
	if (sure && !got)
		fprintf(stderr, "own %llu\n", (unsigned long long)m->before.own);
	MUST(!sure || got);
	MUST(!marked_among(m->pool, bufs, got));
	model_take(m, got);
}

static void model_free(struct model *m)
{
	uint32_t n = model_amount(m), way = model_random(m, 10);
	void **bufs;

	n = n < m->n ? n : m->n;
	m->late += way > 7 ? n : 0;
	bufs = model_drop(m, n);
	switch (way) {
	case 0:
		pp_pool_free(m->pool, bufs, n);
		break;
	case 1:
		MUST(pp_free_any(bufs, n) == n);
		break;
	case 2:
		for (uint32_t i = 0; i < n; i++)
			*(void **)bufs[i] = i + 1 < n ? bufs[i + 1] : NULL;
		MUST(pp_free_bulk_list(m->cache, n ? bufs[0] : NULL) == n);
		break;
	case 3 ... 4:
		for (uint32_t i = 0; i < n; i++)
			pp_free(m->cache, bufs[i]);
		break;
	case 8:
		pp_free_nolock(m->cache, bufs, n);
		break;
	case 9:
		pp_free_nolock(NULL, bufs, n);
		break;
	default:
		pp_free_bulk(m->cache, bufs, n);
	}
}

static void model_refuse(struct model *m)
{
	uint32_t n = m->n < 50 ? m->n : 50, kept, k = 0;
	void **bufs = model_drop(m, n), *right[50] = { NULL };

	for (uint32_t i = 0; i < n; i++)
		if (!model_marked(m, bufs[i]))
			right[k++] = bufs[i];
	kept = pp_refuse_marked(m->cache, bufs, n);
	MUST(kept == k && !memcmp(bufs, right, k * sizeof(*bufs)));
	m->refused += n - kept;
	model_take(m, kept);
}

static void model_pass(struct model *m)
{
	void *from, *to;
	bool may, was;

	if (!m->n)
		return;
	from = m->held[model_random(m, m->n)];
	to = m->held[model_random(m, m->n)];
	was = model_marked(m, to);
	may = model_marked(m, from) && !was;
	MUST(pp_mark_pass(m->pool, from, to) == may);
	MUST(model_marked(m, to) == (was || may));
	MUST(!may || !model_marked(m, from));
}

/* Granted if the reserve has them; then each can be had. */
static void model_lease(struct model *m)
{
	struct pp_lease **lease = &m->leases[model_random(m, LEASES)];
	uint32_t n = model_random(m, 60);
	int rc;

	if (!*lease) {
		rc = pp_reserve_lease(m->pool, n, lease);
		MUST(rc == (!n || n > m->before.stats.floor ? -EINVAL
			    : n > m->before.stats.reserve   ? -EAGAIN
							    : 0));
		m->leased += rc ? 0 : n;
		m->out += rc ? 0 : n;
		return;
	}
	for (; n && m->n < HELD && pp_lease_left(*lease); n--) {
		m->held[m->n] = pp_lease_take(*lease);
		MUST(m->held[m->n] && !model_marked(m, m->held[m->n]));
		m->leased--;
		m->out--;
		model_take(m, 1);
	}
	if (model_random(m, 2))
		return;
	n = pp_lease_left(*lease);
	MUST(n || !pp_lease_take(*lease));
	pp_lease_end(*lease);
	*lease = NULL;
	m->leased -= n;
	m->out -= n;
}

/* All that is free fills it up, idle or not. */
static void model_floor(struct model *m)
{
	uint64_t total = m->before.stats.total, there = total - m->out;
	uint32_t floor = model_random(m, 4) ? model_random(m, 300)
					    : (uint32_t)model_random(m, (uint32_t)total + 50);
	struct pp_stats s;
	int rc = pp_pool_set_reserve(m->pool, floor);

	MUST(rc == (floor > total ? -EINVAL : 0));
	if (rc)
		return;
	s = stats_of(m->pool);
	MUST(s.floor == floor);
	MUST(s.reserve <= (floor < there ? floor : there));
	if (!m->late)
		MUST(s.reserve == (floor < there ? floor : there));
}

static void model_pages(struct model *m)
{
	uint32_t n = 1 + model_random(m, 300);
	int rc;

	refusing = model_random(m, 3) == 0;
	if (model_random(m, 3) == 0) {
		rc = pp_pool_grow(m->pool, n);
		MUST(rc == (!m->before.room ? -ENOSPC : refusing ? -EIO : rc));
		MUST(rc > 0 || !m->before.room || refusing);
		m->remembered |= rc == -EIO;
		return;
	}
	rc = pp_pool_shrink(m->pool, n, 0);
	MUST(rc > 0 || rc == -EBUSY);
	/* The device has room again. */
	m->remembered &= rc < 0;
	m->shrunk += rc > 0 ? (uint64_t)rc : 0;
}

static void model_others(struct model *m)
{
	uint32_t r = model_random(m, 40), n = model_amount(m);
	struct pp_cache **cache;

	if (r < 3) {
		pp_pool_collect(m->pool);
		MUST(!stats_of(m->pool).cached);
	} else if (r < 5) {
		cache = &m->caches[model_random(m, CACHES)];
		pp_cache_destroy(*cache);
		*cache = pp_cache_create(m->pool, "another");
		MUST(*cache);
		m->cache = *cache;
	} else if (r < 15 && m->n + n <= HELD) {
		n = pp_pool_alloc_burst(m->pool, m->held + m->n, n);
		MUST(n <= m->before.home + m->before.deques);
		MUST(!marked_among(m->pool, m->held + m->n, n));
		model_take(m, n);
	} else if (r < 25)
		model_pass(m);
	else if (r < 30)
		model_floor(m);
	else if (r == 30 && !model_random(m, 20))
		model_pages(m);
	else
		model_lease(m);
}

void model_call(struct model *m)
{
	uint32_t r = model_random(m, 32);

	if (r < 14)
		model_alloc(m);
	else if (r < 26)
		model_free(m);
	else if (r < 28)
		model_try(m);
	else if (r < 29)
		model_refuse(m);
	else
		model_others(m);
}
