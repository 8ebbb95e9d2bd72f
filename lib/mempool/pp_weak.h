/* SPDX-License-Identifier: BSD-3-Clause */
/* Weak: what is asked of DPDK, and found in the application or not at all. */
#ifndef PP_WEAK_H
#define PP_WEAK_H

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_version.h>

#pragma weak rte_eal_iova_mode
#pragma weak rte_lcore_count
#pragma weak rte_lcore_is_enabled
#pragma weak rte_log
#pragma weak rte_log_register_type_and_pick_level
#pragma weak rte_mempool_event_callback_register
#pragma weak rte_mempool_get_page_size
#pragma weak rte_mempool_op_calc_mem_size_default
#pragma weak rte_mempool_ops_table
#pragma weak rte_mempool_register_ops
#pragma weak rte_mempool_walk
#pragma weak rte_memzone_free
#pragma weak rte_memzone_lookup
#pragma weak rte_memzone_reserve_aligned
#pragma weak rte_strerror
#pragma weak rte_version
#pragma weak per_lcore__rte_errno

#endif
