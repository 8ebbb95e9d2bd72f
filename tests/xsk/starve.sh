#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Starve: a consumer holds every buffer under a flood, and what is critical goes on through
# net_pp_xsk's receive ring, out of the reserve; without one it stands still.
# Arguments: the build directory, the driver.
set -euo pipefail
LACK=77
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../net/netns.sh"
. "$HERE/driver.sh"
BUILD=$1
TAP=fwd0 ADDRESS_HOST=10.7.0.9

sent_by_a() { ip netns exec "$A" cat /sys/class/net/ea/statistics/tx_packets; }

# So many a second, until killed; sets flood.
flood_start() {
	ip netns exec "$A" "$BUILD/tests/net/udp-flood" send 10.7.0.8 5002 1000000000 600 "$1" \
		>"$TMP/sent" 2>&1 &
	flood=$!
}

# Options of the forwarder's; leaves LOST of 20 pings and $TMP/r.json.
run() {
	: >"$TMP/fwd.err"
	fwd_start $DRIVER --vdev net_pp_xsk0,iface=ma --vdev net_tap0,iface=$TAP -- --program pass \
		--stall --buffers 8192 --json "$TMP/r.json" "$@" >"$TMP/fwd.out"
	renice -n -10 "$FWD" >/dev/null 2>&1 || true
	fwd_tap $TAP $ADDRESS_HOST
	ip -n "$A" neigh flush dev ea
	fwd_ready "$A" $ADDRESS_HOST || fail "no ping came through"
	ip -n "$A" neigh replace 10.7.0.8 dev ea lladdr 2:0:0:0:0:9
	flood_start 20000
	fwd_dry
	# And the two rings, of 1024 each, which had buffers yet.
	local sent=$(sent_by_a)
	for _ in {1..600}; do
		[ $(($(sent_by_a) - sent)) -lt 4096 ] || break
		sleep 0.1
	done
	# The rings are of 1024: a forwarder that is without a CPU for 50 ms would lose pings in any
	# buffers. Slower now, as all that the flood is for is done.
	kill $flood 2>/dev/null || true
	wait $flood || true
	flood_start 1000
	pings_send "$A" $ADDRESS_HOST 20
	kill $flood 2>/dev/null || true
	wait $flood || true
	fwd_stop || fail "the forwarder ended with $?"
	echo "$LOST of 20 pings lost"
	jq -c 'del(.ports, .level)' "$TMP/r.json"
}

net_begin
[ -e /dev/net/tun ] || lack "no /dev/net/tun: modprobe tun"
grep -q '^XDP ' /proc/net/protocols || lack "this kernel has no XDP sockets (CONFIG_XDP_SOCKETS)"
driver_begin "$2"
trap driver_end EXIT
net_hosts

run --reserve 64
[ "$LOST" = 0 ] || fail "$LOST of 20 pings lost, though there was a reserve"
jq -e '.reserve_used > 0 and .marked_refused > 0 and .held > 5000 and .kept_by_driver == 0 and
	.in_flight_at_exit == 0' "$TMP/r.json" >/dev/null || fail "the reserve was not what helped"
run --reserve 0
[ "$LOST" = 20 ] || fail "only $LOST of 20 pings lost without a reserve"
jq -e '.in_flight_at_exit == 0 and .kept_by_driver == 0 and .ports[0].driver_stats.rx_nombuf > 0' "$TMP/r.json" \
	>/dev/null || fail "the books are wrong, or an empty ring was not counted"
