#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Memif: two forwarders in two processes, packets going between them, and one is killed in the middle.
# The other goes on and ends cleanly, its books balanced; a server also serves who comes next. (A
# client of DPDK 22.11 does not look for a server that has come back.)
#
# DPDK 22.11's net_memif unmaps a lost peer's rings from its interrupt thread without waiting for an
# lcore that is in the middle of a burst on them, which then dies of SIGSEGV inside the driver. No
# application can prevent it, so that outcome is said and tried again; any other is a failure.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

# The forwarder of a role: its memif on one side, frames without end on the other. Sets $1.
memif_start() {
	local -n pid=$1
	local role=$2 cpu=$3
	"$BUILD/apps/fwd/pktpool-fwd" -l "$cpu" --in-memory --no-pci --no-telemetry --iova-mode=va \
		--vdev "net_memif0,role=$role,id=0,socket=$TMP/memif.sock,socket-abstract=no" \
		--vdev net_null0,size=64 -- --seconds 60 --json "$TMP/$role.json" \
		>"$TMP/$role.out" 2>>"$TMP/fwd.err" &
	pid=$!
	OTHERS+=" $pid"
}

# Until port $2 of role $1 receives, or 15 s.
memif_flows() {
	local lines
	lines=$(wc -l <"$TMP/$1.out")
	for _ in {1..150}; do
		tail -n +$((lines + 1)) "$TMP/$1.out" | grep -Eq 'net_memif0 +[1-9][0-9]* in/s' && return 0
		sleep 0.1
	done
	fwd_complaints
	fail "nothing comes to the $1"
}

net_begin
other=0
[ "$CPU" != 0 ] || other=$CPU

# Ends the one of a role as asked: all that it had is home.
memif_end() {
	local -n ending=$1
	local role=$1 status=0
	kill -TERM "$ending" 2>/dev/null || true
	wait "$ending" || status=$?
	[ $status != 139 ] || return 1
	[ $status = 0 ] || { fwd_complaints; fail "the $role ended with $status"; }
	jq -c 'del(.ports)' "$TMP/$role.json"
	jq -e '.rx > 1000 and .rx == .tx + .dropped and .in_flight_at_exit == 0' "$TMP/$role.json" \
		>/dev/null || fail "the $role's books are wrong"
}

memif_both() {
	rm -f "$TMP/memif.sock"
	memif_start server server "$CPU"
	sleep 0.5
	memif_start client client "$other"
	memif_flows server
	memif_flows client
}

memif_kill() {
	local -n killed=$1
	kill -KILL "$killed"
	{ wait "$killed"; } 2>/dev/null || true
	sleep 1.2
}

# Each tells by its status whether the survivor lived.
server_killed() {
	memif_both
	memif_kill server
	memif_end client
}
client_killed() {
	memif_both
	memif_kill client
	if kill -0 "$server" 2>/dev/null; then
		memif_start client client "$other"
		memif_flows client
		memif_flows server
		memif_kill client
	fi
	memif_end server
}

# A sanitizer would turn the driver's death into a status like any other.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
for story in server_killed client_killed; do
	for try in {1..6}; do
		if $story; then break; fi
		echo "$story: net_memif died under its lcore (see above), try $try"
		[ "$try" -lt 6 ] || fail "$story: it never lived"
	done
done
