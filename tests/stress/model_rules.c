/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules: see model_rules.h. */
#include "model_rules.h"

struct sum {
	uint32_t id;
	uint64_t own, others;
};

static void sum_add(const struct pp_cache_info *info, void *arg)
{
	struct sum *sum = arg;

	*(info->id == sum->id ? &sum->own : &sum->others) += info->cached;
}

void places_look(struct places *places, struct pp_pool *pool, const struct pp_cache *cache)
{
	struct sum sum = { .id = cache ? cache->id : UINT32_MAX };
	struct pp_page_info page;

	pp_pool_each_cache(pool, sum_add, &sum);
	pp_pool_stats(pool, &places->stats);
	places->own = sum.own;
	places->others = sum.others;
	places->deques = places->stats.deques;
	places->home = places->stats.depot + places->stats.fresh;
	places->room = 0;
	for (uint32_t p = 0; !pp_region_page(pp_pool_region(pool), p, &page); p++)
		places->room += page.present ? 0 : page.count;
}

void places_check(const struct places *p)
{
	const struct pp_stats *s = &p->stats;

	MUST(s->fresh + s->cached + s->deques + s->depot + s->reserve + s->collected +
		     s->in_flight ==
	     s->total);
	MUST(s->cached == p->own + p->others);
	MUST(s->reserve <= s->floor);
	MUST(!s->collected && !s->waiters);
	if (s->pressed != (s->marked || s->reserve < s->floor))
		fprintf(stderr, "pressed %d: %llu marked, reserve %llu of %llu\n", s->pressed,
			(unsigned long long)s->marked, (unsigned long long)s->reserve,
			(unsigned long long)s->floor);
	/* Caches are closed as long as there is a reason, and no longer. */
	MUST(s->pressed == (s->marked || s->reserve < s->floor));
	MUST(s->leased <= s->in_flight && s->marked <= s->in_flight + s->depot);
}

/* Of so many that come home, those that the reserve leaves. */
static uint64_t beyond(uint64_t n, uint64_t lack)
{
	return n > lack ? n - lack : 0;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool call_draws(struct call *call, const struct places *p, uint64_t reach, uint64_t home)
{
	uint64_t lack = p->stats.floor - p->stats.reserve;
	uint64_t reserve = p->stats.reserve + lesser(lack, home);

	if (!(call->flags & PP_CRITICAL) || call->n - reach > reserve)
		return false;
	call->got = call->n;
	call->drawn = call->drawn_most = call->n - reach;
	return true;
}

bool call_possible(const struct call *call, const struct places *p)
{
	uint64_t most = p->stats.total + (call->flags & PP_GROW ? p->room : 0);

	return call->n <= most - (call->flags & PP_CRITICAL ? 0 : lesser(p->stats.floor, most));
}

/* It has given back what it had, and the reserve took its part. */
static void call_waits(struct call *call, const struct places *p, uint64_t all)
{
	uint64_t lack = p->stats.floor - p->stats.reserve, pile = beyond(all, lack);
	uint64_t reserve = p->stats.reserve + lesser(lack, all);

	call->waits = call_possible(call, p);
	call->got = call->n;
	if (call->n <= pile)
		call->drawn_most = call->flags & PP_CRITICAL ? lesser(call->n, reserve) : 0;
	else if (call->flags & PP_CRITICAL && call->n - pile <= reserve) {
		call->drawn = call->n - pile;
		call->drawn_most = lesser(call->n, reserve);
	} else
		call->got = call->burst ? pile : 0;
}

void call_judge(struct call *call, const struct places *p, uint64_t added)
{
	uint64_t lack = p->stats.floor - p->stats.reserve, near = p->own + p->deques;
	uint64_t home = p->home, reach = near + beyond(home, lack);

	call->got = lesser(call->n, reach);
	call->drawn = call->drawn_most = call->grown = 0;
	call->waits = false;
	if (call->got == call->n || call_draws(call, p, reach, home))
		return;
	if (call->flags & PP_GROW && !call->refused)
		call->grown = lesser(p->room, call->n - reach);
	home += added;
	reach = near + beyond(home, lack);
	call->got = lesser(call->n, reach);
	if (call->got == call->n)
		return;
	if (call->flags & PP_WAIT) {
		/* Who cannot wait does not take anything back for that. */
		call_waits(call, p, near + home + (call_possible(call, p) ? p->others : 0));
		return;
	}
	if (call->flags & PP_GROW) {
		home += p->others;
		reach = near + beyond(home, lack);
		call->got = lesser(call->n, reach);
		if (call->got == call->n || call_draws(call, p, reach, home))
			return;
	}
	if (!call->burst)
		call->got = 0;
}
