/* SPDX-License-Identifier: BSD-3-Clause */
/* Page: the lines that a sample comes to. */
#ifndef PAGE_H
#define PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct sample;

/* All pools in a table, then caches and holders: of the first pool only, or of each. */
void page_write(FILE *out, const json_t *json, const struct sample *sample, bool first_only);

#endif
