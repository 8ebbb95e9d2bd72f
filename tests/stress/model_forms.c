/* SPDX-License-Identifier: BSD-3-Clause */
/* Forms: see model_forms.h. */
#include "model_forms.h"

struct handed {
	void **bufs;
	uint32_t n, most;
};

static bool hand_one(void *buf, void *arg)
{
	struct handed *handed = arg;

	handed->bufs[handed->n++] = buf;
	return handed->n != handed->most;
}

static uint32_t callback_run(struct model *m, uint32_t n, unsigned flags, uint32_t most)
{
	struct handed handed = { m->held + m->n, 0, most };
	uint32_t got = pp_alloc_bulk_cb(m->cache, n, flags, hand_one, &handed);

	MUST(got == handed.n);
	return got;
}

uint32_t form_callback(struct model *m, uint32_t n, unsigned flags)
{
	return callback_run(m, n, flags, 0);
}

static uint32_t form_list(struct model *m, const struct call *call)
{
	void **bufs = m->held + m->n;
	uint32_t got;

	bufs[0] = NULL;
	got = pp_alloc_bulk_list(m->cache, bufs, call->n, call->flags);
	for (uint32_t i = 1; i < got; i++)
		bufs[i] = *(void **)bufs[i - 1];
	return got;
}

static uint32_t form_fill(struct model *m, const struct call *call)
{
	memset(m->held + m->n, 0, call->n * sizeof(void *));
	return pp_alloc_bulk_fill(m->cache, m->held + m->n, call->n, call->flags);
}

/* All are there before the first is handed over: what is left when it stops comes home. */
static uint32_t form_whole(struct model *m, struct call *call)
{
	call->stop = model_random(m, 3) ? 0 : 1 + model_random(m, call->n);
	return callback_run(m, call->n, call->flags, call->stop);
}

bool form_run(struct model *m, struct call *call, uint32_t *got)
{
	uint32_t way = model_random(m, 5);

	if (call->flags & PP_CRITICAL) {
		if (way || call->burst)
			return false;
		*got = form_whole(m, call);
		return true;
	}
	/* The others take 64 at a time, and between two the reserve takes its part. */
	if (call->flags & ~(unsigned)PP_REMOTE || m->before.stats.reserve < m->before.stats.floor)
		return false;
	if (way == 0) {
		/* 64 at a time, as far as they go. */
		call->burst = true;
		*got = form_whole(m, call);
	} else if (way == 1)
		*got = call->burst ? form_fill(m, call) : form_list(m, call);
	return way < 2;
}
