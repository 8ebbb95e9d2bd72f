/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what stands behind `--` on the command line. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "app.h"
#include "argument.h"
#include "method_option.h"
#include "options.h"
#include "plan_option.h"
#include "pp_pool.h"

const char *argp_program_version = "pktpool-pktgen " PP_VERSION;

enum option_key {
	KEY_METHOD = PLAN_KEY_END,
	KEY_PAIR,
	KEY_BOTH,
	KEY_TX_ONLY,
	KEY_TEST,
	KEY_VERIFY,
	KEY_SETTLE,
	KEY_LINK_WAIT,
	KEY_BURST,
	KEY_BUFFERS,
	KEY_DATA_ROOM,
	KEY_PAGES,
	KEY_PROMISCUOUS,
	KEY_QUIET,
	KEY_JSON,
	KEY_CSV,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "What goes where:", 1 },
	{ "pair", KEY_PAIR, "TX:RX", 0,
	  "port TX sends and port RX receives, by their order; may be given several times; default: "
	  "one port to itself, port 0 to port 1, 2 to 3, ...",
	  1 },
	{ "both", KEY_BOTH, NULL, 0, "each pair also the other way round", 1 },
	{ "tx-only", KEY_TX_ONLY, NULL, 0, "nothing is expected to arrive", 1 },
	{ NULL, 0, NULL, 0, "How much, over all sending ports:", 2 },
	{ "rate", PLAN_KEY_RATE, "RATE", 0,
	  "1.5Mpps, 10Gbps (on the wire: preamble and gap count, L1), 10Gbps-l2 (they do not) or max "
	  "(default)",
	  2 },
	{ "seconds", PLAN_KEY_SECONDS, "N", 0, "send that long; default 1", 2 },
	{ "packets", PLAN_KEY_PACKETS, "N", 0, "send that many instead", 2 },
	{ NULL, 0, NULL, 0, "What:", 3 },
	{ "frame", PLAN_KEY_FRAME, "MIX", 0,
	  "bytes with the FCS: 512, imix or e.g. 64:7,594:4,1518:1; default 64", 3 },
	{ "protocol", PLAN_KEY_PROTOCOL, "NAME", 0, "udp (default), tcp, ip or ethernet", 3 },
	{ "ip", PLAN_KEY_IP, "4|6", 0, "version of IP; default that of the addresses, or 4", 3 },
	{ "field", PLAN_KEY_FIELD, "NAME=VALUES", 0,
	  "of src-mac, dst-mac, vlan, src-ip, dst-ip, src-port, dst-port: V, V-V, V-V/STEP, V,V,... "
	  "or random:V-V; may be given for each",
	  3 },
	{ "flows", PLAN_KEY_FLOWS, "N", 0,
	  "begin the fields again after N packets; each of the N is numbered for itself; default: as "
	  "many as the fields have combinations",
	  3 },
	{ "seed", PLAN_KEY_SEED, "N", 0, "for what is random; default 0", 3 },
	{ "pcap", PLAN_KEY_PCAP, "FILE", 0,
	  "the packets of this file instead; default all of it once", 3 },
	{ "speed", PLAN_KEY_SPEED, "N", 0,
	  "at N times the file's own timing; default: as --rate says, or as fast as it goes", 3 },
	{ "sign", PLAN_KEY_SIGN, NULL, 0,
	  "replace the last 16 bytes of the file's packets by a signature, so that loss, order and "
	  "latency can be told",
	  3 },
	{ "test", KEY_TEST, "FILE", 0,
	  "streams, trials and limits from a test file (JSON) instead of all of the above", 3 },
	{ NULL, 0, NULL, 0, "How it is measured:", 4 },
	{ "method", KEY_METHOD, "NAME", 0, "run (default): the trials as given; rfc2544; soak", 4 },
	{ "verify", KEY_VERIFY, NULL, 0, "look at every received checksum of IPv4, UDP and TCP",
	  4 },
	{ "settle", KEY_SETTLE, "S", 0,
	  "wait for packets until none has come for so many seconds; default 0.5", 4 },
	{ "link-wait", KEY_LINK_WAIT, "S", 0, "wait so many seconds for links; default 3", 4 },
	{ "promiscuous", KEY_PROMISCUOUS, NULL, 0, "also receive what is for other MACs", 4 },
	{ NULL, 0, NULL, 0, "With what:", 5 },
	{ "burst", KEY_BURST, "N", 0, "most packets sent at once; default 64", 5 },
	{ "buffers", KEY_BUFFERS, "N", 0, "buffers in the pool; default 16384", 5 },
	{ "data-room", KEY_DATA_ROOM, "BYTES", 0,
	  "of a buffer, 128 of headroom included; default 2176", 5 },
	{ "pages", KEY_PAGES, "SIZE", 0, "2M (default), 1G or 4K: what the pool is made of", 5 },
	{ NULL, 0, NULL, 0, "What is written:", 6 },
	{ "json", KEY_JSON, "FILE", 0, "all results at the end", 6 },
	{ "csv", KEY_CSV, "FILE", 0, "a line for each trial at the end", 6 },
	{ "quiet", KEY_QUIET, NULL, 0, "no table while it runs", 6 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char doc[] =
	"Sends packets made of a pool's buffers on DPDK's ports, and says how many arrived, in which "
	"order and after what time.\v"
	"The arguments before `--` are EAL's; ports are what it finds (-a) or makes (--vdev). One "
	"lcore does all; of several, the first half sends and the others receive.\n"
	"It ends by itself, or at SIGINT, SIGTERM or SIGHUP with what came until then: 0 all well, 1 "
	"a limit was missed or the run failed, 2 a bad option or file, 3 something it needs is "
	"missing.";

struct parse {
	struct options *o;
	const char *planned; /* an option that a test file has in its place */
	uint64_t given;      /* bit n: PLAN_KEY_FIRST + n */
	struct method_options methods;
};

static void pair_parse(struct argp_state *state, struct options *o, const char *text)
{
	unsigned tx, rx;
	int used = 0;

	if (sscanf(text, "%2u:%2u%n", &tx, &rx, &used) != 2 || text[used] != '\0')
		argp_error(state, "--pair %s: must be two ports, e.g. --pair 0:1", text);
	if (o->pairs == OPTIONS_LANES)
		argp_error(state, "--pair %s: more than %d pairs", text, OPTIONS_LANES);
	o->pair[o->pairs].tx = tx;
	o->pair[o->pairs++].rx = rx;
}

static void test_read(struct argp_state *state, struct parse *p)
{
	struct plan *plan = &p->o->plan;
	struct wrong wrong;
	int err;

	if (p->planned != NULL)
		argp_error(state, "--%s: the test file has it in its place: leave one of them out",
			   p->planned);
	plan_end(plan);
	err = plan_read(plan, p->o->test, &wrong);
	if (err == 0)
		return;
	complain("--test %s", wrong.text);
	plan_end(plan);
	exit(err == -EINVAL ? APP_USAGE : APP_ENVIRONMENT);
}

static const char *key_name(int key)
{
	for (unsigned i = 0; i < RTE_DIM(option_table); i++)
		if (option_table[i].key == key)
			return option_table[i].name;
	return "?";
}

static bool is_given(const struct parse *p, int key)
{
	return p->given >> (key - PLAN_KEY_FIRST) & 1;
}

static void method_check(struct argp_state *state, struct parse *p)
{
	const struct method *method = p->o->method;
	struct wrong wrong;

	method_options_check(&p->methods, method, state);
	for (int key = PLAN_KEY_FIRST; key <= KEY_CSV; key++)
		if (is_given(p, key))
			method_without_check(method, key_name(key), state);
	if (method->check(p->o, &wrong) != 0)
		argp_error(state, "--method %s: %s", method->name, wrong.text);
}

/* Nobody can say whether a limit was kept that nothing is known about. */
static void received_check(struct argp_state *state, const struct options *o)
{
	struct wrong wrong;

	if (o->tx_only && o->verify)
		argp_error(state, "--verify: nothing is received with --tx-only");
	if (o->verify && o->plan.pcap != NULL && !o->plan.sign)
		argp_error(state, "--verify: packets of a pcap file are only counted: --sign");
	if (o->tx_only && plan_limits_refuse(&o->plan, LIMITS_RECEIVED,
					     "nothing is received with --tx-only", &wrong) != 0)
		argp_error(state, "--test %s: %s", o->test, wrong.text);
}

/* What would be of no effect, or would undo another. */
static void given_check(struct argp_state *state, const struct parse *p)
{
	const struct options *o = p->o;

	for (int key = PLAN_KEY_FRAME; key <= PLAN_KEY_SEED; key++)
		if (o->plan.pcap != NULL && is_given(p, key))
			argp_error(state, "--%s: packets of a --pcap file are as they are",
				   key_name(key));
	/* Of a device, as of a pipe, each may have its part. */
	if (o->json != NULL && o->csv != NULL && strcmp(o->json, o->csv) == 0 &&
	    strncmp(o->json, "/dev/", 5) != 0)
		argp_error(state, "--json and --csv %s: each needs a file of its own", o->csv);
}

static void options_check(struct argp_state *state, struct parse *p)
{
	struct plan *plan = &p->o->plan;

	if (p->o->test != NULL)
		test_read(state, p);
	method_check(state, p);
	if (p->o->test == NULL)
		plan_options_end(state, plan);
	if (plan->streams == 0) {
		plan->streams = 1;
		plan->stream[0].weight = 1;
		snprintf(plan->stream[0].name, sizeof(plan->stream[0].name), "stream 1");
	}
	received_check(state, p->o);
	given_check(state, p);
}

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	struct options *o = p->o;

	if (key >= PLAN_KEY_FIRST && key <= KEY_CSV)
		p->given |= 1ULL << (key - PLAN_KEY_FIRST);
	if (plan_option_take(key, arg, state, &o->plan)) {
		p->planned = key_name(key);
		return 0;
	}
	switch (key) {
	case KEY_METHOD:
		o->method = method_take(state, arg);
		break;
	case KEY_PAIR:
		pair_parse(state, o, arg);
		break;
	case KEY_BOTH:
		o->both = true;
		break;
	case KEY_TX_ONLY:
		o->tx_only = true;
		break;
	case KEY_TEST:
		o->test = arg;
		break;
	case KEY_VERIFY:
		o->verify = true;
		break;
	case KEY_SETTLE:
		o->settle = argument_real(state, "settle", arg, 0, 3600);
		o->settle_given = true;
		break;
	case KEY_LINK_WAIT:
		o->link_wait = argument_real(state, "link-wait", arg, 0, 3600);
		break;
	case KEY_BURST:
		o->burst = (unsigned)argument_whole(state, "burst", arg, 1, 64);
		break;
	case KEY_BUFFERS:
		o->buffers.buffers = (uint32_t)argument_whole(state, "buffers", arg, 256, 1 << 28);
		break;
	case KEY_DATA_ROOM:
		o->buffers.data_room = (uint16_t)argument_whole(state, "data-room", arg,
								RTE_PKTMBUF_HEADROOM + 64, 65535);
		break;
	case KEY_PAGES:
		o->buffers.pages = argument_pages(state, arg);
		break;
	case KEY_PROMISCUOUS:
		o->promiscuous = true;
		break;
	case KEY_QUIET:
		o->quiet = true;
		break;
	case KEY_JSON:
		o->json = arg;
		break;
	case KEY_CSV:
		o->csv = arg;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: not an option; EAL's arguments stand before `--`", arg);
		break;
	case ARGP_KEY_INIT:
		method_options_init(&p->methods, state);
		break;
	case ARGP_KEY_END:
		options_check(state, p);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(void *options, int argc, char **argv)
{
	struct options *o = options;
	struct parse parse = { .o = o };
	const struct argp argp = {
		option_table, option_take, "", doc, parse.methods.children, NULL, NULL,
	};

	method_options_begin(&parse.methods);
	*o = (struct options){
		.method = methods[0],
		.buffers = {
			.kind = BUFFERS_PKTPOOL,
			.buffers = 16384,
			.data_room = RTE_MBUF_DEFAULT_BUF_SIZE,
			.pages = PP_PAGES_2M,
		},
		.burst = 64,
		.settle = 0.5,
		.link_wait = 3,
	};
	if (plan_options_begin(&o->plan) != 0)
		exit(APP_ENVIRONMENT);
	argp_err_exit_status = APP_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &parse);
}

void options_end(struct options *o)
{
	plan_end(&o->plan);
}
