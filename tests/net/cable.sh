#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Cable: a port's interface vanishes in the middle of a flood. The forwarder says so, ends cleanly, and
# its books balance.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

net_begin
drivers=net_af_packet
if grep -q '^XDP ' /proc/net/protocols; then drivers="net_af_xdp net_af_packet"; fi
for driver in $drivers; do
	for pulled in a b; do
		net_hosts
		: >"$TMP/fwd.err"
		fwd_start --vdev ${driver}0,iface=ma --vdev ${driver}1,iface=mb -- --json "$TMP/fwd.json"
		fwd_ready "$A" $ADDRESS_B
		in_a "$BUILD/tests/net/udp-flood" send $ADDRESS_B 5002 100000000 2 >"$TMP/sent" 2>&1 &
		sender=$!
		sleep 0.7
		# Its other end goes with it: the forwarder loses m$pulled.
		if [ $pulled = a ]; then ip -n "$A" link del dev ea; else ip -n "$B" link del dev eb; fi
		# It is looked for once a second.
		sleep 1.6
		kill -0 "$FWD" || fail "$driver: the forwarder died of a pulled cable"
		fwd_stop || fail "$driver: it ended with $? after $pulled's cable was pulled"
		wait $sender || true
		jq -c . "$TMP/fwd.json"
		grep 'its network interface is gone' "$TMP/fwd.err" || fail "$driver: nothing was said"
		jq -e '.rx > 0 and .rx == .tx + .dropped and .in_flight_at_exit == 0 and
			([.ports[] | select(.gone)] | length) == 1' "$TMP/fwd.json" >/dev/null ||
			fail "$driver: the books are wrong"
		if [ $pulled = a ]; then ip -n "$B" link del dev eb; else ip -n "$A" link del dev ea; fi
	done
done
