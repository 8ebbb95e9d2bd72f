/* SPDX-License-Identifier: BSD-3-Clause */
/* Reader: takes a JSON text apart by keys that are known, and says where one is not. */
#ifndef READER_H
#define READER_H

#include <jansson.h>
#include <stdint.h>

#include "place.h"
#include "wrong.h"

#define READER_DEPTH 8

struct reader {
	json_t *root;
	const char *text;
	const char *name;
	struct wrong *wrong;
	struct place_step steps[READER_DEPTH];
	unsigned depth;
};

/* The calls below return 0, -EINVAL having said what is wrong and where, or -ENOMEM. */
typedef int (*reader_fn)(struct reader *r, json_t *json, void *to);
typedef int (*reader_key_fn)(struct reader *r, const char *key, json_t *json, void *to);

struct reader_key {
	const char *key;
	reader_fn take;
};

/* text ends with a NUL behind its bytes and stays the caller's. */
int reader_begin(struct reader *r, const char *text, size_t bytes, const char *name,
		 struct wrong *wrong);
void reader_end(struct reader *r);

/* Where it is, and what is wrong there. Returns -EINVAL. */
int reader_say(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
int reader_unknown(struct reader *r, const char *key, const char *known);

/* Calls what belongs to each key, in the order of the table; any other key is wrong. */
int reader_object(struct reader *r, json_t *json, const struct reader_key *keys, void *to);
int reader_each_key(struct reader *r, json_t *json, reader_key_fn take, void *to);
int reader_array(struct reader *r, json_t *json, reader_fn take, void *to);

int reader_text(struct reader *r, json_t *json, const char **text);
int reader_number(struct reader *r, json_t *json, double low, double high, double *number);
int reader_whole(struct reader *r, json_t *json, uint64_t low, uint64_t high, uint64_t *number);

#endif
