/* SPDX-License-Identifier: BSD-3-Clause */
/* Table: one line a port while it runs: redrawn on a terminal, appended elsewhere. */
#ifndef TABLE_H
#define TABLE_H

#include "buffers.h"
#include "loop.h"
#include "ports.h"

struct table {
	const struct ports *ports;
	const struct loop *loop;
	const struct buffers *buffers;
	bool terminal;
	unsigned drawn; /* lines on the terminal that the next drawing replaces */
	double last;    /* when it was drawn, in seconds since the start */
	struct tally before[PORTS_MAX];
};

void table_prepare(struct table *table, const struct ports *ports, const struct loop *loop,
		   const struct buffers *buffers);
void table_draw(struct table *table, double now);

#endif
