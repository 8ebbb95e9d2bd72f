/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktgen-test: what the tests of the generator's parts share. */
#ifndef PKTGEN_TEST_H
#define PKTGEN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wrong.h"

/* The call must succeed; what it says is printed if not. */
#define assert_good(call, wrong)                                 \
	do {                                                     \
		(wrong).text[0] = '\0';                          \
		if ((call) < 0)                                  \
			fail_msg("%s: %s", #call, (wrong).text); \
	} while (0)

/* It must fail and say the word. */
#define assert_refused(call, wrong, word)                                                 \
	do {                                                                              \
		(wrong).text[0] = '\0';                                                   \
		if ((call) >= 0)                                                          \
			fail_msg("%s: taken", #call);                                     \
		if (strstr((wrong).text, word) == NULL)                                   \
			fail_msg("%s: does not say '%s': %s", #call, word, (wrong).text); \
	} while (0)

#endif
