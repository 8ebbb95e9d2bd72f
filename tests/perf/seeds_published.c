/* SPDX-License-Identifier: BSD-3-Clause */
/* Published: what each workload is, and the figures that others published of theirs. */
#include "seeds.h"

#define BROADWELL "Brouer's test host: Xeon E5-1650 v4 (Broadwell), one CPU doing it all"
#define BROUER_RFC "Brouer in Gorman's series of 1 March 2021, patch 5"
#define BROUER_V6 "Gorman's series v6, March 2021"
#define SHI "Shi's series v2, 14 February 2023"
#define SHI_MACHINE "80 CPUs (model not named), dm-crypt on a RAM disk, fio writing 1 MiB"
#define LEVER "Lever in Gorman's series, March 2021"
#define BENCH_SIMPLE "bench_page_pool_simple, a kernel without the SRSO mitigation"
#define GENOA "EPYC 9684X (Zen 4)"

const struct seeds_workload seeds_workloads[SEEDS_SUBJECTS] = {
	[SEEDS_REFILLING] = {
		.name = "refill",
		.title = "Refill of 64 against one by one, nothing recycled",
		.unit = "cycles/packet",
		.rate_unit = "Mpps",
		.note = "One lcore takes buffers, writes a frame's first line into each and hands "
			"them over by 16; the other reads the line and frees. From the start until "
			"both are done. Gain: over one by one from the same pool.",
		.published = {
			{ "one by one", 3.677958, "Mpps", BROUER_RFC, BROADWELL },
			{ "64 at once (+18.8%)", 4.368926, "Mpps", BROUER_RFC, BROADWELL },
			{ "one by one", 3.771046, "Mpps", BROUER_V6, BROADWELL },
			{ "64 at once, array (+12.7%)", 4.249224, "Mpps", BROUER_V6, BROADWELL },
		},
	},
	[SEEDS_CRYPT] = {
		.name = "crypt",
		.title = "dm-crypt's write of 1 MiB: 256 buffers filled with AES-256-XTS",
		.unit = "us/MiB",
		.rate_unit = "MiB/s",
		.note = "16 writes in flight; the oldest one's buffers are freed, as many "
			"allocated, and 4 KiB encrypted into each by OpenSSL. One lcore.",
		.published = {
			{ "one by one", 1301, "MiB/s", SHI, SHI_MACHINE },
			{ "bulk callback (+7.8%)", 1402, "MiB/s", SHI, SHI_MACHINE },
		},
	},
	[SEEDS_CRYPT_ALLOC] = {
		.name = "crypt-alloc",
		.title = "What allocating and freeing the 256 buffers is of it",
		.unit = "us/MiB",
		.share_of = "the write",
		.note = "The clock's two readings and the chain's own filling are in it, and are "
			"the floor.",
	},
	[SEEDS_FILL] = {
		.name = "fill",
		.title = "sunrpc's svc_alloc_arg: an array of 256, of which a request used 1 to 256",
		.unit = "us/call",
		.tail = true,
		.note = "The first 1 to 256 slots are handed to another lcore that frees them, and "
			"filled again; there are always enough. The call's time.",
		.published = {
			{ "one by one", 25.007, "us/call", LEVER, "not named" },
			{ "list", 6.258, "us/call", LEVER, "not named" },
			{ "array", 4.590, "us/call", LEVER, "not named" },
		},
	},
	[SEEDS_WAIT] = {
		.name = "wait",
		.title = "The same when nothing is left: all of 1 to 256, or wait",
		.unit = "us",
		.tail = true,
		.note = "Another lcore holds every buffer and frees them by 32, 50 us apart, "
"beginning 50 us to 1 ms after the call. From the start of the free that "
"makes it enough until the call has returned.",
	},
	[SEEDS_WAKEUPS] = {
		.name = "wakeups",
		.title = "How often the waiter left its CPU for one such call",
		.unit = "times/call",
		.note = "Voluntary context switches, the mean of 32 calls.",
	},
	[SEEDS_ONE] = {
		.name = "page",
		.title = "page_pool's simple bench: one allocated, one freed",
		.unit = "cycles",
		.rate_unit = "M/s",
		.published = { { "fast path", 9.68, "cycles", BENCH_SIMPLE, GENOA } },
	},
	[SEEDS_RING] = {
		.name = "page-ring",
		.title = "The same, freed through a ring, by one lcore",
		.unit = "cycles",
		.rate_unit = "M/s",
		.note = "One is allocated and put into a ring for many producers; 64 at a time go "
			"back from it.",
		.published = { { "through its ptr_ring, one CPU", 26, "cycles", BENCH_SIMPLE,
				 GENOA } },
	},
	[SEEDS_THREAD] = {
		.name = "page-thread",
		.title = "The same, freed by another lcore",
		.unit = "cycles",
		.rate_unit = "M/s",
		.note = "One by one over a ring of 1,024 to another lcore, which frees one by one. "
			"From the start until both are done. Nobody published page_pool's.",
	},
};
