/* SPDX-License-Identifier: BSD-3-Clause */
/* Place: on which line of a JSON text something stands. */
#include <stdbool.h>
#include <string.h>

#include "place.h"

static const char *space_skip(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* From a quote to behind the next. */
static const char *string_skip(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++)
		if (*at == '\\' && at[1] != '\0')
			at++;
	return *at == '"' ? at + 1 : at;
}

/* To the comma or bracket behind a value. */
static const char *value_skip(const char *at)
{
	unsigned depth = 0;

	while (*at != '\0') {
		if (*at == '"') {
			at = string_skip(at);
			continue;
		}
		if (depth == 0 && (*at == ',' || *at == '}' || *at == ']'))
			break;
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	}
	return at;
}

/* The key in the object at `at`; NULL if it is not there. */
static const char *key_find(const char *at, const char *key)
{
	if (*at != '{')
		return NULL;
	for (at = space_skip(at + 1); *at == '"'; at = space_skip(at + 1)) {
		const char *end = string_skip(at);
		size_t bytes = (size_t)(end - at) - 2;

		if (bytes == strlen(key) && memcmp(at + 1, key, bytes) == 0)
			return at;
		at = value_skip(end);
		if (*at != ',')
			break;
	}
	return NULL;
}

static const char *element_find(const char *at, unsigned index)
{
	if (*at != '[')
		return NULL;
	for (at = space_skip(at + 1); index > 0; index--) {
		at = value_skip(at);
		if (*at != ',')
			return NULL;
		at = space_skip(at + 1);
	}
	return at;
}

/* From a key to its value. */
static const char *value_find(const char *key)
{
	const char *at = space_skip(string_skip(key));

	return *at == ':' ? space_skip(at + 1) : at;
}

unsigned place_line(const char *text, const struct place_step *steps, unsigned n)
{
	const char *at = space_skip(text), *value = at;
	unsigned line = 1;

	for (unsigned i = 0; i < n; i++) {
		const char *next = steps[i].key != NULL ? key_find(value, steps[i].key)
							: element_find(value, steps[i].index);

		if (next == NULL)
			break;
		at = next;
		value = steps[i].key != NULL ? value_find(at) : at;
	}
	for (const char *c = text; c < at; c++)
		line += *c == '\n';
	return line;
}
