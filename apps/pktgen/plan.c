/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan: what is sent, how fast, how long, and what must come of it. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

int plan_field(struct stream_spec *spec, const char *name, const char *value, struct wrong *wrong)
{
	enum field_kind kind = field_find(name);

	if (kind == FIELD_KINDS)
		return wrong_say(wrong, "unknown field '%.40s': must be one of %s", name,
				 field_names());
	field_end(&spec->fields[kind]);
	return field_parse(&spec->fields[kind], kind, value, wrong);
}

int plan_protocol(struct stream_spec *spec, const char *name, struct wrong *wrong)
{
	for (unsigned i = 0; i < STREAM_PROTOCOLS; i++) {
		if (strcmp(name, stream_protocol_name(i)) == 0) {
			spec->protocol = i;
			return 0;
		}
	}
	return wrong_say(wrong, "'%.40s' is no protocol: must be udp, tcp, ip or ethernet", name);
}

int plan_limits_refuse(const struct plan *plan, uint32_t limits, const char *why,
		       struct wrong *wrong)
{
	for (unsigned i = 0; i < plan->trials; i++) {
		uint32_t given = plan->trial[i].limits.given & limits;

		if (given != 0)
			return wrong_say(wrong, "%s: %s cannot be measured: %s",
					 plan->trial[i].name,
					 limit_name((enum limit)__builtin_ctz(given)), why);
	}
	return 0;
}

int plan_check(const struct plan *plan, struct wrong *wrong)
{
	for (unsigned i = 0; i < plan->trials; i++) {
		const struct plan_trial *t = &plan->trial[i];

		if (plan->pcap != NULL && t->frame != 0)
			return wrong_say(wrong,
					 "frames of %u bytes: those of a pcap file are as long "
					 "as they are",
					 t->frame);
		if (plan->speed > 0 && t->rate.unit != RATE_MAX)
			return wrong_say(wrong,
					 "a rate and a speed: a pcap file has its own timing or "
					 "another");
		if (t->rate.unit == RATE_MAX && t->limits.given >> LIMIT_RATE_ERROR & 1)
			return wrong_say(wrong,
					 "%s: max_rate_error cannot be measured: it has no rate "
					 "that could be missed: give it one",
					 t->name);
	}
	if (plan->pcap != NULL && !plan->sign)
		return plan_limits_refuse(plan, LIMITS_SIGNED,
					  "packets of a pcap file are only counted: sign them "
					  "(\"sign\": true)",
					  wrong);
	return 0;
}

void plan_end(struct plan *plan)
{
	for (unsigned i = 0; i < plan->streams; i++)
		stream_spec_end(&plan->stream[i]);
	free(plan->pcap);
	free(plan->trial);
	memset(plan, 0, sizeof(*plan));
}
