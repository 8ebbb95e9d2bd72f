#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Test: RFC 2544 on real ports: what is written has the form and the sense that it should, what
# cannot be measured is said, and a soak keeps its memory. Never how fast anything is.
set -euo pipefail
LACK=77 HUGE_NEED=128
here=$(cd "$(dirname "$0")/../net" && pwd)
. "$here/netns.sh"
BUILD=$1
pktgen=$BUILD/apps/pktgen/pktpool-pktgen
net_begin

status=0
attend bash "$here/rfc2544.sh" "$BUILD" --quick --json "$TMP/t.json" --csv "$TMP/t.csv" >"$TMP/said" 2>&1 || status=$?
[ $status != 3 ] || { tail -n 1 "$TMP/said"; exit 77; }
[ $status = 0 ] || fail "rfc2544.sh ended with $status: $(tail -n 20 "$TMP/said")"

# Each with a name, so that what is not so is said.
jq -r '
	def share: type == "number" and . >= 0 and . <= 1;
	def rising: . as $a | [range(1; length) | $a[.] >= $a[. - 1]] | all;
	def is(words; f): if f then empty else words end;
	is("not shortened"; .shortened and .interrupted == false),
	is("frames"; [.rows[].frame] == [64, 1518]),
	is("the pool"; .in_flight_at_exit == 0 and .forwarder.in_flight_at_exit == 0),
	(.rows[] |
	"\(.frame) B: \(
	is("nothing came back"; .max_pps > 0 and .mrr.pps > 0 and (.mrr.loss | share)),
	is("throughput is not the NDR"; .throughput == .ndr),
	is("NDR above 100%"; .ndr.pps <= .max_pps * 1.0001 and .ndr.percent <= 100.01),
	is("PDR below NDR"; .pdr.pps >= .ndr.pps and .pdr.allowed_loss == 0.005),
	is("no trials"; .ndr.trials > 1 and .pdr.trials > 0),
	is("the throughput run again lost something"; .ndr.pps == 0
		or (.ndr.confirm | .trials == 3 and .sent > 0 and .lost == 0)),
	is("the PDR run again lost more"; .pdr.pps == 0
		or (.pdr.confirm | .trials == 3 and .lost <= 0.005 * .sent)),
	is("latency at other loads"; .ndr.pps == 0 or [.latency[].load_percent] == [10, 50, 90]),
	is("percentiles out of order"; .latency | all(.p50_ns == null
		or ([.min_ns, .p50_ns, .p90_ns, .p99_ns, .["p99.9_ns"], .max_ns] | rising and .[0] > 0))),
	is("loads out of order"; .loss | length > 1 and .[0].load_percent == 100
		and (map(-.load_percent) | rising) and all(.loss | share)),
	is("losses do not end"; .loss_ended == (.loss[-2:] | length == 2 and all(.lost == 0))),
	is("bursts"; .back_to_back | .repetitions == 1 and .min_frames <= .frames
		and .frames <= .max_frames and .corrected_us <= .implied_us and .corrected_us >= 0)
	)")' "$TMP/t.json" >"$TMP/wrong"
[ ! -s "$TMP/wrong" ] || fail "not as it should be: $(<"$TMP/wrong") in $(jq -c .rows "$TMP/t.json")"
[ "$(head -n 1 "$TMP/t.csv")" = frame,test,load_percent,figure,value,unit ] &&
	[ "$(grep -c ',ndr,' "$TMP/t.csv")" = 2 ] || fail "csv: $(head -n 5 "$TMP/t.csv")"
for words in 'Shortened for a demonstration' 'instead of 60' 'Throughput' 'Latency' 'Frame loss' 'RFC 9004'; do
	grep -qF "$words" "$TMP/said" || fail "nobody said '$words'"
done

# The report reads what was just written.
if command -v gnuplot >/dev/null; then
	bash "$here/../perf/report.sh" "$BUILD" --rfc "$TMP/t.json" --html "$TMP/page/index.html" >"$TMP/out" 2>&1 ||
		fail "no report: $(<"$TMP/out")"
	[ "$(grep -c '<figure class="plot"' "$TMP/page/index.html")" -ge 3 ] || fail "no plots in the report"
	! grep -q '<!-- \(insert\|if\|end\)' "$TMP/page/index.html" || fail "marks are left in the report"
fi

# pktpool-pktgen in one process: EAL's device or several (a+b), its own options.
generate() {
	timeout 60 "$pktgen" -l "$CPU" --in-memory --no-pci --no-telemetry --log-level=4 --vdev ${1//+/ --vdev } -- \
		--quiet "${@:2}"
}
expect() {
	local want=$1 words=$2 status=0
	shift 2
	attend generate "$@" >"$TMP/out" 2>&1 || status=$?
	[ "$status" = "$want" ] || fail "$*: exits $status, not $want: $(tail -n 5 "$TMP/out")"
	grep -q -e "$words" "$TMP/out" || fail "$*: does not say '$words': $(tail -n 5 "$TMP/out")"
}
# A port that gives what nobody sent: nothing of ours comes back.
expect 1 'none came back' net_null0 --method rfc2544 --frames 64 --trial 0.05 --settle 0.05 --json "$TMP/silent.json"
jq -e '.rows[0] | .frame == 64 and (has("throughput") | not)' "$TMP/silent.json" >/dev/null || fail "$(<"$TMP/silent.json")"
expect 2 'no such test' net_ring0 --method rfc2544 --tests throughput,jitter
expect 2 'tests: which' net_ring0 --method rfc2544 --tests ,
expect 2 'frames: of which bytes' net_ring0 --method rfc2544 --frames ''
expect 2 'from 64 to' net_ring0 --method rfc2544 --frames 63
expect 2 'streams and ports take' net_ring0 --method rfc2544 --frames 9600
expect 2 'majority' net_ring0 --method rfc2544 --votes 2
expect 2 'a number from' net_ring0 --method rfc2544 --resolution x
# What would be of no effect is refused: a rate, a file's packets, a test file's trials and limits.
for what in "--rate max" "--seconds 5" "--frame 128" "--pcap x" "--tx-only"; do
	read -r word _ <<<"$what"
	expect 2 "$word: says nothing to --method rfc2544: it" net_ring0 --method rfc2544 --json "$TMP/none.json" $what
done
for what in '"pcap": { "file": "x" }' '"trials": [ { "packets": 5 } ]' '"limits": { "max_loss": 0 }'; do
	echo "{ $what }" >"$TMP/test.json"
	read -r word _ <<<"$what"
	expect 2 "method rfc2544: the test file's ${word%:}: " net_ring0 --method rfc2544 --test "$TMP/test.json"
done
[ ! -e "$TMP/none.json" ] || fail "what was refused has left a file"
expect 2 'how many --seconds' net_ring0 --method soak --packets 5
expect 2 'soak-loss: nothing is received' net_ring0 --method soak --tx-only --soak-loss 0
echo '{ "trials": [ { "seconds": 1 }, { "seconds": 1 } ] }' >"$TMP/test.json"
expect 2 'a test file of one trial, not 2' net_ring0 --method soak --test "$TMP/test.json"
# Streams of a test file are measured; one direction of two that is dead is said of its port.
echo '{ "streams": [ { "protocol": "tcp" } ] }' >"$TMP/test.json"
demo=(--method rfc2544 --frames 128 --tests throughput --trial 0.02 --votes 1 --resolution 50)
expect 0 '^   128' net_ring0 "${demo[@]}" --test "$TMP/test.json" --json "$TMP/t.json"
jq -e '.passed and .rows[0].ndr.pps > 0 and .plan.settle_seconds == 0.5 and .plan.rest_seconds == 0' "$TMP/t.json" \
	>/dev/null || fail "streams of a test file: $(<"$TMP/t.json")"
expect 1 'that port 1 (net_null1) sent none was received on port 1' net_ring0+net_null1 "${demo[@]}" --settle 0.05 \
	--pair 0:0 --pair 1:1 --json "$TMP/t.json"
jq -e '.passed == false' "$TMP/t.json" >/dev/null || fail "passed: $(<"$TMP/t.json")"

# Periods of a soak: memory is what it was, every packet is accounted for, limits are those of all of it.
limited() {
	echo "{ \"trials\": [ { \"seconds\": $1, \"rate\": \"20kpps\", \"limits\": { $2 } } ] }" >"$TMP/test.json"
}
limited 1.5 '"max_loss": 0, "max_duplicated": 0, "min_tx_pps": 1, "max_latency_us": 60000000'
expect 0 'Soak: [12] s in 6 periods' net_ring0 --method soak --test "$TMP/test.json" --soak-every 0.25 --soak-loss 0 \
	--json "$TMP/soak.json" --csv "$TMP/soak.csv"
[ "$(grep -c 'lost in all' "$TMP/out")" = 6 ] || fail "soak: $(<"$TMP/out")"
jq -e '.soak | .periods == 6 and .grown == false and .sent > 0 and .sent == .received and .most_kib > 0
	and .last_kib <= .first_kib + 1024 and .latency_ns.count == .sent' "$TMP/soak.json" >/dev/null ||
	fail "soak: $(jq -c .soak "$TMP/soak.json")"
jq -e '.soak.sent as $sent | .passed and .missed == [] and (.trials | length == 6 and (map(.sent) | add) == $sent
	and all(.periods == 1 and .lost == 0) and (map(.at) | . == sort))' "$TMP/soak.json" >/dev/null ||
	fail "rows of a soak: $(jq -c .trials "$TMP/soak.json")"
[ "$(wc -l <"$TMP/soak.csv")" = 7 ] && [[ $(head -n 1 "$TMP/soak.csv") == at,periods,sent,received,lost,* ]] ||
	fail "rows of a soak as CSV: $(<"$TMP/soak.csv")"
limited 0.2 '"max_latency_us": 0, "max_loss": 0'
expect 1 'trial 1: max_latency_us is .*, the limit is 0' net_ring0 --method soak --test "$TMP/test.json" --json "$TMP/soak.json"
jq -e '(.passed | not) and [.missed[].limit] == ["max_latency_us"]' "$TMP/soak.json" >/dev/null || fail "limits: $(<"$TMP/soak.json")"
# A receiver that hears nothing fails it, whatever may be lost.
limited 0.2 '"max_loss": 0.9'
dead=(net_null0 --method soak --settle 0.05 --soak-every 0.1 --test "$TMP/test.json" --json "$TMP/soak.json")
expect 1 'trial 1: max_loss is 1, the limit is 0.9' "${dead[@]}"
grep -q 'soak: of [0-9]* packets that port 0 (net_null0) sent none was received' "$TMP/out" || fail "a dead soak: $(<"$TMP/out")"
jq -e '(.passed | not) and (.trials | length == 2)' "$TMP/soak.json" >/dev/null || fail "a dead soak: $(<"$TMP/soak.json")"

# Stopped in the middle it says what it has, and goes with clean books.
: >"$TMP/out"
"$pktgen" -l "$CPU" --in-memory --no-pci --no-telemetry --log-level=4 --vdev net_ring0 -- --quiet \
	--method rfc2544 --full --json "$TMP/stop.json" >"$TMP/out" 2>&1 &
running=$!
OTHERS=$running
for _ in {1..300}; do
	! grep -q '^port 0' "$TMP/out" || break
	sleep 0.1
done
kill -INT $running
status=0
wait $running || status=$?
OTHERS=
[ $status = 0 ] && jq -e '.interrupted and .in_flight_at_exit == 0 and (.rows | length == 1)
	and .shortened == false and .plan.settle_seconds == 2 and .plan.rest_seconds == 5' "$TMP/stop.json" >/dev/null ||
	fail "interrupted: exits $status, $(jq -c '{interrupted, in_flight_at_exit, rows: [.rows[].frame]}' "$TMP/stop.json" 2>&1): $(tail -n 5 "$TMP/out")"
echo "measured, reported, soaked and stopped"
