/* SPDX-License-Identifier: BSD-3-Clause */
/* Limit: what a trial's result must keep to, for a run to have passed. */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct trial_result;

enum limit {
	LIMIT_LOSS,       /* most, as a share of what was sent */
	LIMIT_DUPLICATED, /* most packets */
	LIMIT_REORDERED,
	LIMIT_CORRUPT,
	LIMIT_RX_PPS,     /* least packets a second received */
	LIMIT_TX_PPS,     /* least sent */
	LIMIT_RATE_ERROR, /* most, either way, as a share of the rate that was asked for */
	LIMIT_P50,        /* most microseconds */
	LIMIT_P99,
	LIMIT_P999,
	LIMIT_MAX,
	LIMITS,
};

/* That look at each packet's signature; and that look at what comes back at all. */
#define LIMITS_SIGNED                                                                             \
	(1U << LIMIT_DUPLICATED | 1U << LIMIT_REORDERED | 1U << LIMIT_CORRUPT | 1U << LIMIT_P50 | \
	 1U << LIMIT_P99 | 1U << LIMIT_P999 | 1U << LIMIT_MAX)
#define LIMITS_RECEIVED (LIMITS_SIGNED | 1U << LIMIT_LOSS | 1U << LIMIT_RX_PPS)

struct limits {
	uint32_t given; /* bit n: limit n */
	double value[LIMITS];
};

/* "max_loss", ... */
const char *limit_name(enum limit limit);
/* LIMITS if there is none of that name. */
enum limit limit_find(const char *name);
/* The least and most that it may be. */
void limit_range(enum limit limit, double *low, double *high);

/* The value it is about, as it was measured. */
double limit_measured(enum limit limit, const struct trial_result *r);
/* False: that little was sent, or came, that its value says nothing. */
bool limit_measurable(enum limit limit, const struct trial_result *r);
bool limit_kept(enum limit limit, double value, const struct trial_result *r);
/* Bit n: limit n is given and was missed. */
uint32_t limits_missed(const struct limits *l, const struct trial_result *r);

#endif
