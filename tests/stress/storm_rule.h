/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule: whose turn it is among those who wait, in few words, and rounds that hold a pool to it. */
#ifndef STORM_RULE_H
#define STORM_RULE_H

#include "storm_seats.h"

/* The most that a pool may have. */
#define BUFFERS 1024

/* Takes everything, has all seats wait, and lets everything trickle back, again and again. */
void rule_rounds(struct seats *seats, struct pp_pool *pool, uint32_t floor, double seconds);

#endif
