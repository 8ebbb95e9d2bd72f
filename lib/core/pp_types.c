/* SPDX-License-Identifier: BSD-3-Clause */
/* Types: the last error of a thread. */
#include "pp_fail.h"

#include <stdarg.h>
#include <stdio.h>

static __thread char last_error[512];

PP_API const char *pp_error(void)
{
	return last_error;
}

int pp_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	return error;
}
