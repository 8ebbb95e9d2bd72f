/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksum: any bytes as a frame, in one piece or in several. */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "checksum.h"

#define PIECES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Fowler, Noll and Vo's hash. */
static uint64_t bytes_sum(const struct rte_mbuf *pieces, unsigned n)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < pieces[i].data_len; j++)
			sum = (sum ^ ((const uint8_t *)pieces[i].buf_addr)[j]) * 0x100000001b3;
	return sum;
}

/* Pieces of exactly their length, so that a byte too far is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct rte_mbuf pieces[PIECES];
	unsigned n = bytes ? 1 + data[0] % PIECES : 1;
	uint64_t sum;
	size_t at = 0;

	if (bytes > 9000)
		return 0;
	memset(pieces, 0, sizeof(pieces));
	for (unsigned i = 0; i < n; i++) {
		size_t length = i + 1 == n ? bytes - at : (bytes - at) / (2 + i);

		pieces[i].buf_addr = malloc(length);
		memcpy(pieces[i].buf_addr, data + at, length);
		pieces[i].buf_len = pieces[i].data_len = (uint16_t)length;
		pieces[i].next = i + 1 == n ? NULL : &pieces[i + 1];
		at += length;
	}
	pieces[0].pkt_len = (uint32_t)bytes;
	pieces[0].nb_segs = (uint16_t)n;
	checksum_fill(&pieces[0]);
	/* Filled in, it is right: once more changes nothing. */
	sum = bytes_sum(pieces, n);
	checksum_fill(&pieces[0]);
	if (sum != bytes_sum(pieces, n))
		abort();
	for (unsigned i = 0; i < n; i++)
		free(pieces[i].buf_addr);
	return 0;
}
