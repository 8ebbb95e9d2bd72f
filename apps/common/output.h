/* SPDX-License-Identifier: BSD-3-Clause */
/* Output: a file that an option names, opened before anything runs and written at the end. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <jansson.h>

/* What output_open() returns: no name was given; it cannot be, and why was said. */
#define OUTPUT_NONE (-1)
#define OUTPUT_IMPOSSIBLE (-2)

/* option: "json", ... for complaints. */
int output_open(const char *option, const char *path);

/* Writes and closes it; nothing if fd is OUTPUT_NONE. An enum app_exit. */
int output_text(const char *option, const char *path, int fd, const char *text);
int output_json(const char *option, const char *path, int fd, const json_t *object);

#endif
