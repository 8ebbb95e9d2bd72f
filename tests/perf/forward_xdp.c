/* SPDX-License-Identifier: BSD-3-Clause */
/* XDP: in the kernel two interfaces forward for each other, or are fed and drained. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

/* Frames that the kernel sends for one call, as beginning and ending one takes it
 * 20 ms; and at once. */
#define TURN (1u << 26)
#define BATCH 64
#define FRAME_MAX 2048

struct side {
	struct bpf_object *object;
	unsigned index;
	bool attached;
};

/* What the object's .rodata holds and nothing else. */
struct rodata {
	uint32_t out_index;
};

static int side_fail(const char *what, const char *interface, int err)
{
	fprintf(stderr, "forward-xdp: %s: %s: %s\n", interface, what, strerror(err));
	return -1;
}

/* Loads one program of the object, of packets that leave by `out`; NULL having said why not. */
static struct bpf_program *side_load(struct side *side, const char *path, const char *program,
				     const char *interface, unsigned out)
{
	struct rodata data = { .out_index = out };
	struct bpf_program *p;
	struct bpf_map *map;
	int err;

	side->object = bpf_object__open_file(path, NULL);
	if (side->object == NULL) {
		side_fail(path, interface, errno);
		return NULL;
	}
	bpf_object__for_each_map(map,
				 side->object) if (strstr(bpf_map__name(map), ".rodata") != NULL)
		bpf_map__set_initial_value(map, &data, sizeof(data));
	bpf_object__for_each_program(p, side->object)
		bpf_program__set_autoload(p, strcmp(bpf_program__name(p), program) == 0);
	p = bpf_object__find_program_by_name(side->object, program);
	if (p == NULL) {
		side_fail(program, interface, ENOENT);
		return NULL;
	}
	err = bpf_object__load(side->object);
	if (err != 0) {
		side_fail("the kernel does not take the program", interface, -err);
		return NULL;
	}
	return p;
}

static int side_attach(struct side *side, const char *path, const char *program,
		       const char *interface, unsigned out)
{
	const struct bpf_program *p = side_load(side, path, program, interface, out);
	int err;

	if (p == NULL)
		return -1;
	err = bpf_xdp_attach((int)side->index, bpf_program__fd(p), XDP_FLAGS_DRV_MODE, NULL);
	if (err != 0)
		return side_fail("the program cannot be attached", interface, -err);
	side->attached = true;
	return 0;
}

static uint64_t side_packets(const struct side *side)
{
	int fd = bpf_object__find_map_fd_by_name(side->object, "packets");
	int cpus = libbpf_num_possible_cpus();
	uint64_t *counts = calloc((size_t)(cpus > 0 ? cpus : 1), sizeof(*counts)), sum = 0;
	uint32_t key = 0;

	if (counts != NULL && bpf_map_lookup_elem(fd, &key, counts) == 0)
		for (int i = 0; i < cpus; i++)
			sum += counts[i];
	free(counts);
	return sum;
}

static void side_close(struct side *side)
{
	if (side->attached)
		bpf_xdp_detach((int)side->index, XDP_FLAGS_DRV_MODE, NULL);
	bpf_object__close(side->object);
}

/* What both interfaces are fed with, and by which programs. */
static struct {
	unsigned char frame[FRAME_MAX];
	size_t bytes;
	int programs[2];
} feed;

/* Live frames: the kernel makes them, runs the program, and does what it says. A
 * thread for each interface; they share a CPU, as this process has one. */
static void *feed_run(void *arg)
{
	for (;;) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = feed.frame,
			    .data_size_in = (uint32_t)feed.bytes, .repeat = TURN,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
		int err = bpf_prog_test_run_opts(*(const int *)arg, &opts);

		/* It was stopped for a while, and goes on. */
		if (err == 0 || err == -EINTR || err == -EAGAIN)
			continue;
		fprintf(stderr, "forward-xdp: the kernel does not send: %s\n", strerror(-err));
		exit(3);
	}
	return NULL;
}

static int feed_start(struct side feeders[2], const char *path, const struct side *sinks,
		      char **interfaces, const char *frame)
{
	FILE *file = fopen(frame, "re");
	pthread_t thread;

	if (file == NULL)
		return side_fail(frame, interfaces[0], errno);
	feed.bytes = fread(feed.frame, 1, sizeof(feed.frame), file);
	fclose(file);
	for (int i = 0; i < 2; i++) {
		const struct bpf_program *p =
			side_load(&feeders[i], path, "generate", interfaces[i], sinks[i].index);

		if (p == NULL)
			return -1;
		feed.programs[i] = bpf_program__fd(p);
		if (pthread_create(&thread, NULL, feed_run, &feed.programs[i]) != 0)
			return side_fail("no thread to feed it", interfaces[i], EAGAIN);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct side sides[2] = { 0 }, feeders[2] = { 0 };
	bool feeding = argc == 6;
	char request[16];
	int status = 0;

	if (argc != 5 && !feeding) {
		fprintf(stderr, "usage: forward-xdp OBJECT PROGRAM INTERFACE INTERFACE [FRAME]\n");
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		sides[i].index = if_nametoindex(argv[3 + i]);
		if (sides[i].index == 0) {
			fprintf(stderr, "forward-xdp: there is no interface %s here\n",
				argv[3 + i]);
			return 3;
		}
	}
	for (int i = 0; i < 2 && status == 0; i++)
		if (side_attach(&sides[i], argv[1], argv[2], argv[3 + i], sides[!i].index) != 0)
			status = 3;
	if (status == 0 && feeding && feed_start(feeders, argv[1], sides, argv + 3, argv[5]) != 0)
		status = 3;
	if (status == 0)
		printf("ready\n");
	fflush(stdout);
	/* Each line is a question: how many packets came, and were sent, so far? */
	while (status == 0 && fgets(request, sizeof(request), stdin) != NULL) {
		uint64_t came = side_packets(&sides[0]) + side_packets(&sides[1]);

		printf("%" PRIu64 " %" PRIu64 "\n", came,
		       feeding ? side_packets(&feeders[0]) + side_packets(&feeders[1]) : came);
		fflush(stdout);
	}
	for (int i = 0; i < 2; i++)
		side_close(&sides[i]);
	return status;
}
