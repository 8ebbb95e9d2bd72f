#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Test: the forwarding bench moves packets in every row, and writes what it says; never how fast.
set -euo pipefail
HUGE_NEED=192
. "$(dirname "$0")/moving.sh"
bench=(attend timeout --foreground 60 python3 "$(dirname "$0")/forward.py" "$BUILD")

expect 2 --rounds 0
expect 2 --device net_nope
expect 2 --program nope
expect 3 --json /nope/f.json

expect 0 --quick --json "$dir/rows.json" --device net_null --device pipeline --device net_memif \
	--device net_af_xdp
there() { [ -e "$BUILD/$1" ] && echo true || echo false; }
jq -e --argjson kernel "$(there tests/perf/forward-xdp)" --argjson xsk "$(there lib/pmd/librte_net_pp_xsk.so)" '
	def who(device): map(select(.device == device) | .who) | sort;
	["dpdk-testpmd", "pktpool-fwd pktpool"] as $peers
	| who("net_null") == $peers and who("pipeline") == $peers and who("net_memif") == $peers
	and who("net_af_xdp") == ($peers + (if $kernel then ["kernel XDP"] else [] end)
		+ (if $xsk then ["pktpool-fwd net_pp_xsk"] else [] end) | sort)
	and all(.program == "io" and .frame == 64 and .packets > 0 and (.machine | length > 0))
	and all(.mpps > 0 and .ns_per_packet > 0 and (.mpps * .ns_per_packet - 1000 | fabs) < 0.01)
	and all(.loss >= 0 and .loss <= 1 and .rounds == 1 and .ns_least <= .ns_per_packet)
	and all((.round_trip_ns != null) == (.device != "net_null"))
	' "$dir/rows.json" >/dev/null ||
	fail "the rows are not as documented: $(jq -c '.[] | del(.machine)' "$dir/rows.json")"
for device in net_null pipeline net_memif net_af_xdp; do
	grep -q "^$device  *io  *64  pktpool-fwd pktpool" "$dir/out" || fail "no $device: $(<"$dir/out")"
done
