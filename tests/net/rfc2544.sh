#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Rfc2544: pktpool-fwd between two veths, measured by pktpool-pktgen in a process of its own as
# RFC 2544 says, in trials much shorter than its. Exits 0 if all of it was measured.
#
#   [a: pktpool-pktgen on ea, eb] == [ma, mb :m: pktpool-fwd --program cross]
set -euo pipefail

usage() {
	cat <<-EOT
	usage: rfc2544.sh BUILD_DIR [--quick] [--json FILE] [--csv FILE] [--driver DRIVER] [-- OPTION...]
	  --quick          two frame sizes and still shorter trials
	  --json FILE      what came of it: a row for each frame size
	  --csv FILE       the same, a figure a line
	  --driver DRIVER  af_xdp (default where the kernel has XDP sockets) or af_packet
	  -- OPTION...     further options for pktpool-pktgen --method rfc2544, e.g. --full
	EOT
}
. "$(dirname "$0")/usage.sh"

json='' csv='' driver='' quick='' further=()
usage_read "json csv driver" "quick --" "$@"
usage_driver

# Two pools of 16,384 buffers, and EAL's own twice.
HUGE_NEED=128
. "$(dirname "$0")/netns.sh"
usage_build apps/fwd/pktpool-fwd apps/pktgen/pktpool-pktgen
pktgen=$BUILD/apps/pktgen/pktpool-pktgen
for file in "$json" "$csv"; do
	[ -z "$file" ] || : 2>/dev/null >"$file" || lack "$file: cannot be written"
done

net_begin
if [ -z "$driver" ]; then
	driver=af_xdp
	if ! grep -q '^XDP ' /proc/net/protocols; then
		echo "== this kernel has no XDP sockets (CONFIG_XDP_SOCKETS): using AF_PACKET instead"
		driver=af_packet
	fi
fi

# Both far ends are the generator's; nothing of the kernel's own may be counted.
ip netns exec "$A" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip netns exec "$M" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link add ea netns "$A" type veth peer name ma netns "$M"
ip link add eb netns "$A" type veth peer name mb netns "$M"
for end in ea eb; do ip -n "$A" link set dev $end up; done
for end in ma mb; do ip -n "$M" link set dev $end up; done

# The generator has the first CPU that there is, the forwarder the last.
first=$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*\([0-9]\{1,\}\).*/\1/p' /proc/self/status)
[ "$first" != "$CPU" ] || echo "== one CPU for both: figures say little"

fwd_start --vdev "net_${driver}0,iface=ma" --vdev "net_${driver}1,iface=mb" -- --program cross \
	--promiscuous --json "$TMP/fwd.json" >"$TMP/fwd.out"
for _ in {1..300}; do
	! grep -q '^port 1' "$TMP/fwd.out" || break
	kill -0 "$FWD" 2>/dev/null || { fwd_complaints; fail "the forwarder has ended"; }
	sleep 0.1
done

# Both poll; who else is here gets what they leave.
renice -n -10 "$FWD" >/dev/null 2>&1 || true
# A packet that comes later than that is lost: so long the host may stop its guest. The RFC waits longer.
options=(--promiscuous)
[[ " ${further[*]} " == *' --full '* ]] || options+=(--settle 0.1)
[ -z "$quick" ] || options+=(--frames 64,1518 --trial 0.1 --latency-trial 0.1 --latency-repeat 1 --burst-repeat 1
	--votes 1 --resolution 6)
[ -z "$csv" ] || options+=(--csv "$csv")
echo "== pktpool-pktgen -- pktpool-fwd on net_$driver, two veths"
status=0
ip netns exec "$A" nice -n -10 "$pktgen" -l "$first" --in-memory --no-pci --no-telemetry --iova-mode=va --log-level=4 \
	--vdev "net_${driver}0,iface=ea" --vdev "net_${driver}1,iface=eb" \
	-- --method rfc2544 --pair 0:1 --json "$TMP/rfc.json" "${options[@]}" "${further[@]}" \
	2> >(grep -v -e '^EAL: ' -e '^libbpf: ' -e '^libxdp: ' -e '^TELEMETRY: ' >&2) &
generator=$!
wait $generator || status=$?
[ $status = 0 ] || fwd_complaints
fwd_stop || fail "pktpool-fwd ended with $?"
[ -z "$json" ] || [ ! -s "$TMP/rfc.json" ] || jq --arg driver "net_$driver" --slurpfile fwd "$TMP/fwd.json" \
	'. + {driver: $driver, forwarder: ($fwd[0] | {program, pool, buffers, rx, tx, dropped, tx_refused, in_flight_at_exit})}' \
	"$TMP/rfc.json" >"$json" || fail "--json $json: could not be written"
[ $status = 0 ] || { echo "rfc2544.sh: pktpool-pktgen ended with $status" >&2; exit $status; }
jq -e '.in_flight_at_exit == 0' "$TMP/fwd.json" >/dev/null || fail "the forwarder's buffers are in flight at exit"
