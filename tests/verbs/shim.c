/* SPDX-License-Identifier: BSD-3-Clause */
/* Shim: stands between the library and libibverbs; takes and gives what it is told. */
#include "shim.h"

#include <errno.h>

struct shim shim;
static struct ibv_device device = { .name = "shim0" };
static struct ibv_context context = { .device = &device };
struct ibv_pd shim_domain = { .context = &context };

int ibv_query_device(struct ibv_context *ctx, struct ibv_device_attr *attr)
{
	assert_ptr_equal(ctx, &context);
	*attr = shim.attr;
	return shim.query_error;
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				unsigned int access)
{
	struct ibv_mr *mr = shim.mrs;

	assert_int_equal(iova, (uintptr_t)addr);
	if (shim.reg_error && shim.live >= shim.reg_most) {
		errno = shim.reg_error;
		return NULL;
	}
	while (mr->pd)
		mr++;
	*mr = (struct ibv_mr){ .pd = pd,
			       .addr = addr,
			       .length = length,
			       .lkey = 100 + (uint32_t)(mr - shim.mrs),
			       .rkey = 1000 + (uint32_t)(mr - shim.mrs) };
	shim.access = (int)access;
	shim.regs++;
	shim.live++;
	return mr;
}

/* Where flags are constants the header calls this one. */
#undef ibv_reg_mr
struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	return ibv_reg_mr_iova2(pd, addr, length, (uintptr_t)addr, (unsigned)access);
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	assert_non_null(mr->pd);
	if (shim.dereg_error)
		return shim.dereg_error;
	mr->pd = NULL;
	shim.deregs++;
	shim.live--;
	return 0;
}

int shim_reset(void **state)
{
	(void)state;
	shim = (struct shim){ .attr = { .max_mr = 256, .max_mr_size = 1ull << 40 } };
	return 0;
}
