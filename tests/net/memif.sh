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

# Until the one of role $1 says so many in/s ($2) of its port, or has ended: false then, and after 60 s.
memif_says() {
	local -n saying=$1
	local lines
	lines=$(wc -l <"$TMP/$1.out")
	for _ in {1..600}; do
		tail -n +$((lines + 1)) "$TMP/$1.out" | grep -Eq "net_memif0 +$2 in/s" && return 0
		kill -0 "$saying" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

memif_flows() {
	memif_says "$1" '[1-9][0-9]*' || {
		fwd_complaints
		fail "nothing comes to the $1"
	}
}

# Until the server listens, or 60 s.
memif_listens() {
	for _ in {1..600}; do
		! grep -q " 00010000 .* $TMP/memif.sock\$" /proc/net/unix || return 0
		sleep 0.1
	done
	fwd_complaints
	fail "the server does not listen"
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
	memif_listens
	memif_start client client "$other"
	memif_flows server
	memif_flows client
}

# Kills role $1, and waits until role $2 has noticed, which may be its death.
memif_kill() {
	local -n killed=$1
	kill -KILL "$killed"
	{ wait "$killed"; } 2>/dev/null || true
	memif_says "$2" 0 || ! kill -0 "${!2}" 2>/dev/null || fail "the $2 goes on receiving from the dead"
}

# Each tells by its status whether the survivor lived.
server_killed() {
	memif_both
	memif_kill server client
	memif_end client
}
client_killed() {
	memif_both
	memif_kill client server
	if kill -0 "$server" 2>/dev/null; then
		memif_start client client "$other"
		memif_flows client
		memif_flows server
		memif_kill client server
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
