/* SPDX-License-Identifier: BSD-3-Clause */
/* Program: what happens to the packets of a burst, in XDP's words. */
#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "counter.h"
#include "program.h"
#include "swap.h"

static unsigned drop_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel, uint64_t *verdicts)
{
	(void)from_kernel;
	rte_pktmbuf_free_bulk(pkts, n);
	counter_add(&verdicts[XDP_DROP], n);
	return 0;
}

/* Frees what has no Ethernet header, keeps the order of the rest. */
static unsigned runts_free(struct rte_mbuf **pkts, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		if (pkts[i]->data_len >= RTE_ETHER_HDR_LEN)
			pkts[kept++] = pkts[i];
		else
			rte_pktmbuf_free(pkts[i]);
	}
	return kept;
}

static unsigned runts_abort(struct rte_mbuf **pkts, unsigned n, uint64_t *verdicts)
{
	unsigned runts = 0, kept;

	/* Looking first is cheaper than moving: as good as never is there one. */
	for (unsigned i = 0; i < n; i++)
		runts += pkts[i]->data_len < RTE_ETHER_HDR_LEN;
	if (likely(runts == 0))
		return n;
	kept = runts_free(pkts, n);
	counter_add(&verdicts[XDP_ABORTED], n - kept);
	return kept;
}

/* Turns all that have a header, frees the others; returns how many are left. */
static unsigned macs_swap(struct rte_mbuf **pkts, unsigned n, uint64_t *verdicts)
{
	unsigned i = 0;

	for (; i < n && likely(pkts[i]->data_len >= SWAP_WHOLE); i++)
		swap_macs_whole(rte_pktmbuf_mtod(pkts[i], void *));
	if (likely(i == n))
		return n;
	n = i + runts_abort(pkts + i, n - i, verdicts);
	for (; i < n; i++)
		swap_macs(rte_pktmbuf_mtod(pkts[i], void *));
	return n;
}

static unsigned reflect_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel,
			    uint64_t *verdicts)
{
	(void)from_kernel;
	n = macs_swap(pkts, n, verdicts);
	counter_add(&verdicts[XDP_TX], n);
	return n;
}

static unsigned cross_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel, uint64_t *verdicts)
{
	(void)from_kernel;
	n = runts_abort(pkts, n, verdicts);
	counter_add(&verdicts[XDP_REDIRECT], n);
	return n;
}

/* Not a look at the packets, which then may be anything. */
static unsigned io_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel, uint64_t *verdicts)
{
	(void)pkts;
	(void)from_kernel;
	counter_add(&verdicts[XDP_REDIRECT], n);
	return n;
}

static unsigned macswap_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel,
			    uint64_t *verdicts)
{
	(void)from_kernel;
	n = macs_swap(pkts, n, verdicts);
	counter_add(&verdicts[XDP_REDIRECT], n);
	return n;
}

static unsigned tuple_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel, uint64_t *verdicts)
{
	(void)from_kernel;
	n = runts_abort(pkts, n, verdicts);
	for (unsigned i = 0; i < n; i++)
		swap_tuple(rte_pktmbuf_mtod(pkts[i], void *), pkts[i]->data_len);
	counter_add(&verdicts[XDP_REDIRECT], n);
	return n;
}

static unsigned pass_run(struct rte_mbuf **pkts, unsigned n, bool from_kernel, uint64_t *verdicts)
{
	n = runts_abort(pkts, n, verdicts);
	counter_add(&verdicts[from_kernel ? XDP_REDIRECT : XDP_PASS], n);
	return n;
}

static const struct program programs[] = {
	{ "drop", WAY_NONE, drop_run },      { "reflect", WAY_BACK, reflect_run },
	{ "cross", WAY_ACROSS, cross_run },  { "pass", WAY_KERNEL, pass_run },
	{ "io", WAY_ACROSS, io_run },        { "macswap", WAY_ACROSS, macswap_run },
	{ "5tswap", WAY_ACROSS, tuple_run },
};

const struct program *program_find(const char *name)
{
	for (unsigned i = 0; i < RTE_DIM(programs); i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

const char *verdict_name(unsigned verdict)
{
	static const char *const names[VERDICTS] = {
		[XDP_ABORTED] = "XDP_ABORTED",   [XDP_DROP] = "XDP_DROP",
		[XDP_PASS] = "XDP_PASS",         [XDP_TX] = "XDP_TX",
		[XDP_REDIRECT] = "XDP_REDIRECT",
	};

	return names[verdict];
}
