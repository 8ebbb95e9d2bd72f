/* SPDX-License-Identifier: BSD-3-Clause */
/* Host: the addresses of the machine it runs on, or of its network namespace. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>

/* Asks the kernel; one thread at a time, while others look. */
void host_refresh(void);

/* Whether it is one of ours, in network byte order, as of the last refresh. Any thread. */
bool host_has4(uint32_t address);
bool host_has6(const uint8_t address[16]);

#endif
