#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Starve: a consumer holds every buffer under a flood of UDP. A ping and a TCP session with the host
# itself, whose neighbours are forgotten all the time, go on out of the reserve, and die without it:
# with rte_mempool's ring, with a reserve of 0, and with one that receiving leaves alone. Exits 0
# only if it was so.
#
#   [a: ea 10.7.0.1] -- [ma :pktpool-fwd --stall: fwd0 10.7.0.9, the host] and 10.8.0.0/24 behind it
set -euo pipefail

BUFFERS=8192 RESERVE=64 ADDRESS_HOST=10.7.0.9 ADDRESS_GATE=10.7.0.8 ADDRESS_BEHIND=10.8.0.1 TAP=fwd0
# Datagrams a second: more than the pool's buffers, less than what overruns the kernel's own queues,
# where pings would be lost too, in whose buffers ever.
RATE=20000

usage() {
	cat <<-EOT
	usage: starve.sh BUILD_DIR [--seconds N] [--json FILE] [--driver DRIVER]
	  --seconds N      how long each of the runs goes on with an empty pool: 1..3600, default 3
	  --json FILE      what came of them
	  --driver DRIVER  af_xdp or af_packet; default both, as far as the kernel has them
	EOT
}
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/usage.sh"

seconds=3 json='' driver=''
usage_read "seconds json driver" "" "$@"
[[ $seconds =~ ^[0-9]{1,4}$ ]] && [ "$seconds" -ge 1 ] && [ "$seconds" -le 3600 ] ||
	usage_fail "--seconds $seconds: must be a whole number from 1 to 3600"
usage_driver

. "$HERE/netns.sh"
usage_build apps/fwd/pktpool-fwd tests/net/udp-flood
flood=$BUILD/tests/net/udp-flood
[ -z "$json" ] || : 2>/dev/null >"$json" || lack "--json $json: cannot be written"

# The host: what is behind the forwarder's TAP port, which is in its namespace.
host_start() {
	fwd_tap $TAP $ADDRESS_HOST
	# The last run's port had another MAC.
	ip -n "$A" neigh flush dev ea
	# What the flood is for lies behind a gate that needs not be asked for.
	ip -n "$A" neigh replace $ADDRESS_GATE dev ea nud permanent \
		lladdr "$(ip -n "$M" -j link show dev $TAP | jq -r '.[0].address')"
	ip -n "$A" route replace ${ADDRESS_BEHIND%.*}.0/24 via $ADDRESS_GATE dev ea
}

# A session with the host that lasts until $TMP/enough is there, and is well under way now.
session_start() {
	local _ back=0
	rm -f "$TMP"/enough*
	ip netns exec "$M" timeout 600 python3 "$HERE/session.py" echo $ADDRESS_HOST 5001 &
	ECHOER=$!
	ip netns exec "$A" timeout 600 python3 "$HERE/session.py" talk $ADDRESS_HOST 5001 \
		"$TMP/enough" 3 >"$TMP/session.json" &
	SESSION=$!
	for _ in {1..600}; do
		back=$(cat "$TMP/enough.back" 2>/dev/null || true)
		[ "${back:-0}" -lt 16384 ] || return 0
		sleep 0.1
	done
	fail "the session does not even begin"
}

session_end() {
	: >"$TMP/enough"
	wait $SESSION || fail "the session's client failed"
	kill $ECHOER 2>/dev/null || true
	wait $ECHOER || true
}

# Neighbours forgotten at both ends, until $TMP/enough: so ARP has to work all the time. Not those
# that are being asked for: the kernel would drop the packets that wait for them.
neighbours_forget() {
	local n=0 known="nud reachable nud stale nud delay nud probe"
	while [ ! -e "$TMP/enough" ]; do
		ip -n "$A" neigh flush dev ea $known
		ip -n "$M" neigh flush dev $TAP $known
		n=$((n + 1))
		echo $n >"$TMP/flushes"
		sleep 0.1
	done 2>/dev/null
}

# One run: the port's driver, and the forwarder's options. Leaves $TMP/run.json.
run() {
	local driver=$1 args=''
	shift
	[ "$driver" = af_xdp ] || args=,framecnt=8192
	: >"$TMP/fwd.err"
	fwd_start --vdev "net_${driver}0,iface=ma$args" --vdev net_tap0,iface=$TAP -- --program pass \
		--stall --buffers $BUFFERS --json "$TMP/fwd.json" "$@" >"$TMP/fwd.out"
	renice -n -10 "$FWD" >/dev/null 2>&1 || true
	host_start
	fwd_ready "$A" $ADDRESS_HOST || fail "no ping came through"
	session_start
	ip netns exec "$A" "$flood" send $ADDRESS_BEHIND 5002 1000000000 $((seconds + 60)) $RATE \
		>"$TMP/sent" 2>&1 &
	local sender=$!
	fwd_dry
	hold
	neighbours_forget &
	OTHERS=$!
	release
	pings_send "$A" $ADDRESS_HOST $((20 * seconds))
	[ "$SENT" = $((20 * seconds)) ] || fail "ping sent $SENT of $((20 * seconds)): $(<"$TMP/pings")"
	session_end
	wait "$OTHERS" || true
	OTHERS=
	kill $sender 2>/dev/null || true
	wait $sender || true
	fwd_stop || fail "pktpool-fwd ended with $?"
	jq -n --slurpfile fwd "$TMP/fwd.json" --arg device "net_$driver" \
		--argjson sent "$SENT" --argjson lost "$LOST" --slurpfile session "$TMP/session.json" \
		--argjson flushes "$(<"$TMP/flushes")" '$fwd[0] | {
			device: $device, pool, reserve, critical, ping_sent: $sent, ping_lost: $lost,
			tcp_ok: $session[0].same, tcp_sent: $session[0].sent, tcp_back: $session[0].back,
			arp_flushes: $flushes,
			min_free, reserve_used, marked_refused, held, rx, tx, buffers, level,
			rx_nombuf: ([.ports[].driver_stats.rx_nombuf] | add),
			in_flight_at_exit}' >"$TMP/run.json"
}

net_begin
[ -e /dev/net/tun ] || lack "no /dev/net/tun: modprobe tun"
drivers=${driver:-af_xdp af_packet}
if ! grep -q '^XDP ' /proc/net/protocols; then
	[ "$driver" != af_xdp ] || lack "this kernel has no XDP sockets (CONFIG_XDP_SOCKETS)"
	echo "== this kernel has no XDP sockets (CONFIG_XDP_SOCKETS): AF_PACKET only"
	drivers=af_packet
fi
net_hosts

echo "== $RATE datagrams a second, all of them held; meanwhile a pings the host and talks TCP to it"
format='%-14s %-11s %8s %-9s %10s %-5s %9s %13s %15s\n'
printf "$format" device pool reserve critical "pings lost" TCP "min free" "reserve used" "marked refused"
: >"$TMP/runs"
for each in $drivers; do
	for with in "--reserve $RESERVE" "--pool ring_mp_mc" "--reserve 0" "--reserve $RESERVE --no-critical"; do
		run $each $with
		cat "$TMP/run.json" >>"$TMP/runs"
		printf "$format" $(jq -r '[.device, .pool, .reserve, .critical, "\(.ping_lost)/\(.ping_sent)",
			if .tcp_ok then "whole" else "died" end, .min_free, .reserve_used, .marked_refused] |
			join(" ")' "$TMP/run.json")
	done
done

# What is claimed, of each run: it lives out of a reserve that it may draw on, and dies without.
jq -s '{runs: map(. + {claimed: (if .pool == "pktpool" and .reserve > 0 and .critical then "lives" else "dies" end)} |
	. + {as_claimed: (if .claimed == "lives"
		then .ping_lost == 0 and .tcp_ok and .min_free == 0 and .reserve_used > 0 and .marked_refused > 0
			and .in_flight_at_exit == 0
		else .ping_lost == .ping_sent and (.tcp_ok | not) and .marked_refused == 0 end)})} |
	. + {contrast: (.runs | all(.as_claimed))}' "$TMP/runs" >"$TMP/all.json"
[ -z "$json" ] || cat "$TMP/all.json" >"$json" || fail "--json $json: could not be written"
jq -e .contrast "$TMP/all.json" >/dev/null || {
	jq -c '.runs[] | select(.as_claimed | not) | del(.level)' "$TMP/all.json" >&2
	fail "not as claimed: see above"
}
echo "== with the reserve nothing was lost, without it all was: as claimed"
