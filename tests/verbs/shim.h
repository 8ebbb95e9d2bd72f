/* SPDX-License-Identifier: BSD-3-Clause */
/* Shim: stands between the library and libibverbs; takes and gives what it is told. */
#ifndef SHIM_H
#define SHIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <infiniband/verbs.h>

#define SHIM_REGIONS 512

extern struct shim {
	struct ibv_device_attr attr;
	int query_error;
	int reg_error;     /* errno of every registration */
	unsigned reg_most; /* and of those beyond so many at a time, if not 0 */
	int dereg_error;   /* returned by every deregistration */
	int access;        /* of the last registration */
	unsigned regs, deregs, live;
	struct ibv_mr mrs[SHIM_REGIONS]; /* lkey 100 and on, rkey 1000 and on */
} shim;
extern struct ibv_pd shim_domain;

/* For cmocka: as a device that refuses nothing. */
int shim_reset(void **state);

#endif
