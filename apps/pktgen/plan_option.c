/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan option: what a plan is made of on the command line, where there is no test file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "argument.h"
#include "plan_option.h"

int plan_options_begin(struct plan *plan)
{
	plan->trial = calloc(1, sizeof(*plan->trial));
	if (plan->trial == NULL)
		return -ENOMEM;
	plan->trials = 1;
	snprintf(plan->trial[0].name, sizeof(plan->trial[0].name), "trial 1");
	return 0;
}

static void field_take(struct argp_state *state, struct stream_spec *spec, const char *text)
{
	const char *equals = strchr(text, '=');
	struct wrong wrong;
	char name[32];

	if (equals == NULL || (size_t)(equals - text) >= sizeof(name))
		argp_error(state,
			   "--field %s: must be NAME=VALUES, e.g. --field "
			   "src-ip=10.0.0.1-10.0.0.9",
			   text);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	if (plan_field(spec, name, equals + 1, &wrong) != 0)
		argp_error(state, "--field %s: %s", text, wrong.text);
}

bool plan_option_take(int key, char *arg, struct argp_state *state, struct plan *plan)
{
	struct stream_spec *spec = &plan->stream[0];
	struct plan_trial *trial = plan->trial;
	struct wrong wrong;

	switch (key) {
	case PLAN_KEY_RATE:
		if (rate_parse(&trial->rate, arg, &wrong) != 0)
			argp_error(state, "--rate %s: %s", arg, wrong.text);
		return true;
	case PLAN_KEY_SECONDS:
		trial->seconds =
			argument_real(state, "seconds", arg, PLAN_SECONDS_MIN, PLAN_SECONDS_MAX);
		return true;
	case PLAN_KEY_PACKETS:
		trial->packets = argument_whole(state, "packets", arg, 1, PLAN_PACKETS_MAX);
		return true;
	case PLAN_KEY_FRAME:
		if (mix_parse(&spec->mix, arg, &wrong) != 0)
			argp_error(state, "--frame %s: %s", arg, wrong.text);
		return true;
	case PLAN_KEY_PROTOCOL:
		if (plan_protocol(spec, arg, &wrong) != 0)
			argp_error(state, "--protocol %s: %s", arg, wrong.text);
		return true;
	case PLAN_KEY_IP:
		if (strcmp(arg, "4") != 0 && strcmp(arg, "6") != 0)
			argp_error(state, "--ip %s: must be 4 or 6", arg);
		spec->family = (unsigned)(*arg - '0');
		return true;
	case PLAN_KEY_FIELD:
		field_take(state, spec, arg);
		return true;
	case PLAN_KEY_FLOWS:
		spec->flows = (uint32_t)argument_whole(state, "flows", arg, 1, SIGNATURE_FLOWS);
		return true;
	case PLAN_KEY_SEED:
		plan->seed = argument_whole(state, "seed", arg, 0, INT64_MAX);
		return true;
	case PLAN_KEY_PCAP:
		free(plan->pcap);
		plan->pcap = strdup(arg);
		return true;
	case PLAN_KEY_SPEED:
		plan->speed = argument_real(state, "speed", arg, 1e-6, 1e6);
		return true;
	case PLAN_KEY_SIGN:
		plan->sign = true;
		return true;
	default:
		return false;
	}
}

void plan_options_end(struct argp_state *state, struct plan *plan)
{
	struct plan_trial *trial = plan->trial;
	struct wrong wrong;

	if (trial->seconds != 0 && trial->packets != 0)
		argp_error(state, "--seconds and --packets: one of them");
	if (trial->seconds == 0 && trial->packets == 0 && plan->pcap == NULL)
		trial->seconds = 1;
	if (plan->pcap == NULL && (plan->speed > 0 || plan->sign))
		argp_error(state, "--%s: of which --pcap?", plan->sign ? "sign" : "speed");
	if (plan_check(plan, &wrong) != 0)
		argp_error(state, "%s", wrong.text);
}
