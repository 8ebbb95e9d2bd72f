#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Pass: host a talks to the kernel behind a TAP port, through the forwarder.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1
TAP=fwd0 ADDRESS_TAP=10.7.0.9

net_begin
[ -e /dev/net/tun ] || lack "no /dev/net/tun: modprobe tun"
net_hosts
fwd_start --vdev net_tap0,iface=$TAP --vdev net_af_packet0,iface=ma -- \
	--program pass --json "$TMP/fwd.json"
# Its address stays with the forwarder's namespace: this is the kernel that XDP_PASS speaks of.
fwd_tap $TAP $ADDRESS_TAP
fwd_ready "$A" $ADDRESS_TAP || fail "no ping from a to the kernel behind $TAP"
pings_send "$A" $ADDRESS_TAP 20
[ "$LOST" = 0 ] || fail "pings from a to the kernel were lost"
pings_send "$M" $ADDRESS_A 20
[ "$LOST" = 0 ] || fail "pings from the kernel to a were lost"
fwd_stop || fail "the forwarder ended with $?"
jq . "$TMP/fwd.json"
jq -e '.verdicts.XDP_PASS >= 40 and .verdicts.XDP_REDIRECT >= 40 and .in_flight_at_exit == 0 and
	.rx == .tx + .dropped and (.ports | map(.peer) | sort) == [0, 1]' "$TMP/fwd.json" ||
	fail "the verdicts or the books are wrong"
