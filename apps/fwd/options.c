/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what stands behind `--` on the command line. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "app.h"
#include "argument.h"
#include "options.h"
#include "pp_pool.h"
#include "program.h"

const char *argp_program_version = "pktpool-fwd " PP_VERSION;

enum option_key {
	KEY_POOL = 0x100,
	KEY_BUFFERS,
	KEY_DATA_ROOM,
	KEY_PAGES,
	KEY_CHECKSUM,
	KEY_SECONDS,
	KEY_PACKETS,
	KEY_FIRST,
	KEY_JSON,
	KEY_BURST,
	KEY_QUEUES,
	KEY_PROMISCUOUS,
	KEY_RESERVE,
	KEY_CRITICAL,
	KEY_NO_CRITICAL,
	KEY_STALL,
	KEY_BATCH,
	KEY_CACHE,
};

static const struct argp_option option_table[] = {
	{ "program", 'p', "NAME", 0, "what happens to a packet: see below; default cross", 0 },
	{ "pool", KEY_POOL, "KIND", 0, "pktpool (default), ring_mp_mc or stack", 0 },
	{ "buffers", KEY_BUFFERS, "N", 0, "buffers in the pool; default 16384", 0 },
	{ "data-room", KEY_DATA_ROOM, "BYTES", 0,
	  "of a buffer, 128 of headroom included; default 2176", 0 },
	{ "pages", KEY_PAGES, "SIZE", 0, "2M (default), 1G or 4K: what pktpool is made of", 0 },
	{ "cache", KEY_CACHE, "N", 0,
	  "buffers that rte_mempool keeps for each lcore in front of the pool; default 250, but "
	  "none beside a --reserve, and 512 of ring_mp_mc and stack; fewer of few buffers",
	  0 },
	{ "queues", KEY_QUEUES, "N", 0, "of each port, each polled by one lcore; default 1", 0 },
	{ "burst", KEY_BURST, "N", 0, "most packets received at once; default 32", 0 },
	{ "reserve", KEY_RESERVE, "N", 0,
	  "of the buffers, out of which critical packets are received when there are no others; "
	  "default 0",
	  0 },
	{ "critical", KEY_CRITICAL, "LIST", 0,
	  "what is critical beside ARP, IPv6 neighbours and what is for this host: "
	  "tcp:PORT, udp:PORT, icmp, icmp6, arp, proto:NUMBER, ether:TYPE, with commas",
	  0 },
	{ "no-critical", KEY_NO_CRITICAL, NULL, 0, "leave the reserve alone when receiving", 0 },
	{ "stall", KEY_STALL, NULL, 0,
	  "hold what is not critical until the end, as a stalled consumer does", 0 },
	{ "batch", KEY_BATCH, "N", 0,
	  "send when N packets of a queue have come, or none for a while, all at once: as a "
	  "gate that opens now and then, or an accelerator fed in batches",
	  0 },
	{ "checksum", KEY_CHECKSUM, NULL, 0,
	  "fill in TCP, UDP and ICMP checksums that the sender left to its hardware", 0 },
	{ "promiscuous", KEY_PROMISCUOUS, NULL, 0, "also receive what is for other MACs", 0 },
	{ "seconds", KEY_SECONDS, "N", 0, "stop after that long", 0 },
	{ "packets", KEY_PACKETS, "N", 0, "stop after that many were received", 0 },
	{ "first", KEY_FIRST, "N", 0, "begin by sending N made-up packets from each port", 0 },
	{ "json", KEY_JSON, "FILE", 0, "write a summary there at the end", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Forwards packets between DPDK's ports, every one of them in a buffer of the pool.\v"
	"Programs:\n"
	"  drop     frees what comes (XDP_DROP)\n"
	"  reflect  sends it back where it came from, MACs swapped (XDP_TX)\n"
	"  cross    port 0 <-> port 1, port 2 <-> port 3, ... (XDP_REDIRECT)\n"
	"  io       as cross, without a look at the packets\n"
	"  macswap  as cross, MACs swapped\n"
	"  5tswap   as cross; MACs, IP addresses and TCP's or UDP's ports swapped\n"
	"  pass     first port <-> first net_tap port, second <-> second, ...: to the kernel "
	"(XDP_PASS) and what the kernel sends (XDP_REDIRECT)\n\n"
	"The arguments before `--` are EAL's; ports are what it finds (-a) or makes (--vdev).\n"
	"It ends at SIGINT, SIGTERM, SIGHUP or a limit: 0 all well, 1 the run failed, 2 a bad "
	"option, 3 something it needs is missing.";

static enum buffers_kind kind_parse(struct argp_state *state, const char *text)
{
	for (unsigned i = 0; i < BUFFERS_KINDS; i++)
		if (strcmp(text, buffers_kind_name(i)) == 0)
			return i;
	argp_error(state, "--pool %s: must be pktpool, ring_mp_mc or stack, e.g. --pool pktpool",
		   text);
	return BUFFERS_PKTPOOL;
}

static void critical_take(struct options *o, const char *text, struct argp_state *state)
{
	const char *wrong = critical_parse(&o->critical, text);

	if (wrong != NULL)
		argp_error(state, "--critical %s: %s, e.g. --critical tcp:179,udp:53", text, wrong);
}

static void reserve_check(const struct options *o, struct argp_state *state)
{
	if (o->buffers.reserve != 0 && o->buffers.kind != BUFFERS_PKTPOOL)
		argp_error(state,
			   "--reserve %" PRIu32 ": only pktpool has a reserve, %s has none: leave "
			   "--reserve out, or --pool pktpool",
			   o->buffers.reserve, buffers_kind_name(o->buffers.kind));
	if (o->buffers.reserve != 0 && o->buffers.reserve < o->burst)
		argp_error(state,
			   "--reserve %" PRIu32 ": receiving a burst of %u takes as many from it "
			   "at once, or none: --reserve %u, or --burst %" PRIu32,
			   o->buffers.reserve, o->burst, o->burst, o->buffers.reserve);
	if (o->buffers.reserve != 0 && o->buffers.cache != 0)
		argp_error(state,
			   "--cache %" PRIu32 ": what returns to a cache does not return to the "
			   "reserve: leave --cache out, or --reserve",
			   o->buffers.cache);
	if (o->critical.n != 0 && !options_judge(o))
		argp_error(state, "--critical: there is no reserve that it could be for: --reserve "
				  "64, or leave --critical out");
	if (o->no_critical && o->buffers.reserve == 0 && o->buffers.kind == BUFFERS_PKTPOOL)
		argp_error(state, "--no-critical: there is no reserve to leave alone: --reserve "
				  "64, or leave --no-critical out");
}

static void options_check(const struct options *o, struct argp_state *state)
{
	reserve_check(o, state);
	if (o->batch != 0 && options_judge(o))
		argp_error(state,
			   "--batch %" PRIu32
			   ": what is critical would wait for what is not: leave "
			   "--batch out, or --reserve and --stall",
			   o->batch);
	if (o->buffers.cache > o->buffers.buffers / 3 * 2)
		argp_error(state,
			   "--cache %" PRIu32 ": of %" PRIu32
			   " buffers at most two thirds: --cache "
			   "%" PRIu32,
			   o->buffers.cache, o->buffers.buffers, o->buffers.buffers / 3 * 2);
	if (o->pages_given && o->buffers.kind != BUFFERS_PKTPOOL)
		argp_error(state,
			   "--pages %s: only pktpool chooses its own memory, %s takes EAL's: "
			   "leave --pages out, or --pool pktpool",
			   buffers_pages_name(o->buffers.pages),
			   buffers_kind_name(o->buffers.kind));
}

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'p':
		o->program = program_find(arg);
		if (o->program == NULL)
			argp_error(state,
				   "--program %s: must be drop, reflect, cross, io, macswap, "
				   "5tswap or pass, e.g. --program cross",
				   arg);
		break;
	case KEY_POOL:
		o->buffers.kind = kind_parse(state, arg);
		break;
	case KEY_PAGES:
		o->buffers.pages = argument_pages(state, arg);
		o->pages_given = true;
		break;
	case KEY_BUFFERS:
		o->buffers.buffers = argument_whole(state, "buffers", arg, 64, 1 << 28);
		break;
	case KEY_CACHE:
		o->buffers.cache =
			argument_whole(state, "cache", arg, 0, RTE_MEMPOOL_CACHE_MAX_SIZE);
		o->buffers.cache_given = true;
		break;
	case KEY_DATA_ROOM:
		o->buffers.data_room =
			argument_whole(state, "data-room", arg, RTE_PKTMBUF_HEADROOM + 64, 65535);
		break;
	case KEY_QUEUES:
		o->queues = argument_whole(state, "queues", arg, 1, OPTIONS_QUEUES_MAX);
		break;
	case KEY_BURST:
		o->burst = argument_whole(state, "burst", arg, 1, OPTIONS_BURST_MAX);
		break;
	case KEY_SECONDS:
		o->seconds = argument_whole(state, "seconds", arg, 1, 31536000);
		break;
	case KEY_PACKETS:
		o->packets = argument_whole(state, "packets", arg, 1, INT64_MAX);
		break;
	case KEY_FIRST:
		o->first = argument_whole(state, "first", arg, 1, 1 << 20);
		break;
	case KEY_JSON:
		o->json = arg;
		break;
	case KEY_RESERVE:
		o->buffers.reserve = argument_whole(state, "reserve", arg, 0, 1 << 20);
		break;
	case KEY_CRITICAL:
		critical_take(o, arg, state);
		break;
	case KEY_NO_CRITICAL:
		o->no_critical = true;
		break;
	case KEY_STALL:
		o->stall = true;
		break;
	case KEY_BATCH:
		o->batch = argument_whole(state, "batch", arg, 1, 1 << 20);
		break;
	case KEY_CHECKSUM:
		o->checksum = true;
		break;
	case KEY_PROMISCUOUS:
		o->promiscuous = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: not an option; EAL's arguments stand before `--`", arg);
		break;
	case ARGP_KEY_END:
		options_check(o, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *o, int argc, char **argv)
{
	static const struct argp argp = { option_table, option_take, "", doc, NULL, NULL, NULL };

	*o = (struct options){
		.program = program_find("cross"),
		.buffers = {
			.kind = BUFFERS_PKTPOOL,
			.buffers = 16384,
			.data_room = RTE_MBUF_DEFAULT_BUF_SIZE,
			.pages = PP_PAGES_2M,
		},
		.queues = 1,
		.burst = 32,
	};
	argp_err_exit_status = APP_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, o);
}
