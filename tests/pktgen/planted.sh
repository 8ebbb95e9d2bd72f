#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Planted: against a forwarder in another process that drops, doubles, swaps and damages every so
# many'th packet, the generator sees exactly as many. (Over net_memif, where a full ring makes the
# sender wait: no packet is lost that was not planted.)
set -euo pipefail
BUILD=$1
. "$(dirname "$0")/pktgen.sh"

# What has to come out, packets, and what is planted: drop double swap damage behind. The rest: pktgen's own.
planted() {
	local want=$1 packets=$2 pid tries
	shift 2
	rm -f "$TMP/memif.sock"
	"$BUILD/tests/pktgen/planted" -l 0 $EAL --file-prefix "planted$$" \
		--vdev "net_memif0,role=server,id=0,socket=$TMP/memif.sock,socket-abstract=no" \
		-- "$packets" "$1" "$2" "$3" "$4" "$5" >"$TMP/planted.out" 2>"$TMP/planted.err" &
	pid=$!
	OTHERS+=" $pid"
	for tries in {1..600}; do
		[ ! -S "$TMP/memif.sock" ] || break
		kill -0 $pid 2>/dev/null || fail "the forwarder did not start: $(tail -n 3 "$TMP/planted.err")"
		sleep 0.1
	done
	shift 5
	generate "$want" --vdev "net_memif0,role=client,id=0,socket=$TMP/memif.sock,socket-abstract=no" \
		-- --link-wait 60 --settle 2 --packets "$packets" "$@"
	kill -TERM $pid
	wait $pid || true
	jq -e ".seen == $packets" "$TMP/planted.out" >/dev/null || fail "the forwarder saw $(<"$TMP/planted.out")"
}

net_begin
none='$t.corrupt == 0 and $t.foreign == 0'
# The known share: every 100th of 20,000 is 1%.
planted "\$t.sent == 20000 and \$t.lost == 200 and \$t.loss == 0.01 and \$t.received == 19800 and
	\$t.duplicated == 0 and \$t.reordered == 0 and $none" 20000 100 0 0 0 1
planted "\$t.lost == 0 and \$t.duplicated == 1000 and \$t.reordered == 0 and $none" 20000 0 20 0 0 1
# None follows the last, which so is not late.
planted "\$t.lost == 0 and \$t.duplicated == 0 and \$t.reordered == 399 and \$t.reorder_extent == 2 and
	$none" 20000 0 0 50 0 1
planted '$t.corrupt == 40 and $t.lost == 40 and $t.duplicated == 0 and $t.reordered == 0' 20000 0 0 0 500 1
# 16 flows, of which a 16th'"'"'s every packet is lost: seen on that flow, on no other.
planted '$t.lost == 1250 and $t.flows.lossy == 1 and $t.flows.worst[0].flow == 15 and
	$t.flows.worst[0].lost == 1250 and $t.flows.worst[0].received == 0 and
	($t.flows.worst | length) == 1' 20000 16 0 0 0 1 --frame 128 --field src-port=1000-1015 --rate 200kpps
# Doubled on that flow alone; then every second one of it sent behind the next of it, which the last has not.
planted '$t.lost == 0 and $t.duplicated == 1250 and $t.reordered == 0 and $t.flows.duplicated == 1 and
	$t.flows.lossy == 0 and $t.flows.reordered == 0 and ($t.flows.worst | length) == 1 and
	($t.flows.worst[0] | .flow == 15 and .duplicated == 1250 and .received == 1250 and .reordered == 0)' \
	20000 0 16 0 0 1 --frame 128 --field src-port=1000-1015 --rate 200kpps
planted '$t.lost == 0 and $t.duplicated == 0 and $t.reordered == 624 and $t.flows.reordered == 1 and
	$t.flows.lossy == 0 and $t.flows.duplicated == 0 and ($t.flows.worst | length) == 1 and
	($t.flows.worst[0] | .flow == 15 and .reordered == 624 and .received == 1250 and .duplicated == 0)' \
	20000 0 0 32 0 16 --frame 128 --field src-port=1000-1015 --rate 200kpps
