/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan option: what a plan is made of on the command line, where there is no test file. */
#ifndef PLAN_OPTION_H
#define PLAN_OPTION_H

#include <argp.h>
#include <stdbool.h>

#include "plan.h"

enum plan_key {
	PLAN_KEY_FIRST = 0x100,
	PLAN_KEY_RATE = PLAN_KEY_FIRST,
	PLAN_KEY_SECONDS,
	PLAN_KEY_PACKETS,
	PLAN_KEY_FRAME,
	PLAN_KEY_PROTOCOL,
	PLAN_KEY_IP,
	PLAN_KEY_FIELD,
	PLAN_KEY_FLOWS,
	PLAN_KEY_SEED,
	PLAN_KEY_PCAP,
	PLAN_KEY_SPEED,
	PLAN_KEY_SIGN,
	PLAN_KEY_END,
};

/* One trial of one stream; -ENOMEM. */
int plan_options_begin(struct plan *plan);
/* False: some other option. What is wrong ends the program. */
bool plan_option_take(int key, char *arg, struct argp_state *state, struct plan *plan);
/* When all were taken: that they go together, and what was not given. */
void plan_options_end(struct argp_state *state, struct plan *plan);

#endif
