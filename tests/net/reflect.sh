#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Reflect: every frame comes back to its sender, MACs swapped and nothing else, on AF_XDP and AF_PACKET.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

net_begin
net_hosts
drivers=net_af_packet
if grep -q '^XDP ' /proc/net/protocols; then drivers="net_af_xdp net_af_packet"; fi
for driver in $drivers; do
	fwd_start --vdev ${driver}0,iface=ma -- --program reflect --json "$TMP/fwd.json"
	# Its port is open when it counts, which it says on the line of its first second.
	for _ in {1..100}; do
		attend in_a python3 "$(dirname "$0")/reflect.py" ea 2>"$TMP/reflect.err" && break
		kill -0 "$FWD" 2>/dev/null || { fwd_complaints; fail "the forwarder has ended"; }
		grep -q 'did not come back, 0 the first' "$TMP/reflect.err" || fail "$(<"$TMP/reflect.err")"
	done
	fwd_stop INT || fail "the forwarder ended with $?"
	jq -c . "$TMP/fwd.json"
	jq -e '.verdicts.XDP_TX >= 200 and .verdicts.XDP_TX == .rx and .tx + .dropped == .rx and
		.in_flight_at_exit == 0' "$TMP/fwd.json" || fail "the books are wrong on $driver"
done
