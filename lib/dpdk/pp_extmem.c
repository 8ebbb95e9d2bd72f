/* SPDX-License-Identifier: BSD-3-Clause */
/* Extmem: the pool's address range in EAL's books of memory. */
#include "pp_binding.h"
#include "pp_fail.h"

#include <rte_eal_memconfig.h>
#include <rte_errno.h>
#include <rte_fbarray.h>
#include <rte_memory.h>

static unsigned ranges;

unsigned pp_extmem_count(void)
{
	return __atomic_load_n(&ranges, __ATOMIC_RELAXED);
}

/*
 * One registration for the whole range up to the pool's maximum: EAL has 128
 * lists of memory in all, and a registration takes one. Which hugepages are
 * there is told the way EAL does it for its own memory, by marking the list's
 * entries used and free, so whoever walks EAL's memory meets present ones only.
 * A unit of 4 KiB pages goes as one entry: they come with IOVA = VA only, where
 * the size of a page says nothing.
 */
int pp_extmem_register(struct pp_binding *binding)
{
	const struct pp_extent *extent = &binding->extent;
	struct rte_memseg_list *list;

	if (rte_extmem_register(extent->base, extent->bytes, NULL, extent->pages, extent->page))
		return pp_fail(-rte_errno, "cannot register %zu MiB at %p as external memory: %s",
			       extent->bytes >> 20, extent->base, rte_strerror(rte_errno));
	rte_mcfg_mem_write_lock();
	list = rte_mem_virt2memseg_list(extent->base);
	for (uint32_t p = 0; p < extent->pages; p++)
		rte_fbarray_set_free(&list->memseg_arr, p);
	rte_mcfg_mem_write_unlock();
	binding->registered = true;
	__atomic_fetch_add(&ranges, 1, __ATOMIC_RELAXED);
	return 0;
}

void pp_extmem_unregister(struct pp_binding *binding)
{
	if (!binding->registered)
		return;
	rte_extmem_unregister(binding->extent.base, binding->extent.bytes);
	binding->registered = false;
	__atomic_fetch_sub(&ranges, 1, __ATOMIC_RELAXED);
}

void pp_extmem_use(struct pp_binding *binding, uint32_t p, rte_iova_t iova)
{
	struct rte_memseg_list *list;
	struct rte_memseg *seg;

	rte_mcfg_mem_write_lock();
	list = rte_mem_virt2memseg_list(binding->extent.base);
	seg = rte_fbarray_get(&list->memseg_arr, p);
	seg->iova = iova;
	rte_fbarray_set_used(&list->memseg_arr, p);
	rte_mcfg_mem_write_unlock();
}

void pp_extmem_release(struct pp_binding *binding, uint32_t p)
{
	struct rte_memseg_list *list;
	struct rte_memseg *seg;

	rte_mcfg_mem_write_lock();
	list = rte_mem_virt2memseg_list(binding->extent.base);
	seg = rte_fbarray_get(&list->memseg_arr, p);
	seg->iova = RTE_BAD_IOVA;
	rte_fbarray_set_free(&list->memseg_arr, p);
	rte_mcfg_mem_write_unlock();
}
