/* SPDX-License-Identifier: BSD-3-Clause */
/* Attach: a process is handed the descriptors of something that may be no pool. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pktpool.h"
#include "pp_facts.h"

/* Files of a pool that has ended: its addresses are free again. */
static int files[2];
static char *control;
static size_t control_bytes;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct pp_pool_params params = {
		.sz = sizeof(params),
		.buffer_size = 2048,
		.buffers = 1024,
		.owners = 3,
		.pages = PP_PAGES_4K,
	};
	struct pp_pool *pool;
	int fds[2];

	(void)argc;
	(void)argv;
	if (pp_pool_create(&params, &pool))
		abort();
	pp_pool_fds(pool, fds);
	files[0] = dup(fds[0]);
	files[1] = dup(fds[1]);
	pp_pool_destroy(pool);
	control_bytes = (size_t)lseek(files[0], 0, SEEK_END);
	control = malloc(control_bytes);
	if (pread(files[0], control, control_bytes, 0) != (ssize_t)control_bytes)
		abort();
	return 0;
}

/*
 * The input is a list of changes to the facts: where, and what to exclusive-or
 * into that byte. A pool that is accepted must work and end in order.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char changed[sizeof(struct pp_shared_facts)];
	struct pp_pool *pool;
	void *bufs[8];

	memcpy(changed, control, sizeof(changed));
	for (size_t i = 0; i + 1 < bytes; i += 2)
		changed[data[i] % sizeof(changed)] ^= (char)data[i + 1];
	if (pwrite(files[0], control, control_bytes, 0) != (ssize_t)control_bytes ||
	    pwrite(files[0], changed, sizeof(changed), 0) != (ssize_t)sizeof(changed))
		abort();
	if (pp_pool_attach(files, &pool)) {
		if (!*pp_error())
			abort();
		return 0;
	}
	/* From `buffer_size` on others may be as good: 2,112 bytes lie as 2,048 with their colour. */
	if (memcmp(changed, control, offsetof(struct pp_shared_facts, buffer_size)))
		abort();
	pp_pool_free(pool, bufs, pp_pool_alloc_burst(pool, bufs, 8));
	if (pp_pool_check(pool))
		abort();
	pp_pool_destroy(pool);
	return 0;
}
