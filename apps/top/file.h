/* SPDX-License-Identifier: BSD-3-Clause */
/* File: one that is replaced as a whole, so that who reads it never sees half. */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

/* 0, or -errno: `path` is then as it was, and nothing is left beside it. */
int file_replace(const char *path, const char *text, size_t bytes);

#endif
