/* SPDX-License-Identifier: BSD-3-Clause */
/* Dpdk-test: what the tests on a real EAL share. */
#include "dpdk_test.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>

#define FILES_MAX 1024
/* What EAL takes for itself: 64 MiB. */
#define EAL_HUGEPAGES 32

int test_pages;

static __attribute__((noreturn)) void skip_all(const char *why)
{
	printf("skipped: %s\n", why);
	exit(77);
}

static size_t number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t number = 0;
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			number += strtoul(line + strlen(key), NULL, 10);
	fclose(file);
	return number;
}

static size_t hugepages_free(void)
{
	return number_in("/proc/meminfo", "HugePages_Free:");
}

void test_eal_start(int argc, char **argv, unsigned hugepages)
{
	const char *mode = argc > 1 ? argv[1] : "va";
	bool nohuge = !strcmp(mode, "nohuge");
	char prefix[32], iova[32];
	char *args[] = { argv[0], "--no-pci", "--no-telemetry",
			 "-l",    "0",        "--log-level=lib.eal:error",
			 iova,    prefix,     nohuge ? "--no-huge" : "--in-memory",
			 "-m",    "64",       NULL };
	cpu_set_t cpus;

	/* Those beside which it runs may have them for a while. */
	for (int i = 0; !nohuge && hugepages_free() < hugepages + EAL_HUGEPAGES; i++) {
		if (i < 100)
			usleep(100000);
		else
			skip_all(
				"too few free hugepages of 2 MiB: raise /proc/sys/vm/nr_hugepages");
	}
	if (!strcmp(mode, "pa") && rte_mem_virt2phy(args) == RTE_BAD_IOVA && geteuid())
		skip_all("physical addresses are root's to see");
	snprintf(iova, sizeof(iova), "--iova-mode=%s", nohuge ? "va" : mode);
	snprintf(prefix, sizeof(prefix), "--file-prefix=pp%d", getpid());
	test_pages = nohuge ? PP_PAGES_4K : PP_PAGES_2M;
	/* EAL pins its threads; those of the tests are to run anywhere. */
	sched_getaffinity(0, sizeof(cpus), &cpus);
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0) {
		printf("EAL does not start in mode %s: %s\n", mode, rte_strerror(rte_errno));
		exit(3);
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

struct rte_mempool *test_pool_create(struct pp_pktmbuf_params params)
{
	static unsigned number;
	struct rte_mempool *mp;
	char name[16];

	/* A test that fails leaves its pool: the next must not fail on the name. */
	snprintf(name, sizeof(name), "test%u", number++);
	params.sz = sizeof(params);
	params.name = params.name ? params.name : name;
	params.pages = test_pages;
	mp = pp_pktmbuf_pool_create(&params);
	if (!mp)
		fail_msg("no pool: %s (%s)", pp_error(), rte_strerror(rte_errno));
	return mp;
}

static int list_count(const struct rte_memseg_list *list, void *arg)
{
	*(unsigned *)arg += list->external;
	return 0;
}

struct test_footprint test_footprint(void)
{
	struct test_footprint footprint = { 0 };

	for (int fd = 0; fd < FILES_MAX; fd++)
		footprint.files += fcntl(fd, F_GETFD) >= 0;
	footprint.hugepage_kib = number_in("/proc/self/smaps_rollup", "Shared_Hugetlb:") +
				 number_in("/proc/self/smaps_rollup", "Private_Hugetlb:");
	rte_memseg_list_walk(list_count, &footprint.lists);
	return footprint;
}

void test_footprint_assert(struct test_footprint before)
{
	struct test_footprint now = test_footprint();

	assert_int_equal(now.hugepage_kib, before.hugepage_kib);
	assert_int_equal(now.files, before.files);
	assert_int_equal(now.lists, before.lists);
}

struct lists {
	const struct pp_region *region;
	const char *next;
	struct pp_extent extent;
	uint32_t objects, chunks;
	uint32_t stride;
};

static void object_check(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	struct lists *lists = arg;
	const struct rte_mempool_objhdr *header = rte_mempool_get_header(obj);

	(void)i;
	assert_ptr_equal(header->mp, mp);
	assert_true(pp_buffer_index(lists->region, obj) >= 0);
	assert_ptr_equal(pp_buffer_at(lists->region, (uint32_t)pp_buffer_index(lists->region, obj)),
			 obj);
	assert_int_equal(header->iova, rte_mem_virt2iova(obj));
	lists->objects++;
}

static void chunk_check(struct rte_mempool *mp, void *arg, struct rte_mempool_memhdr *chunk,
			unsigned i)
{
	struct lists *lists = arg;
	struct pp_page_info info = { 0 };
	uint32_t p;

	(void)i;
	assert_ptr_equal(chunk->mp, mp);
	for (p = 0; p < lists->extent.pages; p++) {
		assert_int_equal(pp_region_page(lists->region, p, &info), 0);
		if (info.start == chunk->addr && info.count)
			break;
	}
	assert_true(p < lists->extent.pages);
	assert_true(info.present);
	assert_int_equal(chunk->len, (size_t)info.count * lists->extent.stride);
	lists->chunks++;
}

void test_lists_assert(struct rte_mempool *mp)
{
	struct lists lists = { .region = pp_pool_region(pp_pktmbuf_pool(mp)) };
	struct pp_page_info info;
	uint32_t pages = 0, count = 0;

	pp_region_extent(lists.region, &lists.extent);
	for (uint32_t p = 0; p < lists.extent.pages; p++) {
		assert_int_equal(pp_region_page(lists.region, p, &info), 0);
		pages += info.present && info.count;
		count += info.present ? info.count : 0;
	}
	assert_int_equal(rte_mempool_obj_iter(mp, object_check, &lists), count);
	assert_int_equal(rte_mempool_mem_iter(mp, chunk_check, &lists), pages);
	assert_int_equal(lists.objects, mp->populated_size);
	assert_int_equal(lists.chunks, mp->nb_mem_chunks);
	assert_int_equal(mp->size, mp->populated_size);
	/* A list whose tail is wrong loses what is appended next. */
	assert_null(*mp->elt_list.stqh_last);
	assert_null(*mp->mem_list.stqh_last);
}

bool test_mbuf_fresh(const struct rte_mempool *mp, const struct rte_mbuf *m)
{
	uint16_t priv = rte_pktmbuf_priv_size((struct rte_mempool *)(uintptr_t)mp);

	return m->pool == mp && m->buf_addr == (const char *)(m + 1) + priv &&
	       m->priv_size == priv && m->nb_segs == 1 && !m->next &&
	       rte_mbuf_refcnt_read(m) == 1 &&
	       !(m->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL));
}

void test_mbuf_assert(struct rte_mempool *mp, const struct rte_mbuf *m)
{
	const char *reason;

	assert_true(test_mbuf_fresh(mp, m));
	assert_int_equal(m->buf_len, rte_pktmbuf_data_room_size(mp));
	assert_int_equal(m->buf_iova, rte_mem_virt2iova(m->buf_addr));
	if (rte_mbuf_check(m, 1, &reason))
		fail_msg("%s", reason);
}

unsigned test_drain(struct rte_mempool *mp, struct rte_mbuf ***mbufs)
{
	unsigned n = 0;

	*mbufs = calloc(mp->populated_size + 1, sizeof(**mbufs));
	assert_non_null(*mbufs);
	while (n <= mp->populated_size && ((*mbufs)[n] = rte_pktmbuf_alloc(mp)))
		n++;
	return n;
}
