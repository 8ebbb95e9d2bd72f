/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: how often this thread calls the kernel, whichever function does it. */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>

/* False where the kernel has no PR_SET_SYSCALL_USER_DISPATCH (5.11, x86). */
bool calls_ready(void);

/* Counts from here, and how many there were. */
void calls_begin(void);
unsigned calls_end(void);

#endif
