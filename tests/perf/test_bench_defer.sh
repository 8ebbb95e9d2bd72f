#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Test: pktpool-bench-defer writes what it says, and its exit codes; never how fast anything is.
set -euo pipefail
. "$(dirname "$0")/alone.sh"

measure --quick --json "$dir/rows.json"

# Every reader, batch and peer once; pp_defer freed what it was given, by blocks.
jq -e '
	def figure: type == "number" and . > 0;
	(.rows | map([.reader, .batch, .peer]) | sort) ==
	([["self", "other"], [1, 10, 100, 1000],
	  ["pp_defer", "pp_defer_head", "array", "arrays", "list", "dq", "wait"]]
	 | [combinations] | sort)
	and (.rows | all((.least | figure) and .least <= .median and (.grace_ns | figure)
			 and .rounds == 3))
	and (.machine | .cpu, .kernel, .compiler, .dpdk | length > 0)
	and .pp_defer.freed > 20 * .pp_defer.calls and .pp_defer.recycled > 0
	' "$dir/rows.json" >/dev/null || fail "rows are not as documented: $(<"$dir/rows.json")"
grep -q '^ 1000 ' "$dir/table" || fail "the table has no last line: $(<"$dir/table")"

expect 2 --no-such-option
expect 2 --rounds 0
expect 2 --rounds 12x
expect 2 --cpus 0,0
expect 2 stray
expect 1 --quick --json "$dir/no/such/folder.json"
expect 0 --help
