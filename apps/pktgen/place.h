/* SPDX-License-Identifier: BSD-3-Clause */
/* Place: on which line of a JSON text something stands. */
#ifndef PLACE_H
#define PLACE_H

/* One step down from a value: into an object by key, or (NULL) into an array by index. */
struct place_step {
	const char *key;
	unsigned index;
};

/*
 * The line, from 1, of the key or element at the end of the steps; of the last
 * that is found. text must be JSON that a parser has accepted.
 */
unsigned place_line(const char *text, const struct place_step *steps, unsigned n);

#endif
