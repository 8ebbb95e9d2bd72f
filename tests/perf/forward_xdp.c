/* SPDX-License-Identifier: BSD-3-Clause */
/* XDP: two interfaces forward for each other in the kernel, until stdin ends. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

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

static int side_open(struct side *side, const char *path, const char *program,
		     const char *interface, unsigned out)
{
	struct rodata data = { .out_index = out };
	struct bpf_program *p;
	struct bpf_map *map;
	int err;

	side->object = bpf_object__open_file(path, NULL);
	if (side->object == NULL)
		return side_fail(path, interface, errno);
	bpf_object__for_each_map(map,
				 side->object) if (strstr(bpf_map__name(map), ".rodata") != NULL)
		bpf_map__set_initial_value(map, &data, sizeof(data));
	bpf_object__for_each_program(p, side->object)
		bpf_program__set_autoload(p, strcmp(bpf_program__name(p), program) == 0);
	p = bpf_object__find_program_by_name(side->object, program);
	if (p == NULL)
		return side_fail(program, interface, ENOENT);
	err = bpf_object__load(side->object);
	if (err != 0)
		return side_fail("the kernel does not take the program", interface, -err);
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

int main(int argc, char **argv)
{
	struct side sides[2] = { 0 };
	char request[16];
	int status = 0;

	if (argc != 5) {
		fprintf(stderr, "usage: forward-xdp OBJECT PROGRAM INTERFACE INTERFACE\n");
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
		if (side_open(&sides[i], argv[1], argv[2], argv[3 + i], sides[!i].index) != 0)
			status = 3;
	if (status == 0)
		printf("ready\n");
	fflush(stdout);
	/* Each line is a question: how many packets so far? */
	while (status == 0 && fgets(request, sizeof(request), stdin) != NULL) {
		printf("%" PRIu64 "\n", side_packets(&sides[0]) + side_packets(&sides[1]));
		fflush(stdout);
	}
	for (int i = 0; i < 2; i++)
		side_close(&sides[i]);
	return status;
}
