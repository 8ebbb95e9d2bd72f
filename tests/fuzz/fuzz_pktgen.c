/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktgen: any bytes as a test file, a pcap file, a field's values, a mix or a rate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What is refused has its reason, in one line. */
static void refused(const struct wrong *wrong)
{
	if (wrong->text[0] == '\0' || strchr(wrong->text, '\n') != NULL)
		abort();
}

static void fuzz_plan(const char *text, size_t bytes)
{
	struct wrong wrong = { "" };
	struct plan plan;

	if (plan_parse(&plan, text, bytes, "t.json", &wrong) != 0)
		refused(&wrong);
	else if ((plan.trials == 0 && (plan.trial || plan.limited)) || plan.streams > PLAN_STREAMS)
		abort();
	plan_end(&plan);
}

/* What was accepted lies inside the file, in the order of time. */
static void fuzz_replay(uint8_t *file, size_t bytes, bool sign)
{
	struct wrong wrong = { "" };
	struct replay r;
	FILE *f = bytes == 0 ? NULL : fmemopen(file, bytes, "rb");

	if (f == NULL)
		return;
	if (replay_take(&r, f, "t.pcap", sign, &wrong) != 0) {
		refused(&wrong);
		replay_end(&r);
		return;
	}
	for (uint64_t i = 0; i < r.n; i++) {
		const struct replay_packet *p = &r.packets[i];

		if (p->bytes + 4U > r.longest || p->check + 2U > p->bytes ||
		    (i > 0 && p->ns < p[-1].ns))
			abort();
		if (sign && p->bytes < SIGNATURE_BYTES)
			abort();
		/* Read, so that a sanitizer sees it. */
		if (r.data[p->at] == r.data[p->at + p->bytes - 1] && r.period == UINT64_MAX)
			abort();
	}
	replay_end(&r);
}

static void fuzz_field(const char *text, enum field_kind kind)
{
	struct wrong wrong = { "" };
	struct field f;

	if (field_parse(&f, kind, text, &wrong) != 0) {
		refused(&wrong);
		return;
	}
	for (uint64_t turn = 0; turn < 8; turn++) {
		struct field_value v = field_at(&f, turn * turn * turn, 1);

		if ((kind == FIELD_SRC_PORT && v.lo > 65535) || (kind == FIELD_VLAN && v.lo > 4094))
			abort();
	}
	field_end(&f);
}

static void fuzz_words(const char *text)
{
	struct wrong wrong = { "" };
	struct rate rate;
	struct mix mix;

	if (mix_parse(&mix, text, &wrong) != 0)
		refused(&wrong);
	else if (!(mix_mean(&mix) >= MIX_FRAME_MIN && mix_mean(&mix) <= MIX_FRAME_MAX))
		abort();
	wrong.text[0] = '\0';
	if (rate_parse(&rate, text, &wrong) != 0)
		refused(&wrong);
	else if (rate.unit != RATE_MAX && !(rate.value > 0))
		abort();
}

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);

	if (bytes == 0 || text == NULL) {
		free(text);
		return 0;
	}
	memcpy(text, data + 1, bytes - 1);
	text[bytes - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		fuzz_plan(text, bytes - 1);
		break;
	case 1:
		fuzz_replay((uint8_t *)text, bytes - 1, data[0] & 4);
		break;
	case 2:
		fuzz_field(text, data[0] / 4 % FIELD_KINDS);
		break;
	default:
		fuzz_words(text);
		break;
	}
	free(text);
	return 0;
}
