/* SPDX-License-Identifier: BSD-3-Clause */
/* Table: one line a port while it runs: redrawn on a terminal, appended elsewhere. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"

#define LINE_MAX_BYTES 256

/* Written at once: what others print to the terminal never lands inside. */
struct page {
	char text[(PORTS_MAX + 3) * LINE_MAX_BYTES];
	size_t used;
	unsigned width; /* of the terminal; a longer line would wrap and break the redrawing */
};

static void __attribute__((format(printf, 2, 3)))
page_line(struct page *page, const char *format, ...)
{
	char line[LINE_MAX_BYTES - 16];
	va_list args;
	size_t bytes;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	bytes = strnlen(line, page->width);
	memcpy(page->text + page->used, line, bytes);
	page->used += bytes;
	page->text[page->used++] = '\n';
}

/* The verdict that most of a port's packets got. */
static unsigned verdict_most(const struct tally *tally)
{
	unsigned most = XDP_ABORTED;

	for (unsigned v = 0; v < VERDICTS; v++)
		if (tally->verdicts[v] > tally->verdicts[most])
			most = v;
	return most;
}

static void table_port(struct table *table, struct page *page, unsigned at, double span)
{
	const struct port *port = &table->ports->at[at];
	struct tally now = loop_tally(table->loop, at);
	const struct tally *before = &table->before[at];
	unsigned verdict = verdict_most(&now);

	page_line(page,
		  "port %-2u %-16.16s %10.0f in/s %10.0f out/s %9" PRIu64 " dropped  %s %" PRIu64,
		  port->id, port->name, (double)(now.rx - before->rx) / span,
		  (double)(now.tx - before->tx) / span, tally_dropped(&now), verdict_name(verdict),
		  now.verdicts[verdict]);
	table->before[at] = now;
}

void table_prepare(struct table *table, const struct ports *ports, const struct loop *loop,
		   const struct buffers *buffers)
{
	memset(table, 0, sizeof(*table));
	table->ports = ports;
	table->loop = loop;
	table->buffers = buffers;
	table->terminal = isatty(STDOUT_FILENO);
}

void table_draw(struct table *table, double now)
{
	struct page page = { .width = LINE_MAX_BYTES - 17 };
	double span = now - table->last;
	struct winsize size;

	if (span <= 0)
		return;
	if (table->terminal) {
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
			page.width = RTE_MIN(page.width, (unsigned)size.ws_col);
		if (table->drawn > 0)
			page.used =
				snprintf(page.text, LINE_MAX_BYTES, "\033[%uA\033[J", table->drawn);
	}
	for (unsigned i = 0; i < table->ports->n; i++)
		table_port(table, &page, i, span);
	page_line(&page, "%5.1f s   pool %-16s %10" PRIu64 " of %u buffers in flight", now,
		  buffers_kind_name(table->buffers->kind), buffers_in_flight(table->buffers),
		  table->loop->o->buffers.buffers);
	table->drawn = table->ports->n + 1;
	table->last = now;
	fwrite(page.text, 1, page.used, stdout);
	fflush(stdout);
}
