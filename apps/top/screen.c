/* SPDX-License-Identifier: BSD-3-Clause */
/* Screen: a sample as a table, on a terminal or in a pipe. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "page.h"
#include "sample.h"
#include "screen.h"

/* Another screen, no cursor; and back. */
#define TERMINAL_TAKE "\033[?1049h\033[?25l"
#define TERMINAL_GIVE "\033[?25h\033[?1049l"
/* To the corner; what is right of a line, and below the last one, is old. */
#define TERMINAL_HOME "\033[H"
#define TERMINAL_REST "\033[K"
#define TERMINAL_BELOW "\033[J"

static bool terminal;

void screen_begin(void)
{
	terminal = isatty(STDOUT_FILENO);
	if (terminal) {
		fputs(TERMINAL_TAKE, stdout);
		fflush(stdout);
	}
}

void screen_end(void)
{
	if (terminal) {
		fputs(TERMINAL_GIVE, stdout);
		fflush(stdout);
	}
	terminal = false;
}

/* As many lines and columns as there are: a longer line would wrap and move all others. */
static void page_clip(const char *text, struct winsize window, FILE *out)
{
	unsigned rows = window.ws_row;

	fputs(TERMINAL_HOME, out);
	while (*text && rows--) {
		size_t length = strcspn(text, "\n");
		size_t shown = length < window.ws_col ? length : window.ws_col;

		fwrite(text, 1, shown, out);
		/* Not behind the last column: that would take away what stands there. */
		if (shown < window.ws_col)
			fputs(TERMINAL_REST, out);
		if (rows && text[length + 1])
			fputc('\n', out);
		text += length + 1;
	}
	fputs(TERMINAL_BELOW, out);
}

bool screen_show(const struct sample *sample)
{
	struct winsize window;
	size_t bytes = 0;
	char *text = NULL;
	FILE *page = open_memstream(&text, &bytes);

	if (!page)
		return false;
	if (!terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) || !window.ws_row ||
	    !window.ws_col)
		window = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	page_write(page, sample->json, sample, terminal);
	fclose(page);
	if (!text)
		return false;
	if (terminal)
		page_clip(text, window, stdout);
	else
		fputs(text, stdout);
	free(text);
	return !fflush(stdout) && !ferror(stdout);
}
