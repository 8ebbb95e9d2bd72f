#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Test: pktpool-bench writes the files it says, and its exit codes; never how fast anything is.
set -euo pipefail
. "$(dirname "$0")/alone.sh"

measure --quick --json "$dir/rows.json" --json-extra "$dir/extra.json" --plot "$dir/bench.svg"

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

# The seeds' workloads: each with its peers, its floor, and what was published of it.
printf 'before\n<!-- seeds: begin -->\n<!-- seeds: end -->\nafter\n' >"$dir/document"
for run in first second; do
	"${bench[@]}" --seeds --quick --json "$dir/seeds.json" --document "$dir/document" \
		>"$dir/seeds" 2>"$dir/err" || fail "--seeds, $run run: $(<"$dir/err")"
done
jq -e '
	def rows(w): map(select(.workload == w));
	def people(w; n): rows(w) | length == n and (map(.who) | unique | length) == n;
	def theirs(w; figures): rows(w) | all((.published | map(.figure)) == figures);
	([.[].workload] | unique) == (["crypt", "crypt-alloc", "fill", "page", "page-ring",
		"page-thread", "refill", "wait", "wakeups"])
	and people("refill"; 6) and people("crypt"; 10) and people("crypt-alloc"; 10)
	and people("fill"; 6) and people("wait"; 5) and people("wakeups"; 4) and people("page"; 3)
	and theirs("refill"; [3.677958, 4.368926, 3.771046, 4.249224])
	and theirs("crypt"; [1301, 1402]) and theirs("fill"; [25.007, 6.258, 4.59])
	and theirs("page"; [9.68]) and theirs("page-ring"; [26]) and theirs("page-thread"; [])
	and all(.[].published[]; (.source | length > 0) and (.machine | length > 0))
	and all(.samples == 0 or (.min > 0 and .min <= .median))
	and all(.samples > 0 or (.min == null and .median == null and .gain == null))
	and (rows("crypt") + rows("crypt-alloc") + rows("page") + rows("page-ring")
		| all(.samples == 3 and .discarded == 0 and .floor > 0 and .round_trip_ns == null))
	and (rows("crypt-alloc") | all(.share > 0 and .share < 1))
	and (rows("wait") | all(.samples == (if .who | test("500 ms") then 1 else 32 end)))
	and (rows("wait") + rows("fill") | all(.samples == 0 or .median <= .p99))
	and all(.rate == null or (.rate >= .rate_median and .rate_median > 0))
	and (rows("crypt") as $c | $c | map(select(.who == "pktpool, bulk callback"))[0] as $bulk
		| map(select(.who == "pktpool, one by one"))[0] as $one
		| ($bulk.gain - 100 * ($one.min / $bulk.min - 1) | fabs) < 0.01)
	' "$dir/seeds.json" >/dev/null || fail "the seeds are not as documented:
	$(jq -c '.[] | del(.published, .cpu)' "$dir/seeds.json")"
[ "$(grep -c '^Theirs' "$dir/seeds")" = 11 ] || fail "not every published figure: $(<"$dir/seeds")"
[ "$(sed -n '1p;2p;$p' "$dir/document" | tr '\n' ' ')" = 'before <!-- seeds: begin --> after ' ] &&
	[ "$(grep -c '^### Refill' "$dir/document")" = 1 ] ||
	fail "the document's table was not replaced: $(<"$dir/document")"

expect 2 --no-such-option
expect 2 --size 12
expect 2 --size 16K,
expect 2 --cpus 0,0
expect 2 --buffer-size 100
expect 2 stray
expect 1 --quick --json "$dir/no/such/folder.json"
expect 2 --seeds --size 1K
expect 2 --seeds --no-plot
expect 2 --document "$dir/document"
echo 'no marks' >"$dir/unmarked"
expect 1 --seeds --quick --document "$dir/unmarked"
[ "$(<"$dir/unmarked")" = 'no marks' ] || fail "a document without marks was written to"
expect 0 --help
# More than any machine that runs this has: the command that would mend it is named.
expect 3 --size 16M --buffer-size 64K
grep -q 'nr_hugepages' "$dir/err" || fail "does not say how to get hugepages: $(<"$dir/err")"
