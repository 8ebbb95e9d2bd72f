/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: the command line. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

unsigned options_buffer_size(const struct bench_options *options, unsigned buffers)
{
	if (options->buffer_size)
		return options->buffer_size;
	/* Nobody touches the buffers, so that larger ones would only cost memory. */
	return buffers > 64 * 1024 ? 64 : 2048;
}

unsigned options_held(const struct bench_options *options, unsigned buffers)
{
	/* So few of a small pool that rte_mempool cannot starve: up to 768 of its
	 * buffers may lie in the other lcore's cache, out of reach. */
	unsigned most = buffers / (buffers < 16 * 1024 ? 8 : 4);
	unsigned held = options->held ? options->held : 4096;

	return held > most ? most : held;
}

static const char options_usage[] =
	"usage: pktpool-bench [OPTION]...\n"
	"pktpool beside rte_mempool: TSC cycles per buffer, get + put.\n"
	"  --json FILE        rows of the first size\n"
	"  --json-extra FILE  the machine, the other sizes, tails, creation, floors\n"
	"  --plot FILE        SVG (default: bench.svg beside this program)\n"
	"  --no-plot\n"
	"  --size N[,N]...    buffers, 1K .. 16M (default: 16K,1K,64K,1M,16M)\n"
	"  --hold N           buffers held in hold and contended (default: 4096,\n"
	"                     or less of a smaller pool)\n"
	"  --buffer-size N    bytes (default: 2048, or 64 in pools above 64K)\n"
	"  --owners           our pool remembers who has each buffer\n"
	"  --rounds N         samples of each figure (default: 128)\n"
	"  --cpus A,B         the two CPUs (default: the first two allowed)\n"
	"  --seeds            the workloads of the kernel's threads instead; of the\n"
	"                     others only --json, --rounds, --cpus and --quick go with it\n"
	"  --document FILE    with --seeds: its table goes between the marks of FILE\n"
	"  --quick            a few small samples, of one size: to see that it works\n"
	"  --help\n"
	"Exits 1 if it fails, 2 on wrong usage, 3 if hugepages or CPUs are missing.\n";

/* A number with an optional K or M, `end` behind it; 0 if it is none or out of range. */
static unsigned number_parse(const char *text, char **end, unsigned low, unsigned high)
{
	unsigned long value;

	*end = (char *)text;
	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtoul(text, end, 10);
	if (errno || value > high)
		return 0;
	if (**end == 'K' || **end == 'M')
		value <<= *(*end)++ == 'K' ? 10 : 20;
	return value < low || value > high ? 0 : (unsigned)value;
}

static int option_number(const char *name, const char *text, unsigned low, unsigned high,
			 unsigned *value)
{
	char *end;

	*value = number_parse(text, &end, low, high);
	if (*value && !*end)
		return 0;
	fprintf(stderr, "pktpool-bench: %s %s: not a number from %u to %u\n", name, text, low,
		high);
	return -EINVAL;
}

static int option_sizes(struct bench_options *options, const char *text)
{
	const unsigned most = sizeof(options->sizes) / sizeof(options->sizes[0]);
	char *end = (char *)text;

	options->size_count = 0;
	do {
		unsigned size = number_parse(end, &end, 1 << 10, 1 << 24);

		if (!size || (*end && *end != ',') || options->size_count == most) {
			fprintf(stderr,
				"pktpool-bench: --size %s: not up to %u numbers from 1K to 16M\n",
				text, most);
			return -EINVAL;
		}
		options->sizes[options->size_count++] = size;
	} while (*end++ == ',');
	return 0;
}

static int option_cpus(struct bench_options *options, const char *text)
{
	int used = 0;

	if (sscanf(text, "%d,%d%n", &options->cpus[0], &options->cpus[1], &used) == 2 &&
	    !text[used] && options->cpus[0] >= 0 && options->cpus[1] >= 0 &&
	    options->cpus[0] != options->cpus[1])
		return 0;
	fprintf(stderr, "pktpool-bench: --cpus %s: not two different CPUs\n", text);
	return -EINVAL;
}

static void options_default(struct bench_options *options)
{
	*options = (struct bench_options){
		.rounds = 128,
		.count = 64 << 10,
		.tail_turns = 64,
		.create_mib = 256,
		.create_rounds = 5,
		.sizes = { 16 << 10, 1 << 10, 64 << 10, 1 << 20, 16 << 20 },
		.size_count = 5,
		.cpus = { -1, -1 },
		.plot = "",
	};
}

static void options_quicken(struct bench_options *options)
{
	options->rounds = 3;
	options->count = 16 << 10;
	options->tail_turns = 2;
	options->create_mib = 16;
	options->create_rounds = 1;
	options->size_count = 1;
	options->plot = NULL;
}

enum {
	OPTION_JSON = 256,
	OPTION_EXTRA,
	OPTION_PLOT,
	OPTION_NO_PLOT,
	OPTION_SIZE,
	OPTION_HOLD,
	OPTION_BUFFER_SIZE,
	OPTION_OWNERS,
	OPTION_ROUNDS,
	OPTION_CPUS,
	OPTION_SEEDS,
	OPTION_DOCUMENT,
	OPTION_QUICK,
	OPTION_HELP,
};

static const struct option options_long[] = {
	{ "json", required_argument, NULL, OPTION_JSON },
	{ "json-extra", required_argument, NULL, OPTION_EXTRA },
	{ "plot", required_argument, NULL, OPTION_PLOT },
	{ "no-plot", no_argument, NULL, OPTION_NO_PLOT },
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "hold", required_argument, NULL, OPTION_HOLD },
	{ "buffer-size", required_argument, NULL, OPTION_BUFFER_SIZE },
	{ "owners", no_argument, NULL, OPTION_OWNERS },
	{ "rounds", required_argument, NULL, OPTION_ROUNDS },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "seeds", no_argument, NULL, OPTION_SEEDS },
	{ "document", required_argument, NULL, OPTION_DOCUMENT },
	{ "quick", no_argument, NULL, OPTION_QUICK },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

static int option_take(struct bench_options *options, int option)
{
	switch (option) {
	case OPTION_JSON:
		options->json = optarg;
		return 0;
	case OPTION_EXTRA:
		options->extra = optarg;
		return 0;
	case OPTION_PLOT:
		options->plot = optarg;
		return 0;
	case OPTION_NO_PLOT:
		options->plot = NULL;
		return 0;
	case OPTION_SIZE:
		return option_sizes(options, optarg);
	case OPTION_HOLD:
		/* Whole bursts, of every size. */
		if (option_number("--hold", optarg, 64, 1 << 22, &options->held))
			return -EINVAL;
		options->held -= options->held % BENCH_BURST_MAX;
		return 0;
	case OPTION_BUFFER_SIZE:
		if (option_number("--buffer-size", optarg, 64, 1 << 16, &options->buffer_size))
			return -EINVAL;
		if (options->buffer_size % 64 == 0)
			return 0;
		fprintf(stderr, "pktpool-bench: --buffer-size %s: not a multiple of 64\n", optarg);
		return -EINVAL;
	case OPTION_OWNERS:
		options->owners = true;
		return 0;
	case OPTION_ROUNDS:
		return option_number("--rounds", optarg, 1, 10000, &options->rounds);
	case OPTION_CPUS:
		return option_cpus(options, optarg);
	case OPTION_SEEDS:
		options->seeds = true;
		return 0;
	case OPTION_DOCUMENT:
		options->document = optarg;
		return 0;
	case OPTION_QUICK:
		options_quicken(options);
		return 0;
	case OPTION_HELP:
		fputs(options_usage, stdout);
		return 1;
	default:
		fputs(options_usage, stderr);
		return -EINVAL;
	}
}

/* What says how the patterns are run says nothing of the seeds' workloads. */
static bool option_is_patterns(int option)
{
	return option != OPTION_JSON && option != OPTION_ROUNDS && option != OPTION_CPUS &&
	       option != OPTION_SEEDS && option != OPTION_DOCUMENT && option != OPTION_QUICK;
}

int options_parse(struct bench_options *options, int argc, char **argv)
{
	const char *patterns = NULL;
	int option, taken, index;

	options_default(options);
	while ((option = getopt_long(argc, argv, "", options_long, &index)) != -1) {
		taken = option_take(options, option);
		if (taken)
			return taken;
		if (option_is_patterns(option))
			patterns = options_long[index].name;
	}
	if (options->seeds && patterns) {
		fprintf(stderr, "pktpool-bench: --%s does not go with --seeds\n", patterns);
		return -EINVAL;
	}
	if (options->document && !options->seeds) {
		fputs("pktpool-bench: --document goes with --seeds only\n", stderr);
		return -EINVAL;
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "pktpool-bench: %s: what is this for?\n%s", argv[optind], options_usage);
	return -EINVAL;
}
