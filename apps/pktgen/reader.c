/* SPDX-License-Identifier: BSD-3-Clause */
/* Reader: takes a JSON text apart by keys that are known, and says where one is not. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "reader.h"

int reader_begin(struct reader *r, const char *text, size_t bytes, const char *name,
		 struct wrong *wrong)
{
	json_error_t error;

	*r = (struct reader){ .text = text, .name = name, .wrong = wrong };
	r->root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	if (r->root != NULL)
		return 0;
	return wrong_say(wrong, "%s:%d: not JSON: %s", name, error.line > 0 ? error.line : 1,
			 error.text);
}

void reader_end(struct reader *r)
{
	json_decref(r->root);
	r->root = NULL;
}

int reader_say(struct reader *r, const char *format, ...)
{
	char text[320];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return wrong_say(r->wrong, "%s:%u: %s", r->name, place_line(r->text, r->steps, r->depth),
			 text);
}

/* What is being looked at, for complaints: "the file", "trials[2].limits". */
static void reader_where(const struct reader *r, char *text, size_t bytes)
{
	size_t used = 0;

	snprintf(text, bytes, "the file");
	for (unsigned i = 0; i < r->depth && used < bytes; i++)
		used += (size_t)(r->steps[i].key != NULL
					 ? snprintf(text + used, bytes - used, "%s%.40s",
						    i > 0 ? "." : "", r->steps[i].key)
					 : snprintf(text + used, bytes - used, "[%u]",
						    r->steps[i].index));
}

int reader_unknown(struct reader *r, const char *key, const char *known)
{
	char where[80];
	int err;

	/* Its own step is the last. */
	r->depth--;
	reader_where(r, where, sizeof(where));
	r->depth++;
	err = reader_say(r, "unknown key \"%.40s\" in %s: must be one of %s", key, where, known);
	return err;
}

static int step_down(struct reader *r, const char *key, unsigned index)
{
	if (r->depth == READER_DEPTH)
		return reader_say(r, "nested too deep");
	r->steps[r->depth++] = (struct place_step){ key, index };
	return 0;
}

static int object_need(struct reader *r, const json_t *json)
{
	char where[80];

	if (json_is_object(json))
		return 0;
	reader_where(r, where, sizeof(where));
	return reader_say(r, "%s: must be an object, { ... }", where);
}

static int keys_check(struct reader *r, json_t *json, const struct reader_key *keys)
{
	char known[200] = "";
	const char *key;
	json_t *value;
	size_t used = 0;
	int err;

	for (unsigned i = 0; keys[i].key != NULL && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 i > 0 ? ", " : "", keys[i].key);
	json_object_foreach(json, key, value)
	{
		unsigned i = 0;

		while (keys[i].key != NULL && strcmp(keys[i].key, key) != 0)
			i++;
		if (keys[i].key != NULL)
			continue;
		err = step_down(r, key, 0);
		return err != 0 ? err : reader_unknown(r, key, known);
	}
	return 0;
}

int reader_object(struct reader *r, json_t *json, const struct reader_key *keys, void *to)
{
	int err = object_need(r, json);

	if (err == 0)
		err = keys_check(r, json, keys);
	for (; err == 0 && keys->key != NULL; keys++) {
		json_t *value = json_object_get(json, keys->key);

		if (value == NULL)
			continue;
		err = step_down(r, keys->key, 0);
		if (err == 0)
			err = keys->take(r, value, to);
		if (err == 0)
			r->depth--;
	}
	return err;
}

int reader_each_key(struct reader *r, json_t *json, reader_key_fn take, void *to)
{
	int err = object_need(r, json);
	const char *key;
	json_t *value;

	if (err != 0)
		return err;
	json_object_foreach(json, key, value)
	{
		err = step_down(r, key, 0);
		if (err == 0)
			err = take(r, key, value, to);
		if (err != 0)
			return err;
		r->depth--;
	}
	return 0;
}

int reader_array(struct reader *r, json_t *json, reader_fn take, void *to)
{
	char where[80];
	json_t *value;
	size_t index;
	int err;

	if (!json_is_array(json)) {
		reader_where(r, where, sizeof(where));
		return reader_say(r, "%s: must be an array, [ ... ]", where);
	}
	json_array_foreach(json, index, value)
	{
		err = step_down(r, NULL, (unsigned)index);
		if (err == 0)
			err = take(r, value, to);
		if (err != 0)
			return err;
		r->depth--;
	}
	return 0;
}

/* The key it is the value of. */
static const char *reader_key_name(const struct reader *r)
{
	for (unsigned i = r->depth; i > 0; i--)
		if (r->steps[i - 1].key != NULL)
			return r->steps[i - 1].key;
	return "the file";
}

int reader_text(struct reader *r, json_t *json, const char **text)
{
	*text = json_string_value(json);
	/* One with a NUL in it would seem to end there. */
	if (*text != NULL && strlen(*text) == json_string_length(json))
		return 0;
	return reader_say(r, "%s: must be a text, in quotes", reader_key_name(r));
}

int reader_number(struct reader *r, json_t *json, double low, double high, double *number)
{
	*number = json_number_value(json);
	if (json_is_number(json) && *number >= low && *number <= high)
		return 0;
	return reader_say(r, "%s: must be a number from %g to %g", reader_key_name(r), low, high);
}

int reader_whole(struct reader *r, json_t *json, uint64_t low, uint64_t high, uint64_t *number)
{
	json_int_t value = json_integer_value(json);

	*number = 0;
	if (!json_is_integer(json) || value < 0 || (uint64_t)value < low || (uint64_t)value > high)
		return reader_say(r, "%s: must be a whole number from %" PRIu64 " to %" PRIu64,
				  reader_key_name(r), low, high);
	*number = (uint64_t)value;
	return 0;
}
