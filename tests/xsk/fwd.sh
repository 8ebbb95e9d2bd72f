#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Fwd: pktpool-fwd on net_pp_xsk ports, Linux's own stack at both ends: files and pings whole with an
# MTU of 1500 and of 9000, an interface that goes away under traffic, and no buffer kept.
# Arguments: the build directory, the driver.
set -euo pipefail
LACK=77
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../net/netns.sh"
. "$HERE/driver.sh"
BUILD=$1

# What the forwarder wrote at its end is as it should be.
summary() {
	jq -c 'del(.ports)' "$TMP/r.json"
	jq -e ".kept_by_driver == 0 and .in_flight_at_exit == 0 and ($1)" \
		"$TMP/r.json" >/dev/null || { fwd_complaints; fail "not so: $1"; }
}
start() {
	: >"$TMP/fwd.err"
	fwd_start $DRIVER --vdev net_pp_xsk0,iface=ma --vdev net_pp_xsk1,iface=mb -- \
		--json "$TMP/r.json" "$@" >"$TMP/fwd.out"
	fwd_ready "$A" $ADDRESS_B || fail "nothing came through"
}

net_begin
grep -q '^XDP ' /proc/net/protocols || lack "this kernel has no XDP sockets (CONFIG_XDP_SOCKETS)"
driver_begin "$2"
trap driver_end EXIT
net_hosts

start
pings_send "$A" $ADDRESS_B 20
[ "$LOST" = 0 ] || fail "$LOST of 20 pings lost"
tcp_transfer 16 40 || fail "the file is not what was sent"
fwd_stop || fail "the forwarder ended with $?"
summary '.rx == .tx + .dropped and .rx > 10000 and .tx_refused == 0'
short=$(jq '.ports[0].rx' "$TMP/r.json")

# Jumbo frames are several buffers each way; nothing else at either end knows of it.
for end in "$A ea" "$M ma" "$M mb" "$B eb"; do
	set -- $end
	ip -n "$1" link set dev "$2" mtu 9000
done
start
attend ip netns exec "$A" ping -q -c5 -i0.05 -W5 -M "do" -s 8972 $ADDRESS_B >"$TMP/jumbo" ||
	fail "jumbo pings do not come back: $(tail -n 2 "$TMP/jumbo")"
tcp_transfer 16 40 || fail "the file is not what was sent in jumbo frames"
# An interface goes away while much comes from it.
ip netns exec "$A" ping -q -i 0.002 -s 8000 -w 20 $ADDRESS_B >/dev/null 2>&1 &
flood=$!
seen() { ip -n "$M" -s -j link show dev "$1" | jq '.[0].stats64.rx.packets'; }
before=$(seen mb)
for _ in {1..600}; do
	[ $(($(seen mb) - before)) -lt 100 ] || break
	sleep 0.1
done
ip -n "$M" link del dev ma
for _ in {1..600}; do
	! grep -q 'net_pp_xsk0.*its network interface is gone' "$TMP/fwd.err" || break
	sleep 0.1
done
kill $flood 2>/dev/null || true
wait $flood || true
fwd_stop || fail "the forwarder ended with $?"
# 16 MiB in frames of 9000 are some 1,900; had they been 1500, 11,000.
summary ".rx == .tx + .dropped and .ports[0].rx < $short / 2 and .ports[0].rx > 1800"
grep -q 'net_pp_xsk0.*its network interface is gone' "$TMP/fwd.err" || fail "nobody said that ma is gone"
