#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Packet: on AF_PACKET, between hosts that leave checksums to hardware, TCP lives by --checksum and
# dies without.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

# Damaged segments that host b's TCP has seen.
csum_errors() { in_b awk '/^Tcp:/ && $NF ~ /[0-9]/ { print $NF }' /proc/net/snmp; }

packet_start() {
	fwd_start --vdev net_af_packet0,iface=ma --vdev net_af_packet1,iface=mb -- \
		--json "$TMP/fwd.json" "$@"
	fwd_ready "$A" $ADDRESS_B
}

net_begin
net_hosts on

packet_start
pings_send "$A" $ADDRESS_B 10
[ "$LOST" = 0 ] || fail "a ping needs no checksum of hardware, but was lost"
before=$(csum_errors)
! tcp_transfer 1 4 || fail "TCP passed without checksums: the hosts did not leave them out"
[ "$(csum_errors)" -gt "$before" ] || fail "TCP died, but not of checksums"
fwd_stop || fail "the forwarder ended with $?"
jq -e '.checksums_filled == 0 and .in_flight_at_exit == 0' "$TMP/fwd.json"

packet_start --checksum
before=$(csum_errors)
tcp_transfer 16 30 || fail "TCP did not pass with --checksum"
tcp_transfer 4 30 fd07::2 || fail "TCP over IPv6 did not pass with --checksum"
in_b "$BUILD/tests/net/udp-flood" receive $ADDRESS_B 5002 >"$TMP/received" &
receiver=$!
udp_listens "$B" 5002
attend in_a "$BUILD/tests/net/udp-flood" send $ADDRESS_B 5002 1000 2
wait $receiver
jq -e '.received > 0 and .damaged == 0' "$TMP/received" || fail "UDP did not pass with --checksum"
[ "$(csum_errors)" = "$before" ] || fail "a wrong checksum was filled in"
fwd_stop || fail "the forwarder ended with $?"
jq -e '.checksums_filled > 1000 and .in_flight_at_exit == 0 and .rx == .tx + .dropped' "$TMP/fwd.json"
