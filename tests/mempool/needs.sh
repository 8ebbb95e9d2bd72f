#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Needs: the mempool ops link nothing of DPDK's, and show nothing but what is theirs.
plugin=${1:?the plugin}
needed=$(readelf -d "$plugin" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || { echo "readelf sees nothing"; exit 1; }
grep -E 'librte_|libpktpool|hugetlbfs' <<<"$needed" && { echo "needs what it must not"; exit 1; }
strong=$(nm -D --undefined-only "$plugin" | awk '/ rte_| per_lcore_/ && $1 != "w" && $1 != "v" { print $NF }')
[ -z "$strong" ] || { echo "not weak:" $strong; exit 1; }
nm -D --undefined-only "$plugin" | grep -q ' w rte_mempool_register_ops' || { echo "does not register"; exit 1; }
shown=$(nm -D --defined-only "$plugin" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort | xargs)
[ "$shown" = 'pktpool_mempool_critical pktpool_mempool_tag pktpool_mempool_telemetry_join' ] || { echo "shows: $shown"; exit 1; }
echo "needs $(xargs <<<"$needed")"
