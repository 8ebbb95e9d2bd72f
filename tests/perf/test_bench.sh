#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Test: pktpool-bench writes the files it says, and its exit codes; never how fast anything is.
set -euo pipefail
bench=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}

status=0
"$bench" --quick --json "$dir/rows.json" --json-extra "$dir/extra.json" --plot "$dir/bench.svg" \
	>"$dir/table" 2>"$dir/errors" || status=$?
if [ "$status" = 3 ]; then
	cat "$dir/errors"
	exit 77
fi
[ "$status" = 0 ] || fail "exits $status: $(<"$dir/errors")"

# Every pattern, burst and peer once known to the compiler and once not. Two lcores may
# have lost all their samples to a host that moved them: null then, never a guess.
jq -e '
	def figure: type == "number" and . > 0;
	def paired: .pattern == "pipeline" or .pattern == "contended";
	(map(select(.pattern != "one-by-one") | [.pattern, .burst, .peer, .constant]) | sort) ==
	([["hot", "hold", "pipeline", "contended"], [1, 8, 32, 64], ["ring_mp_mc", "stack"],
	  [true, false]] | [combinations] | sort)
	and (map(select(.pattern == "one-by-one") | .peer) | sort) == ["ring_mp_mc", "stack"]
	and all(.buffers == 16384 and (.rounds | type) == "number")
	and all((paired or (.pktpool | figure)) and (paired or (.rte_mempool | figure)))
	and all(paired or (.round_trip_ns == null and .rounds == 3))
	and all(.pktpool == null or .pktpool <= .pktpool_median)
	and all(.rte_mempool == null or .rte_mempool <= .rte_mempool_median)
	and all(.ratio == null or (.ratio - .rte_mempool / .pktpool | fabs) < 0.001 * .ratio)
	' "$dir/rows.json" >/dev/null || fail "rows are not as documented: $(<"$dir/rows.json")"
jq -e '
	(.machine | .cpu, .kernel, .compiler, .dpdk | length > 0) and
	(.tails | length == 12 and all(.p50 <= .p99 and .p99 <= .["p99.9"] and .bursts > 0)) and
	.create_s_per_gib.pktpool > 0 and .create_s_per_gib.rte_mempool > 0 and
	.memcpy_pointer > 0 and (.rows | length > 0)
	' "$dir/extra.json" >/dev/null || fail "extra facts are not as documented: $(<"$dir/extra.json")"
grep -q '^one-by-one' "$dir/table" || fail "the table has no last line: $(<"$dir/table")"
grep -q '</svg>' "$dir/bench.svg" || fail "no picture was drawn"

expect() {
	local status=0 want=$1
	shift
	"$bench" "$@" >"$dir/out" 2>&1 || status=$?
	[ "$status" = "$want" ] || fail "pktpool-bench $*: exits $status, not $want: $(<"$dir/out")"
}
expect 2 --no-such-option
expect 2 --size 12
expect 2 --size 16K,
expect 2 --cpus 0,0
expect 2 --buffer-size 100
expect 2 stray
expect 1 --quick --json "$dir/no/such/folder.json"
expect 0 --help
# More than any machine that runs this has: the command that would mend it is named.
expect 3 --size 16M --buffer-size 64K
grep -q 'nr_hugepages' "$dir/out" || fail "does not say how to get hugepages: $(<"$dir/out")"
