/* SPDX-License-Identifier: BSD-3-Clause */
/* Extmem: pools' address ranges in EAL's books of memory. */
#include "pp_extmem.h"
#include "pp_fail.h"

#include <pthread.h>
#include <rte_eal_memconfig.h>
#include <rte_errno.h>
#include <rte_fbarray.h>
#include <rte_memory.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pp_extmem *ranges;
static unsigned count;

unsigned pp_extmem_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

/* Under the lock. */
static struct pp_extmem *range_at(const void *va)
{
	struct pp_extmem *extmem = ranges;

	while (extmem && (uintptr_t)va - (uintptr_t)extmem->extent.base >= extmem->extent.bytes)
		extmem = extmem->next;
	return extmem;
}

struct pp_extmem *pp_extmem_find(const void *va)
{
	struct pp_extmem *extmem;

	pthread_mutex_lock(&lock);
	extmem = range_at(va);
	pthread_mutex_unlock(&lock);
	return extmem;
}

/*
 * One registration for the whole range up to the pool's maximum: EAL has 128
 * lists of memory in all, and a registration takes one. Which hugepages are
 * there is told the way EAL does it for its own memory, by marking the list's
 * entries used and free, so whoever walks EAL's memory meets present ones only.
 * A unit of 4 KiB pages goes as one entry: they come with IOVA = VA only, where
 * the size of a page says nothing.
 */
static int range_register(const struct pp_extent *extent)
{
	struct rte_memseg_list *list;

	if (rte_extmem_register(extent->base, extent->bytes, NULL, extent->pages, extent->page))
		return pp_fail(-rte_errno,
			       "EAL does not register %zu MiB at %p as external memory (%s): it "
			       "has %d lists of memory, its own included, and a pool takes one",
			       extent->bytes >> 20, extent->base, rte_strerror(rte_errno),
			       RTE_MAX_MEMSEG_LISTS);
	rte_mcfg_mem_write_lock();
	list = rte_mem_virt2memseg_list(extent->base);
	for (uint32_t p = 0; p < extent->pages; p++)
		rte_fbarray_set_free(&list->memseg_arr, p);
	rte_mcfg_mem_write_unlock();
	return 0;
}

struct pp_extmem *pp_extmem_hold(const struct pp_extent *extent, int *error)
{
	struct pp_extmem *extmem;

	pthread_mutex_lock(&lock);
	extmem = range_at(extent->base);
	if (extmem) {
		extmem->holds++;
		goto unlock;
	}
	extmem = calloc(1, sizeof(*extmem) + extent->pages * sizeof(extmem->pages[0]));
	if (!extmem) {
		*error = pp_fail(-ENOMEM, "no memory for the books of %u hugepages", extent->pages);
		goto unlock;
	}
	*error = range_register(extent);
	if (*error) {
		free(extmem);
		extmem = NULL;
		goto unlock;
	}
	extmem->extent = *extent;
	extmem->holds = 1;
	extmem->next = ranges;
	ranges = extmem;
	__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
unlock:
	pthread_mutex_unlock(&lock);
	return extmem;
}

void pp_extmem_drop(struct pp_extmem *extmem)
{
	struct pp_extmem **at = &ranges;

	if (!extmem)
		return;
	pthread_mutex_lock(&lock);
	if (!--extmem->holds) {
		while (*at != extmem)
			at = &(*at)->next;
		*at = extmem->next;
		rte_extmem_unregister(extmem->extent.base, extmem->extent.bytes);
		__atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
		free(extmem);
	}
	pthread_mutex_unlock(&lock);
}

static void page_mark(struct pp_extmem *extmem, const void *va, rte_iova_t iova)
{
	uint32_t p = (uint32_t)(pp_extmem_page(extmem, va) - extmem->pages);
	struct rte_memseg_list *list;
	struct rte_memseg *seg;

	rte_mcfg_mem_write_lock();
	list = rte_mem_virt2memseg_list(extmem->extent.base);
	seg = rte_fbarray_get(&list->memseg_arr, p);
	seg->iova = iova;
	if (iova != RTE_BAD_IOVA)
		rte_fbarray_set_used(&list->memseg_arr, p);
	else
		rte_fbarray_set_free(&list->memseg_arr, p);
	rte_mcfg_mem_write_unlock();
}

void pp_extmem_use(struct pp_extmem *extmem, const void *va, rte_iova_t iova)
{
	if (!pp_extmem_page(extmem, va)->users++)
		page_mark(extmem, va, iova);
}

void pp_extmem_release(struct pp_extmem *extmem, const void *va)
{
	if (!--pp_extmem_page(extmem, va)->users)
		page_mark(extmem, va, RTE_BAD_IOVA);
}
