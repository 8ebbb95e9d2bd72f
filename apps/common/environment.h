/* SPDX-License-Identifier: BSD-3-Clause */
/* Environment: says what EAL needs and does not find, better than EAL does. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

/* Before rte_eal_init(): whether the interfaces that --vdev names exist. An enum app_exit. */
int environment_check(int argc, char **argv);

/* After it: whether each --vdev became a port. An enum app_exit. */
int environment_ports_check(int argc, char **argv);

/* rte_eal_init(), which leaves argv as it is; if it fails, why, as far as can be told, and what
 * mends it. An enum app_exit. */
int environment_begin(int argc, char **argv);

#endif
