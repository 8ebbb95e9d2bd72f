/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what a mempool on our ops is told does what it says, and what is no option is refused. */
#ifndef OPS_OPTIONS_H
#define OPS_OPTIONS_H

/* On an EAL that has been started; returns how many tests failed. */
int ops_options_run(void);

#endif
