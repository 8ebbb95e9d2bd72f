/* SPDX-License-Identifier: BSD-3-Clause */
/* Output: what came of RFC 2544's tests, for a reader, a program and a spreadsheet. */
#ifndef RFC_OUTPUT_H
#define RFC_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "rfc2544.h"

/* What is not as the RFC has it stands first. */
void rfc_table(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows);
/* Adds "shortened", "plan" and "rows" to an object. */
void rfc_json(json_t *out, const struct rfc_plan *plan, const struct rfc_row *rows);
/* One figure a line: frame,test,load_percent,figure,value,unit. */
void rfc_csv(FILE *out, const struct rfc_plan *plan, const struct rfc_row *rows);

#endif
