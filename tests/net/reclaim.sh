#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Reclaim: with an empty pool and a reserve of one burst, what was sent is what is missing for
# receiving. net_af_xdp looks for sent buffers only when there is more to send, so if pktpool-fwd did
# not ask for them (NVIDIA/daqiri issue 207), it would stand still for good after the first burst.
set -euo pipefail
LACK=77 BURST=32 PINGS=100
. "$(dirname "$0")/netns.sh"
BUILD=$1

mac() { ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'; }

net_begin
grep -q '^XDP ' /proc/net/protocols || lack "this kernel has no XDP sockets (CONFIG_XDP_SOCKETS)"
net_hosts
ip -n "$A" neigh replace $ADDRESS_B dev ea nud permanent lladdr "$(mac "$B" eb)"
ip -n "$B" neigh replace $ADDRESS_A dev eb nud permanent lladdr "$(mac "$A" ea)"
fwd_start --vdev net_af_xdp0,iface=ma --vdev net_af_xdp1,iface=mb -- --program cross --burst $BURST \
	--buffers 8704 --reserve $BURST --critical icmp --stall --json "$TMP/r.json" >"$TMP/fwd.out"
fwd_ready "$A" $ADDRESS_B || fail "no ping came through"
ip netns exec "$A" "$BUILD/tests/net/udp-flood" send $ADDRESS_B 5002 1000000000 600 20000 \
	>"$TMP/sent" 2>&1 &
flood=$!
fwd_dry
kill $flood
wait $flood || true

# So many at once that the whole reserve is in transmission after the first burst; fewer than the
# queue of ping's socket takes.
asked() { ip -n "$A" -s -j link show dev ea | jq '.[0].stats64.tx.packets'; }
kill -STOP "$FWD"
before=$(asked)
ip netns exec "$A" ping -q -c $PINGS -l $PINGS -w 60 $ADDRESS_B >"$TMP/pings" &
ping=$!
for _ in {1..600}; do
	[ $(($(asked) - before)) -lt $PINGS ] || break
	sleep 0.1
done
kill -CONT "$FWD"
wait $ping || true
tail -n 2 "$TMP/pings"
grep -q ", $PINGS received" "$TMP/pings" ||
	fail "not all pings came through: the forwarder has not got back what it had sent"
fwd_stop || fail "the forwarder ended with $?"
jq -c 'del(.ports, .level)' "$TMP/r.json"
jq -e ".min_free == 0 and .reserve_used >= $PINGS and .in_flight_at_exit == 0" "$TMP/r.json" >/dev/null ||
	fail "the pool was not empty, or the books are wrong"
