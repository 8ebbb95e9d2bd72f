/* SPDX-License-Identifier: BSD-3-Clause */
/* View: the thread beside the lcores: a table of what goes and comes, a bar, a look at the links. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "app.h"
#include "counter.h"
#include "generator.h"
#include "link.h"

#define NAP_NS (50 * 1000 * 1000)
#define LINE_BYTES 256
/* What is over sooner needs no bar. */
#define BAR_SECONDS 3.0
#define BAR_CELLS 24

static double clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned terminal_width(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
		       ? RTE_MIN((unsigned)size.ws_col, LINE_BYTES - 1U)
		       : LINE_BYTES - 1U;
}

static void bar_clear(struct view *v)
{
	if (v->bar_shown)
		fputs("\r\033[K", stderr);
	v->bar_shown = false;
}

/* "0:07", "12:34", "3:00:00". */
static void time_write(char *text, size_t bytes, double seconds)
{
	unsigned long s = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;

	if (s >= 3600)
		snprintf(text, bytes, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, bytes, "%lu:%02lu", s / 60, s % 60);
}

static void bar_draw(struct view *v, double now)
{
	double total = v->total > 0 ? v->total : v->seconds;
	double done = (v->total > 0 ? v->done : 0) + (v->began > 0 ? now - v->began : 0);
	char line[LINE_BYTES], cells[BAR_CELLS + 1], left[24];
	unsigned full, width;

	if (!v->bar_terminal || total < BAR_SECONDS)
		return;
	done = RTE_MIN(done, total);
	full = (unsigned)(done / total * BAR_CELLS);
	memset(cells, '.', BAR_CELLS);
	memset(cells, '#', full);
	cells[BAR_CELLS] = '\0';
	time_write(left, sizeof(left), total - done);
	snprintf(line, sizeof(line), "[%s] %3.0f%%  %s left  %s", cells, 100 * done / total, left,
		 v->what);
	width = terminal_width(STDERR_FILENO);
	fprintf(stderr, "\r%.*s\033[K", (int)width - 1, line);
	fflush(stderr);
	v->bar_shown = true;
}

static void __attribute__((format(printf, 3, 4)))
line_draw(const struct view *v, unsigned width, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* A longer one would wrap and break the redrawing. */
	printf("%.*s%s\n", (int)width, line, v->table_terminal ? "\033[K" : "");
}

static void table_draw(struct generator *g, double now)
{
	struct view *v = &g->view;
	double span = now - v->last;
	unsigned width = v->table_terminal ? terminal_width(STDOUT_FILENO) : LINE_BYTES - 1;

	if (!v->table || span <= 0)
		return;
	bar_clear(v);
	if (v->table_terminal && v->drawn > 0)
		printf("\033[%uA", v->drawn);
	for (unsigned i = 0; i < g->lanes; i++) {
		const struct lane *lane = &g->lane[i];
		uint64_t sent = counter_read(&lane->sender->sent);
		uint64_t received = counter_read(&lane->receiver->received);

		line_draw(v, width,
			  "port %u -> %u %11.0f out/s %11.0f in/s %12" PRIu64 " out %12" PRIu64
			  " in %" PRIu64 " doubled %" PRIu64 " reordered %" PRIu64 " foreign",
			  g->ports.at[lane->tx_at].id, g->ports.at[lane->rx_at].id,
			  (double)(sent - v->before[i].sent) / span,
			  (double)(received - v->before[i].received) / span, sent, received,
			  counter_read(&lane->receiver->sequence.duplicated),
			  counter_read(&lane->receiver->sequence.reordered),
			  counter_read(&lane->receiver->foreign));
		v->before[i].sent = sent;
		v->before[i].received = received;
	}
	line_draw(v, width, "%6.1f s   %" PRIu64 " of %" PRIu32 " buffers in flight   %s",
		  now - v->began, buffers_in_flight(&g->buffers), g->o->buffers.buffers, v->what);
	v->drawn = g->lanes + 1;
	v->last = now;
	fflush(stdout);
}

/* A link that goes in the middle of a trial ends it. */
static void links_look(struct generator *g)
{
	for (unsigned i = 0; i < g->lanes && !g->down; i++) {
		const struct port *tx = &g->ports.at[g->lane[i].tx_at];
		const struct port *rx = &g->ports.at[g->lane[i].rx_at];
		const struct port *bad = !link_up(tx)                     ? tx
					 : !g->o->tx_only && !link_up(rx) ? rx
									  : NULL;

		if (bad == NULL)
			continue;
		bar_clear(&g->view);
		complain("port %u (%s): it has lost its link", bad->id, bad->name);
		g->down = true;
	}
}

static void *view_run(void *arg)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	struct generator *g = arg;
	struct view *v = &g->view;
	double looked = clock_read();

	while (!v->end) {
		double now;

		nanosleep(&nap, NULL);
		now = clock_read();
		pthread_mutex_lock(&v->lock);
		if (v->began > 0 && now - v->last >= 1)
			table_draw(g, now);
		if (v->began > 0)
			bar_draw(v, now);
		if (v->began > 0 && now - looked >= 1) {
			looked = now;
			ports_watch(&g->ports);
			links_look(g);
		}
		pthread_mutex_unlock(&v->lock);
	}
	return NULL;
}

int view_begin(struct generator *g)
{
	struct view *v = &g->view;
	int err;

	pthread_mutex_init(&v->lock, NULL);
	v->table = !g->o->quiet;
	v->table_terminal = isatty(STDOUT_FILENO);
	v->bar_terminal = isatty(STDERR_FILENO);
	/* EAL puts it on a CPU that no lcore polls on, where there is one. */
	err = rte_ctrl_thread_create(&v->thread, "pktgen-view", NULL, view_run, g);
	if (err != 0) {
		complain("no thread to watch the lcores: %s", strerror(-err));
		return APP_ENVIRONMENT;
	}
	v->started = true;
	return APP_OK;
}

void view_end(struct generator *g)
{
	struct view *v = &g->view;

	if (!v->started)
		return;
	v->end = true;
	pthread_join(v->thread, NULL);
	bar_clear(v);
	pthread_mutex_destroy(&v->lock);
	v->started = false;
}

void view_trial(struct generator *g, const struct trial_load *load)
{
	struct view *v = &g->view;

	pthread_mutex_lock(&v->lock);
	v->began = v->last = clock_read();
	v->seconds = trial_seconds(g, load);
	memset(v->before, 0, sizeof(v->before));
	pthread_mutex_unlock(&v->lock);
}

void view_trial_end(struct generator *g)
{
	struct view *v = &g->view;

	pthread_mutex_lock(&v->lock);
	/* What is printed now stands below. */
	v->drawn = 0;
	v->began = 0;
	bar_clear(v);
	pthread_mutex_unlock(&v->lock);
}

void trial_progress(struct generator *g, const char *what, double done, double total)
{
	struct view *v = &g->view;

	pthread_mutex_lock(&v->lock);
	snprintf(v->what, sizeof(v->what), "%s", what);
	v->done = done;
	v->total = total;
	pthread_mutex_unlock(&v->lock);
}
