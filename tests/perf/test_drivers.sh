#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Test: the drivers' bench has packets moved on each mempool ops and AF_XDP driver, and every
# pattern of the ops alone; it writes what it says; never how fast.
set -euo pipefail
HUGE_NEED=256
. "$(dirname "$0")/moving.sh"
bench=(attend timeout --foreground 100 python3 "$(dirname "$0")/drivers.py" "$BUILD")

expect 2 --rounds 1001
expect 2 --part nope
expect 3 --json /nope/d.json

# A quick run is of one place: what all of them give the ops' contestants is looked at here.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(dirname "$0") python3 - "$BUILD" "$dir" <<-'EOF' ||
	import sys
	from drivers import mempool_makers
	from forward_places import PLACES
	kinds = [kind for kind in PLACES.values() if kind.any_ops]
	names = sorted(kind.name for kind in kinds)
	assert names == ['net_af_xdp', 'net_memif', 'net_null', 'net_null copy', 'net_pcap', 'net_ring'], names
	for kind in kinds:
	    assert len(mempool_makers(kind(*sys.argv[1:], 64), 'plugin', False)) == 6, kind.name
	    assert not kind.two_cpus or hasattr(kind, 'contestant'), kind.name
EOF
	fail "the places of the ops are others"

expect 0 --quick --json "$dir/rows.json"
xsk=false
if [ -e "$BUILD/tests/perf/forward-xdp" ] && [ -e "$BUILD/lib/pmd/librte_net_pp_xsk.so" ]; then xsk=true; fi
jq -e --argjson xsk $xsk '
	map(select(.device)) as $moved | map(select(.pattern)) as $ops
	| ($moved | map(select(.ops) | [.device, .ops, .cache]) | sort) ==
		([["net_null"], ["ring_mp_mc", "pktpool"], [0, 250]] | [combinations] | sort)
	and ($moved | map(select(.ops | not) | [.device, .who]) | sort) == (if $xsk then
		[["net_af_xdp", "dpdk-testpmd"], ["net_af_xdp", "pktpool-fwd pktpool"],
		 ["net_pp_xsk", "pktpool-fwd pktpool"]] else [] end)
	and ($moved | all(.packets > 0 and .mpps > 0 and .frame == 64 and .rounds == 1))
	and ($ops | map([.pattern, .n, .ops, .cache, .option]) | unique | length) == 17 * 6
	and ($ops | map(.pattern) | unique | length) == 5
	and ($ops | all(if .cycles == null then .rounds == 0 and .discarded > 0
		else .cycles_least > 0 and .cycles_least <= .cycles end))
	and ($ops | all(.round_trip_ns == null or .pattern == "pipeline" or .pattern == "contended"))
	and (map(.machine) | unique | length) == 1
	' "$dir/rows.json" >/dev/null ||
	fail "the rows are not as documented: $(jq -c '.[] | del(.machine)' "$dir/rows.json")"
grep -q '^contended *64 ' "$dir/out" || fail "no table of the ops: $(<"$dir/out")"
status=0
"$BUILD/tests/mempool/ops-bench" --rounds 0 plugin >"$dir/out" || status=$?
[ $status = 2 ] || fail "ops-bench --rounds 0: exits $status, not 2"
