/* SPDX-License-Identifier: BSD-3-Clause */
/* Pktpool: everything a user of libpktpool includes. */
#ifndef PKTPOOL_H
#define PKTPOOL_H

#include "pp_about.h"
#include "pp_buffer.h"
#include "pp_bulk.h"
#include "pp_check.h"
#include "pp_defer.h"
#include "pp_dma.h"
#include "pp_holders.h"
#include "pp_lease.h"
#include "pp_level.h"
#include "pp_mempool.h"
#include "pp_objcache.h"
#include "pp_pool.h"
#include "pp_reserve.h"
#include "pp_stats.h"
#include "pp_tag.h"
#include "pp_thread.h"
#include "pp_wait.h"

#endif
