/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs: which port's packets leave by which. */
#ifndef PAIRS_H
#define PAIRS_H

#include "ports.h"
#include "program.h"

/* An enum app_exit, having said what is wrong. */
int pairs_make(struct ports *ports, enum program_way way);
/* In words. */
void pairs_print(const struct ports *ports, enum program_way way);

#endif
