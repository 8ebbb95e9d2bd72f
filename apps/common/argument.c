/* SPDX-License-Identifier: BSD-3-Clause */
/* Argument: what stands behind an option. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "argument.h"
#include "buffers.h"
#include "pp_pool.h"

uint64_t argument_whole(struct argp_state *state, const char *name, const char *text, uint64_t low,
			uint64_t high)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (end == text || *end != '\0' || *text == '-' || errno != 0 || value < low ||
	    value > high)
		argp_error(state,
			   "--%s %s: must be a whole number from %" PRIu64 " to %" PRIu64
			   ", e.g. --%s %" PRIu64,
			   name, text, low, high, name,
			   low > 0     ? low
			   : high < 10 ? high
				       : 10);
	return value;
}

double argument_real(struct argp_state *state, const char *name, const char *text, double low,
		     double high)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= low && value <= high))
		argp_error(state, "--%s %s: must be a number from %g to %g, e.g. --%s %g", name,
			   text, low, high, name, low <= 1 && high >= 1 ? 1 : high);
	return value;
}

int argument_pages(struct argp_state *state, const char *text)
{
	for (int i = 0; i < BUFFERS_PAGES; i++)
		if (strcmp(text, buffers_pages_name(i)) == 0)
			return i;
	argp_error(state, "--pages %s: must be 2M, 1G or 4K, e.g. --pages 2M", text);
	return PP_PAGES_2M;
}
