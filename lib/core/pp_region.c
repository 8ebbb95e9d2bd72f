/* SPDX-License-Identifier: BSD-3-Clause */
/* Region: reserving, mapping, populating and giving back memory. */
#include "pp_region.h"

#include <errno.h>
#include <fcntl.h>
#ifndef PP_WITHOUT_HUGEPAGES
#include <hugetlbfs.h>
#endif
#include <linux/memfd.h>
#include <numa.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pp_fail.h"
#include "pp_node.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define WINDOW_SHIFT 32
#define WINDOW (1ul << WINDOW_SHIFT)
#define WINDOWS (1u << (47 - WINDOW_SHIFT))
#define MIB2 (2ul << 20)
#define LOW_START (128ul << 30)
#define LOW_END (1ul << 39)

/* Which region each 4 GiB of the address space belongs to, in this process. */
static _Atomic(struct pp_region *) windows[WINDOWS];

struct pp_region *pp_region_find(const void *addr)
{
	uintptr_t window = (uintptr_t)addr >> WINDOW_SHIFT;

	if (window >= WINDOWS)
		return NULL;
	return atomic_load_explicit(&windows[window], memory_order_acquire);
}

static size_t region_span(const struct pp_region *region)
{
	return region->buffer_bytes + region->control_bytes;
}

static void region_announce(struct pp_region *region, struct pp_region *as)
{
	uintptr_t first = region->base >> WINDOW_SHIFT;
	uintptr_t last = (region->base + region_span(region) - 1) >> WINDOW_SHIFT;

	for (uintptr_t w = first; w <= last; w++)
		atomic_store_explicit(&windows[w], as, memory_order_release);
}

static const char *page_name(enum pp_pages backing)
{
	return backing == PP_PAGES_1G ? "1 GiB hugepage" : "2 MiB hugepage";
}

static unsigned long page_kib(enum pp_pages backing)
{
	return backing == PP_PAGES_1G ? 1048576 : 2048;
}

uint32_t pp_region_first(const struct pp_region *region, uint32_t p)
{
	uint64_t first;

	if (region->flags & PP_POOL_GAPLESS)
		first = ((uint64_t)p << region->page_shift) / region->stride;
	else
		first = (uint64_t)p * region->per_page;
	return first < region->buffers_max ? (uint32_t)first : region->buffers_max;
}

uint32_t pp_region_count(const struct pp_region *region, uint32_t p)
{
	return pp_region_first(region, p + 1) - pp_region_first(region, p);
}

/*
 * A buffer size that is an even number of lines puts equal offsets of all
 * buffers into a few sets of every cache and on few memory channels; one line
 * more makes them visit all. Only where it costs a sixteenth at most.
 */
static uint32_t coloured_stride(uint32_t size, size_t page)
{
	uint32_t wider = size + PP_LINE;

	if (size / PP_LINE % 2 || size < 1024)
		return size;
	return page / wider >= page / size * 15 / 16 && page / wider ? wider : size;
}

int pp_region_plan(struct pp_region *region)
{
	size_t bytes;

	region->page = region->backing == PP_PAGES_1G ? 1ul << 30 : MIB2;
	region->page_shift = (unsigned)__builtin_ctzl(region->page);
	if (region->buffer_size > region->page)
		return pp_fail(-EINVAL, "buffer_size %u is more than a hugepage (%zu bytes)",
			       region->buffer_size, region->page);
	if (region->flags & PP_POOL_GAPLESS) {
		region->stride = region->buffer_size;
		bytes = (size_t)region->buffers_max * region->stride;
	} else {
		region->stride = coloured_stride(region->buffer_size, region->page);
		region->per_page = (uint32_t)(region->page / region->stride);
		bytes = ((size_t)region->buffers_max + region->per_page - 1) / region->per_page *
			region->page;
	}
	region->key_shift = 31 - (unsigned)__builtin_clz(region->stride);
	region->inverse = UINT64_MAX / (region->stride / PP_LINE) + 1;
	bytes = (bytes + region->page - 1) & ~(region->page - 1);
	if (bytes >> 32 > 64)
		return pp_fail(-EINVAL, "buffers_max %u of %u bytes are beyond 256 GiB",
			       region->buffers_max, region->stride);
	region->buffer_bytes = bytes;
	region->pages_max = (uint32_t)(bytes >> region->page_shift);
	region->wide = bytes > WINDOW;
	return 0;
}

/* An unlinked file of that page size: by a mounted hugetlbfs, else by memfd, which needs none. */
static int hugepages_open(enum pp_pages backing)
{
	long size = (long)page_kib(backing) << 10;
	char path[96];
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%lukB", page_kib(backing));
	if (access(path, F_OK))
		return pp_fail(-ENOENT, "this machine has no %ss (no %s)", page_name(backing),
			       path);
#ifndef PP_WITHOUT_HUGEPAGES
	if (hugetlbfs_find_path_for_size(size))
		fd = hugetlbfs_unlinked_fd_for_size(size);
#endif
	if (fd < 0)
		fd = memfd_create("pktpool", MFD_CLOEXEC | MFD_HUGETLB |
						     (unsigned)__builtin_ctzl((unsigned long)size)
							     << MFD_HUGE_SHIFT);
	if (fd < 0)
		return pp_fail(-errno, "cannot open a file of %ss: %s", page_name(backing),
			       strerror(errno));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int memory_open(enum pp_pages backing)
{
	int fd;

	if (backing != PP_PAGES_4K)
		return hugepages_open(backing);
	fd = memfd_create("pktpool", MFD_CLOEXEC);
	return fd < 0 ? pp_fail(-errno, "memfd_create: %s", strerror(errno)) : fd;
}

/* Maps both memories over the reserved range. */
static int region_map(struct pp_region *region)
{
	int flags = MAP_SHARED | MAP_FIXED;
	void *at = (void *)region->base;

	/* Not reserved: hugepages are counted when one is populated, not before. */
	if (mmap(at, region->buffer_bytes, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE,
		 region->memory_fd, 0) == MAP_FAILED)
		return pp_fail(-errno, "cannot map %zu bytes of buffers: %s", region->buffer_bytes,
			       strerror(errno));
	region->control = (char *)at + region->buffer_bytes;
	if (mmap(region->control, region->control_bytes, PROT_READ | PROT_WRITE, flags,
		 region->control_fd, 0) == MAP_FAILED ||
	    madvise(region->control, region->control_bytes, MADV_POPULATE_WRITE))
		return pp_fail(-ENOMEM, "no memory for %zu bytes of blocks and descriptors: %s",
			       region->control_bytes, strerror(errno));
	return 0;
}

/*
 * Below 2^39, where also an IOMMU of 39 bits reaches with device addresses
 * equal to ours, and where nobody else maps by default: not the next process
 * that attaches either. Where to begin looking differs by process, so that two
 * that make pools and then exchange them rarely meet.
 */
static bool range_reserve_low(size_t span, uintptr_t *base)
{
	static _Atomic unsigned pools;
	uintptr_t windows = (LOW_END - LOW_START) / WINDOW;
	uintptr_t first = (uintptr_t)getpid() * 31 + atomic_fetch_add(&pools, 1);

	for (uintptr_t w = 0; w < windows; w++) {
		uintptr_t at = LOW_START + (first + w) % windows * WINDOW;
		void *got;

		if (at + span > LOW_END)
			continue;
		got = mmap((void *)at, span, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
			   0);
		if (got == (void *)at) {
			*base = at;
			return true;
		}
		if (got != MAP_FAILED)
			munmap(got, span);
	}
	return false;
}

/* An address range of `span` bytes, nothing in it, that starts on a window. */
static int range_reserve(size_t span, uintptr_t *base)
{
	uintptr_t start, aligned;
	char *wide;

	if (range_reserve_low(span, base))
		return 0;
	wide = mmap(NULL, span + WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		    0);
	if (wide == MAP_FAILED)
		return pp_fail(-ENOMEM, "cannot reserve %zu MiB of addresses: %s (see `ulimit -v`)",
			       (span + WINDOW) >> 20, strerror(errno));
	start = (uintptr_t)wide;
	aligned = (start + WINDOW - 1) & ~(WINDOW - 1);
	if (aligned > start)
		munmap(wide, aligned - start);
	munmap((void *)(aligned + span), start + WINDOW - aligned);
	*base = aligned;
	return 0;
}

/* Whole windows, so that no other region's addresses are in the last one. */
static size_t range_bytes(const struct pp_region *region)
{
	return (region_span(region) + WINDOW - 1) & ~(WINDOW - 1);
}

int pp_region_open(struct pp_region *region)
{
	size_t control = (region->control_bytes + MIB2 - 1) & ~(MIB2 - 1);
	int rc;

	region->control_bytes = control;
	region->memory_fd = memory_open(region->backing);
	if (region->memory_fd < 0)
		return region->memory_fd;
	region->control_fd = memfd_create("pktpool-control", MFD_CLOEXEC);
	if (region->control_fd < 0) {
		rc = pp_fail(-errno, "memfd_create: %s", strerror(errno));
		goto close_memory;
	}
	if (ftruncate(region->memory_fd, (off_t)region->buffer_bytes) ||
	    ftruncate(region->control_fd, (off_t)control)) {
		rc = pp_fail(-errno, "cannot size the pool's files: %s", strerror(errno));
		goto close_control;
	}
	rc = range_reserve(range_bytes(region), &region->base);
	if (rc)
		goto close_control;
	rc = region_map(region);
	if (rc)
		goto unmap;
	region_announce(region, region);
	return 0;
unmap:
	munmap((void *)region->base, range_bytes(region));
close_control:
	close(region->control_fd);
close_memory:
	close(region->memory_fd);
	return rc;
}

int pp_region_join(struct pp_region *region)
{
	void *at = (void *)region->base;
	void *got = mmap(at, range_bytes(region), PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	int rc;

	if (got != at) {
		if (got != MAP_FAILED)
			munmap(got, range_bytes(region));
		return pp_fail(-EADDRINUSE,
			       "addresses %p to %p, where the pool lies, are taken in this process",
			       at, (void *)(region->base + range_bytes(region)));
	}
	rc = region_map(region);
	if (rc) {
		munmap(at, range_bytes(region));
		return rc;
	}
	region_announce(region, region);
	return 0;
}

void pp_region_close(struct pp_region *region)
{
	region_announce(region, NULL);
	munmap((void *)region->base, range_bytes(region));
	close(region->control_fd);
	close(region->memory_fd);
}

static long sysfs_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (file) {
		if (fscanf(file, "%ld", &number) != 1)
			number = -1;
		fclose(file);
	}
	return number;
}

static int ordinary_shortage(int32_t node, uint32_t pages)
{
	long long free_bytes = 0;

	if (!pp_node_several())
		return pp_fail(-ENOMEM, "no memory for %u more units of 2 MiB of ordinary pages",
			       pages);
	numa_node_size64(node, &free_bytes);
	return pp_fail(-ENOMEM,
		       "no memory on NUMA node %d for %u more units of 2 MiB of ordinary pages "
		       "(%lld MiB free): name another in pp_pool_params.nodes (numactl --hardware "
		       "lists them)",
		       node, pages, free_bytes >> 20);
}

int pp_region_shortage(const struct pp_region *region, int32_t node, uint32_t pages)
{
	unsigned long kib = page_kib(region->backing);
	char dir[160], path[192], where[32] = "";
	long free_pages, all;

	if (region->backing == PP_PAGES_4K)
		return ordinary_shortage(node, pages);
	if (pp_node_several()) {
		snprintf(where, sizeof(where), " on NUMA node %d", node);
		snprintf(dir, sizeof(dir),
			 "/sys/devices/system/node/node%d/hugepages/hugepages-%lukB", node, kib);
	} else
		snprintf(dir, sizeof(dir), "/sys/kernel/mm/hugepages/hugepages-%lukB", kib);
	snprintf(path, sizeof(path), "%s/free_hugepages", dir);
	free_pages = sysfs_number(path);
	snprintf(path, sizeof(path), "%s/nr_hugepages", dir);
	all = sysfs_number(path);
	return pp_fail(-ENOMEM,
		       "no %s free for this pool%s (%ld of %ld free, up to %u needed): "
		       "echo %ld > %s",
		       page_name(region->backing), where, free_pages, all, pages, all + pages,
		       path);
}

int pp_region_populate(struct pp_region *region, uint32_t p, int32_t node)
{
	char *start = pp_region_page_start(region, p);
	size_t bytes = region->page;
	int rc = pp_node_map.bind(start, bytes, node);

	if (rc == -ENOMEM)
		return rc;
	if (rc)
		return pp_fail(-EINVAL, "cannot bind memory to NUMA node %d: %s", node,
			       strerror(-rc));
	if (!madvise(start, bytes, MADV_POPULATE_WRITE))
		return 0;
	if (errno == EINVAL)
		return pp_fail(-ENOSYS, "this kernel cannot populate memory on demand "
					"(MADV_POPULATE_WRITE, Linux 5.14)");
	/* What a partly populated unit of ordinary pages got. */
	madvise(start, bytes, MADV_REMOVE);
	return -ENOMEM;
}

void pp_region_punch(struct pp_region *region, uint32_t p)
{
	madvise(pp_region_page_start(region, p), region->page, MADV_REMOVE);
}
