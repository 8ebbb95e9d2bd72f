/* SPDX-License-Identifier: BSD-3-Clause */
/* Fail: how a function of the library says why it returns an error. */
#ifndef PP_FAIL_H
#define PP_FAIL_H

#include "pp_types.h"

/* Keeps the text for pp_error() and returns `error`. */
PP_API int pp_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

#endif
