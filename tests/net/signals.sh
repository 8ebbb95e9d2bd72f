#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Signals: SIGTERM, SIGINT and SIGHUP end it with every buffer home, also before it is ready; what
# SIGKILL leaves behind does not hinder the next.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

xdp_start() {
	fwd_start --vdev "${driver}0,iface=ma" --vdev "${driver}1,iface=mb" -- --json "$TMP/fwd.json"
}
xdp_attached() { ip -n "$M" link show | grep -q xdp; }

net_begin
driver=net_af_packet
if grep -q '^XDP ' /proc/net/protocols; then driver=net_af_xdp; fi
net_hosts

for signal in TERM INT HUP; do
	xdp_start
	fwd_ready "$A" $ADDRESS_B
	in_a "$BUILD/tests/net/udp-flood" send $ADDRESS_B 5002 100000000 1 >"$TMP/sent" &
	sender=$!
	sleep 0.5
	fwd_stop $signal || fail "SIG$signal under load: it ended with $?"
	wait $sender || fail "the flood's sender failed"
	jq -e '.rx > 100 and .rx == .tx + .dropped and .in_flight_at_exit == 0' "$TMP/fwd.json" ||
		fail "SIG$signal: the books are wrong"
	! xdp_attached || fail "SIG$signal: an XDP program is still attached"
done

# At any moment of its start.
for ms in 005 020 050 100 150 200 300 400; do
	xdp_start
	sleep 0.$ms
	kill -TERM "$FWD"
	status=0
	wait "$FWD" || status=$?
	# Before main() has set its handlers a signal simply ends it.
	[ $status = 0 ] || [ $status = 143 ] || { fwd_complaints; fail "after $ms ms: it ended with $status"; }
	! xdp_attached || fail "after $ms ms: an XDP program is still attached"
done

xdp_start
fwd_ready "$A" $ADDRESS_B
kill -KILL "$FWD"
wait "$FWD" || true
xdp_start
fwd_ready "$A" $ADDRESS_B || fail "after SIGKILL the next one does not come up"
pings_send "$A" $ADDRESS_B 10
[ "$LOST" = 0 ] || fail "after SIGKILL pings are lost"
fwd_stop || fail "after SIGKILL the next one ended with $?"
jq -e '.in_flight_at_exit == 0' "$TMP/fwd.json"
