#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Run: two hosts talk through pktpool-fwd: pings, a file over TCP, a flood of UDP; then the same
# flood with rte_mempool's ring under the same forwarder. Exits 0 only if all arrived.
set -euo pipefail

BUFFERS=16384 PING_COUNT=20 TCP_MIB=64 FLOOD_MOST=20000000

usage() {
	cat <<-EOF
	usage: run.sh BUILD_DIR [--seconds N] [--json FILE] [--pool KIND] [--driver DRIVER] [--checksum]
	  --seconds N      how long the hosts talk, about: 5..3600, default 10
	  --json FILE      what came of it
	  --pool KIND      pktpool (default), ring_mp_mc or stack
	  --driver DRIVER  af_xdp (default where the kernel has XDP sockets) or af_packet
	  --checksum       the hosts leave checksums to their hardware, pktpool-fwd fills them in
	EOF
}
. "$(dirname "$0")/usage.sh"

seconds=10 json='' pool=pktpool driver='' checksum=
usage_read "seconds json pool driver" "checksum" "$@"
[[ $seconds =~ ^[0-9]{1,4}$ ]] && [ "$seconds" -ge 5 ] && [ "$seconds" -le 3600 ] ||
	usage_fail "--seconds $seconds: must be a whole number from 5 to 3600"
case $pool in
pktpool) peer=ring_mp_mc ;;
ring_mp_mc | stack) peer=pktpool ;;
*) usage_fail "--pool $pool: must be pktpool, ring_mp_mc or stack" ;;
esac
usage_driver

. "$(dirname "$0")/netns.sh"
usage_build apps/fwd/pktpool-fwd tests/net/udp-flood
flood=$BUILD/tests/net/udp-flood
# Written when all is over; that it cannot be is better known now. An older one must not survive.
[ -z "$json" ] || : 2>/dev/null >"$json" || lack "--json $json: cannot be written"

# Words above a table that is being redrawn: up over it, clear, say, and make room for it again.
table=0
say() {
	local room=''
	if [ "$table" -gt 0 ] && [ -t 1 ]; then
		printf -v room '%*s' "$table" ''
		printf '\033[%dA\033[J== %s\n%s' "$table" "$*" "${room// /$'\n'}"
	else
		printf '== %s\n' "$*"
	fi
}

# Forwards between a and b with a pool of kind $1 until fwd_stop.
middle_start() {
	local vdev=net_$driver
	fwd_start --vdev "${vdev}0,iface=ma" --vdev "${vdev}1,iface=mb" -- --program cross \
		--pool "$1" --buffers $BUFFERS --promiscuous --json "$TMP/fwd.json" \
		--seconds $((4 * seconds + 60)) ${checksum:+--checksum}
	fwd_ready "$A" $ADDRESS_B || exit $?
}

# Floods b from a for $1 seconds; leaves $TMP/sent and $TMP/received.
flood_run() {
	ip netns exec "$B" "$flood" receive $ADDRESS_B 5002 >"$TMP/received" &
	local receiver=$!
	udp_listens "$B" 5002
	attend in_a "$flood" send $ADDRESS_B 5002 $FLOOD_MOST "$1" >"$TMP/sent" ||
		fail "the flood's sender failed"
	wait "$receiver" || fail "the flood's receiver failed"
}

flood_rate() { jq -n --slurpfile r "$TMP/received" '$r[0] | if .seconds > 0 then .received / .seconds | floor else 0 end'; }

net_begin
[ -n "$driver" ] || driver=af_xdp
if [ "$driver" = af_xdp ] && ! grep -q '^XDP ' /proc/net/protocols; then
	say "this kernel has no XDP sockets (CONFIG_XDP_SOCKETS): using AF_PACKET instead"
	driver=af_packet
fi
tx=off
[ -z "$checksum" ] || tx=on
net_hosts $tx

say "host a ($ADDRESS_A) -- [pktpool-fwd on net_$driver, $BUFFERS buffers of $pool] -- host b ($ADDRESS_B)"
if [ $tx = off ]; then
	say "the hosts compute their own checksums (ethtool -K tx off): a veth has no hardware to do it"
else
	say "the hosts leave checksums to hardware that a veth has not: pktpool-fwd fills them in"
fi
middle_start $pool
start=$SECONDS
table=3
say "$PING_COUNT pings from a to b, and $PING_COUNT from b to a"
pings_send "$A" $ADDRESS_B $PING_COUNT
lost_ab=$LOST pings=$SENT
pings_send "$B" $ADDRESS_A $PING_COUNT
lost_ba=$LOST pings=$((pings + SENT))
say "of those from a $lost_ab were lost, of those from b $lost_ba"

say "$TCP_MIB MiB over TCP from a to b"
tcp_start=${EPOCHREALTIME/./}
tcp_ok=false
if tcp_transfer $TCP_MIB 60; then tcp_ok=true; fi
tcp_ms=$(((${EPOCHREALTIME/./} - tcp_start) / 1000))
say "it arrived whole (same sha256): $tcp_ok, in $tcp_ms ms"

left=$((seconds - (SECONDS - start)))
[ $left -ge 2 ] || left=2
say "a flood of UDP from a to b, as fast as a can send, for $left s"
flood_run $left
sent=$(jq .sent "$TMP/sent") received=$(jq .received "$TMP/received")
damaged=$(jq .damaged "$TMP/received") rate=$(flood_rate)
say "of $sent datagrams $received arrived, $damaged of them damaged: $rate a second"

kill -TERM "$FWD"
table=0
status=0
wait "$FWD" || status=$?
[ $status = 0 ] || { fwd_complaints; fail "pktpool-fwd ended with $status"; }
mv "$TMP/fwd.json" "$TMP/main.json"

# What else the cores do moves single figures by half: in turns, and the best of two.
say "the same flood four times more, in turns with $peer's buffers and $pool's"
declare -A best=([$pool]=0 [$peer]=0)
for kind in $peer $pool $pool $peer; do
	middle_start $kind >"$TMP/turn.out"
	flood_run 1.5
	fwd_stop >>"$TMP/turn.out" || fail "pktpool-fwd with $kind ended with $?"
	[ $kind = $pool ] || mv "$TMP/fwd.json" "$TMP/peer.json"
	turn=$(flood_rate)
	[ "$turn" -le "${best[$kind]}" ] || best[$kind]=$turn
done

jq -n --slurpfile fwd "$TMP/main.json" --slurpfile peer "$TMP/peer.json" \
	--arg driver "net_$driver" --argjson ping_sent "$pings" \
	--argjson lost_ab "$lost_ab" --argjson lost_ba "$lost_ba" --argjson tcp_ok $tcp_ok \
	--argjson tcp_bytes $((TCP_MIB << 20)) --argjson tcp_ms $tcp_ms --argjson sent "$sent" \
	--argjson received "$received" --argjson damaged "$damaged" --argjson rate "${best[$pool]}" \
	--argjson peer_rate "${best[$peer]}" '
	$fwd[0] + {
		driver: $driver, ping_sent: $ping_sent,
		ping_lost: ($lost_ab + $lost_ba),
		tcp_bytes: $tcp_bytes, tcp_ms: $tcp_ms, tcp_sha_ok: $tcp_ok,
		udp_sent: $sent, udp_received: $received, udp_damaged: $damaged,
		udp_rate: {($fwd[0].pool): $rate, ($peer[0].pool): $peer_rate},
		ratio: (if $peer_rate > 0 then $rate / $peer_rate else null end),
		peer: $peer[0].pool, peer_in_flight_at_exit: $peer[0].in_flight_at_exit
	}' >"$TMP/run.json"

jq -r '
	"",
	"packets in           \(.rx)",
	"packets out          \(.tx)",
	"dropped in here      \(.dropped)   (\(.tx_refused) that the sending port refused)",
	"pings lost           \(.ping_lost) of \(.ping_sent)",
	"TCP                  \(.tcp_bytes / 1048576) MiB, sha256 \(if .tcp_sha_ok then "the same" else "WRONG" end)",
	"UDP flood            \(.udp_received) of \(.udp_sent) arrived; the others overran a queue of the kernel before or after us",
	"pool                 \(.pool), \(.buffers) buffers of \(.data_room) bytes, \(.pages) pages",
	"kept by the driver   \(.kept_by_driver)" + (if .pool == "pktpool" and .kept_by_driver > 0 then "   (in its rings: brought home after the ports were closed)" else "" end),
	"in flight at exit    \(.in_flight_at_exit)",
	"against \(.peer)   \(.udp_rate[.pool]) : \(.udp_rate[.peer]) datagrams a second = \(.ratio * 100 | round / 100)",
	"                     On a veth the kernel'"'"'s copying is the limit, whatever the pool: about 1 is",
	"                     a tie, and a few percent either way are noise. ./dev bench compares pools."
	' "$TMP/run.json"

[ -z "$json" ] || cat "$TMP/run.json" >"$json" || fail "--json $json: could not be written"

jq -e '.rx == .tx + .dropped' "$TMP/run.json" >/dev/null || fail "the forwarder's books do not balance"
jq -e '.ping_lost == 0' "$TMP/run.json" >/dev/null || fail "pings were lost"
[ $tcp_ok = true ] || fail "the file did not arrive whole"
jq -e '.udp_received > 0 and .udp_damaged == 0' "$TMP/run.json" >/dev/null ||
	fail "of the flood nothing, or damaged datagrams arrived"
[ $pool != pktpool ] || jq -e '.in_flight_at_exit == 0' "$TMP/run.json" >/dev/null ||
	fail "buffers are in flight at exit"
