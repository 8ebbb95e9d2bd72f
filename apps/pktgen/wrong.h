/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrong: what is wrong with something that was read, in words for who wrote it. */
#ifndef WRONG_H
#define WRONG_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct wrong {
	char text[400];
};

/* Returns -EINVAL. */
static inline int __attribute__((format(printf, 2, 3)))
wrong_say(struct wrong *w, const char *format, ...)
{
	va_list args;

	w->text[0] = '\0';
	va_start(args, format);
	vsnprintf(w->text, sizeof(w->text), format, args);
	va_end(args);
	/* What it quotes may be anything; a terminal need not see all of it. */
	for (char *c = w->text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return -EINVAL;
}

#endif
